"""One child process that carries out a Fabric task: started, listened to, ended.

It leads a session and a process group of its own, has nothing to read and an environment of a few harmless names, and
its output goes to the record as it comes. What it says over its socket decides how the step ended; a child that goes
without a word has lost its answer, so the work is in doubt. Nothing here knows Fabric.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

import msgspec

from runbook.core.outcome import Ending, Exited, Lost, NeverSent
from runbook.steps.fabric.interpreter import child_words
from runbook.steps.fabric.talk import (
    LONGEST,
    REPORT,
    CommandFailed,
    Done,
    End,
    LinkLost,
    NotOpened,
    Opened,
    Orders,
    Raised,
    Report,
    TaskRefused,
    Told,
    Wants,
    line_of,
)
from runbook.transport.session import Sink, Stream
from runbook.transport.shell.limits import LAST_WORDS

Tell = Callable[[], Awaitable[Told]]

LINGER = 5.0
"""Seconds that a child may take to go after it has said how its task ended."""

LOOK = 0.05
"""Seconds between looks whether a group of processes is gone."""

PASSED_ON = frozenset(
    {"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR"}
)
"""Environment variables that a child inherits. All others stay behind: they hold secrets, agents and settings."""


class Child:
    """One running child."""

    opened: Opened | None = None
    """Set once it has logged in; without it nothing was sent."""
    ended: End | None = None
    """Its last word."""

    def __init__(
        self, process: asyncio.subprocess.Process, line: _Line, pipes: dict[Stream, _Pipe], *, grace: float, tell: Tell
    ) -> None:
        """Take what `start` has opened; `grace` is the time in seconds between TERM and KILL."""
        self._process, self._line, self._pipes, self._grace, self._tell = process, line, pipes, grace, tell

    async def follow(self, sink: Sink) -> Ending:
        """Give its output to the sink until it is gone, and say how its task ended."""
        pumps = {asyncio.create_task(_pump(pipe, stream, sink)) for stream, pipe in self._pipes.items()}
        hearing = asyncio.create_task(self._hear())
        try:
            waiting: set[asyncio.Task[None]] = {hearing, *pumps}
            while not hearing.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()  # A sink that cannot take more ends the step.
            await self._leave()
            _, still = await asyncio.wait(pumps, timeout=LAST_WORDS)
            return self._ending(late_output=bool(still))
        finally:
            for task in (hearing, *pumps):
                task.cancel()

    async def end(self) -> tuple[str, ...]:
        """TERM, the time of grace, KILL, for its whole group. See `limits.Ender`; a killed group leaves nobody."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._grace):
                while self._is_there():  # noqa: ASYNC110 - nothing tells when grandchildren end
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            self._signal(signal.SIGKILL)
        await self._process.wait()
        return ()

    async def close(self) -> None:
        """Let go of everything; a child that is still there is killed."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        for pipe in self._pipes.values():
            pipe.transport.close()
        await self._line.close()

    async def _hear(self) -> None:
        async for report in self._line:
            match report:
                case Opened():
                    self.opened = report
                case Wants():
                    await self._line.say(await self._tell())
                case _:
                    self.ended = report
                    return

    async def _leave(self) -> None:
        """It has said its last word; threads and handlers of the fabfile may keep it from going."""
        try:
            await asyncio.wait_for(self._process.wait(), LINGER)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _ending(self, *, late_output: bool) -> Ending:
        match self.ended:
            case Done():
                return Exited(0, late_output)
            case CommandFailed(code=code):
                return Exited(code, late_output)
            case Raised() | TaskRefused():
                return Exited(1, late_output)
            case LinkLost(reason=reason):
                return Lost(reason)
            case NotOpened(problem=problem):
                return NeverSent(str(problem))
            case None:
                gone = f"the Fabric process was gone (status {self._process.returncode})"
                return Lost(gone) if self.opened else NeverSent(f"{gone} before it had logged in")
            case _:
                assert_never(self.ended)

    def _is_there(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._is_there():
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass  # It went between the look and the signal.


async def start(orders: Orders, *, grace: float, tell: Tell) -> Child:
    """Start a child and give it its orders; `tell` is asked when a sudo of its task asks for a password.

    Raises:
        OSError: No process, pipe or socket could be had.
    """
    ours, theirs = socket.socketpair()
    pipes: dict[Stream, _Pipe] = {}
    ends: list[int] = []
    try:
        for stream in Stream:
            reading, writing = os.pipe()
            ends.append(writing)
            pipes[stream] = await _Pipe.on(reading)
        process = await _process(orders, theirs.fileno(), *ends)
    except BaseException:
        ours.close()
        for pipe in pipes.values():
            pipe.transport.close()
        raise
    finally:
        theirs.close()
        for end in ends:
            os.close(end)
    return Child(process, await _Line.on(ours, orders), pipes, grace=grace, tell=tell)


async def _process(orders: Orders, line: int, out: int, err: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *child_words(orders.python),
        str(line),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        pass_fds=(line,),
        cwd=Path(orders.file).parent,
        env={name: value for name, value in os.environ.items() if name in PASSED_ON} | {"PYTHONUTF8": "1"},
        start_new_session=True,
    )


class _Pipe:
    """The reading end of one stream; its transport can be let go while somebody still holds the other end."""

    def __init__(self, transport: asyncio.BaseTransport, reader: asyncio.StreamReader) -> None:
        self.transport, self.reader = transport, reader

    @classmethod
    async def on(cls, descriptor: int) -> _Pipe:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        file = os.fdopen(descriptor, "rb", 0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        return cls(transport, reader)


class _Line:
    """Our end of the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def on(cls, ours: socket.socket, orders: Orders) -> _Line:
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST)
        writer.write(line_of(orders))
        return cls(reader, writer)

    async def say(self, told: Told) -> None:
        """Answer; a child that has gone meanwhile is told nothing."""
        self._writer.write(line_of(told))
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def __aiter__(self) -> _Line:
        return self

    async def __anext__(self) -> Report:
        """Reports until it hangs up; what is no report is somebody else's writing, and ends the hearing."""
        try:
            return REPORT.decode(await self._reader.readuntil(b"\n"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, msgspec.DecodeError):
            raise StopAsyncIteration from None

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass  # It went first, with orders unread.


async def _pump(pipe: _Pipe, stream: Stream, sink: Sink) -> None:
    while data := await pipe.reader.read(LONGEST):
        await sink.receive(stream, data)
