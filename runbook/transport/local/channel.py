"""One local `/bin/sh` and its three pipes.

Not asyncio's own subprocess transport, because that kills its process when it is closed or merely collected,
and a durable job must outlive the runner that started it. The process is spawned plainly, in a session of its
own, and only watched.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from runbook.core.outcome import Exited, Signalled
from runbook.transport.session import Stream
from runbook.transport.shell.channel import Arrival, ChannelRefused, Chunk, Gone, Inbox

_STREAMS: Mapping[Stream, int] = {Stream.OUT: 1, Stream.ERR: 2}
# Python ignores these two, and what is ignored is inherited.
_OWN_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


class LocalDialer:
    """Starts `/bin/sh` in a session of its own."""

    async def open(self, *, urgent: bool = False) -> LocalChannel:
        """See `Dialer.open`."""
        del urgent
        pipes = [os.pipe() for _ in range(3)]
        (child_in, ours_in), (ours_out, child_out), (ours_err, child_err) = pipes
        ends = (child_in, child_out, child_err)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends)]
            pid = _spawned(actions)
        except OSError as error:
            for descriptor in (ours_in, ours_out, ours_err):
                os.close(descriptor)
            raise ChannelRefused(f"/bin/sh could not be started: {error.strerror}") from error
        finally:
            for descriptor in ends:
                os.close(descriptor)
        channel = LocalChannel(pid)
        await channel.attach(ours_in, {Stream.OUT: ours_out, Stream.ERR: ours_err})
        return channel


def _spawned(actions: Sequence[tuple[int, int, int]]) -> int:
    """Start the shell; returns at once, for nothing of it is waited for."""
    sh = "/bin/sh"
    return os.posix_spawn(sh, [sh], os.environ, file_actions=actions, setsid=True, setsigdef=_OWN_SIGNALS)


class LocalChannel:
    """One running shell."""

    def __init__(self, pid: int) -> None:
        """Made by the dialer, once the process exists."""
        self._pid = pid
        self._inbox = Inbox(self._pause, self._resume)
        self._input: _Input
        self._outputs: list[asyncio.ReadTransport] = []
        self._open = 0
        """Pipes still open and, as one more, the process itself."""

    async def attach(self, ours_in: int, outputs: Mapping[Stream, int]) -> None:
        """Join the pipes to the event loop and watch the process."""
        loop = asyncio.get_running_loop()
        self._open = len(outputs) + 1
        _, self._input = await loop.connect_write_pipe(_Input, os.fdopen(ours_in, "wb", 0))
        for stream, descriptor in outputs.items():
            pipe = os.fdopen(descriptor, "rb", 0)
            transport, _ = await loop.connect_read_pipe(functools.partial(_Output, self, stream), pipe)
            self._outputs.append(transport)
        _when_ended(self._pid, loop, self._exited)

    @property
    def is_gone(self) -> bool:
        """See `Channel.is_gone`."""
        return self._inbox.is_gone

    async def next(self) -> Arrival:
        """See `Channel.next`."""
        return await self._inbox.next()

    async def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        await self._input.write(data)

    def write_eof(self) -> None:
        """See `Channel.write_eof`."""
        self._input.close()

    def signal(self, name: str) -> None:
        """Signal the process group, which is its own."""
        try:
            os.killpg(self._pid, signal.Signals[f"SIG{name}"])
        except ProcessLookupError:
            pass  # It has ended meanwhile, which is what was wanted.

    def close(self) -> None:
        """See `Channel.close`: the pipes are closed, the process ends when it notices."""
        self._inbox.put(Gone("the session was closed"))
        self._input.close()
        for transport in self._outputs:
            transport.close()

    def arrived(self, stream: Stream, data: bytes) -> None:
        """Output."""
        self._inbox.put(Chunk(stream, data))

    def ended(self) -> None:
        """One pipe, or the process, has come to its end."""
        self._open -= 1
        if self._open == 0:
            self._input.close()
            self._inbox.put(Gone(""))

    def _exited(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self._inbox.put(Signalled(signal.Signals(-code).name.removeprefix("SIG")) if code < 0 else Exited(code))
        self.ended()

    def _pause(self) -> None:
        for transport in self._outputs:
            if transport.is_reading():
                transport.pause_reading()

    def _resume(self) -> None:
        for transport in self._outputs:
            if not transport.is_closing():
                transport.resume_reading()


@dataclass(slots=True)
class _Output(asyncio.Protocol):
    channel: LocalChannel
    stream: Stream

    def data_received(self, data: bytes) -> None:
        self.channel.arrived(self.stream, data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.channel.ended()


class _Input(asyncio.Protocol):
    """The writing end."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
            await self._writable.wait()

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.close()


def _when_ended(pid: int, loop: asyncio.AbstractEventLoop, tell: Callable[[int], None]) -> None:
    """Reap a process when it ends and hand its wait status to the loop."""
    if sys.platform == "linux":
        descriptor = os.pidfd_open(pid)

        def reap() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            tell(os.waitpid(pid, 0)[1])

        loop.add_reader(descriptor, reap)
    else:
        # Elsewhere a thread waits; it ends with the process or with ours.
        threading.Thread(target=_wait, args=(pid, loop, tell), daemon=True).start()


def _wait(pid: int, loop: asyncio.AbstractEventLoop, tell: Callable[[int], None]) -> None:
    _, status = os.waitpid(pid, 0)
    try:
        loop.call_soon_threadsafe(tell, status)
    except RuntimeError:
        pass  # The loop is closed: nobody waits for it any more.
