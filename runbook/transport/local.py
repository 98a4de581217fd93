"""The controller itself as a host: `connection: local`, for steps that work from where the operator sits.

Commands take the same road as on a remote host (the same scripts, markers and ways to end a tree), so that a
step does not change its meaning when it moves. Each runs in a session of its own: a Ctrl-C at the terminal or
the end of the runner's own session does not reach it. The working folder is the runner's and the environment
is inherited.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from runbook.core.command import Command
from runbook.core.host import Host
from runbook.core.outcome import Ending, Exited, Lost, NeverSent, Signalled
from runbook.transport import files
from runbook.transport.attached import run_attached
from runbook.transport.channel import Arrival, ChannelRefused, Chunk, Gone, Inbox
from runbook.transport.facts import measured
from runbook.transport.quoting import fresh_nonce
from runbook.transport.session import HostFacts, Job, Session, Sink, Stream, Transferred

_STREAMS = {1: Stream.OUT, 2: Stream.ERR}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConnector:
    """Opens the controller as a host."""

    wall: Callable[[], float]
    """Seconds since the epoch; for the clock offset, which is how far `date` and this clock differ."""
    nonce: Callable[[], str] = fresh_nonce

    async def connect(self, host: Host) -> Session:
        """Always succeeds: we are here already."""
        del host
        dialer = LocalDialer()
        known = HostFacts(address=f"local:{socket.gethostname()}")
        return LocalSession(dialer, await measured(dialer, known, wall=self.wall, nonce=self.nonce()), self.nonce)

    async def close(self) -> None:
        """Nothing is shared."""


class LocalSession:
    """The controller, open."""

    def __init__(self, dialer: LocalDialer, facts: HostFacts, nonce: Callable[[], str]) -> None:
        """Take what the connector has measured."""
        self._dialer, self._facts, self._nonce = dialer, facts, nonce
        self._lost = asyncio.Event()

    @property
    def facts(self) -> HostFacts:
        """Measured when it was opened."""
        return self._facts

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.run`."""
        if self._lost.is_set():
            return NeverSent("the session is closed")
        return await run_attached(self._dialer, command, job, sink, nonce=self._nonce())

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """An attached command's pipes died with the runner that started it."""
        del command, sink
        return Lost(f"{job.id} ran attached, and the runner that followed it is gone")

    async def upload(self, source: Path, destination: str, *, mode: int | None = None) -> Transferred:
        """Copy a file; see `Session.upload`."""
        return await asyncio.to_thread(files.copy, source, Path(destination), mode=mode, nonce=self._nonce())

    async def download(self, source: str, destination: Path) -> Transferred:
        """Copy a file; see `Session.download`."""
        return await asyncio.to_thread(files.copy, Path(source), destination, mode=files.PRIVATE, nonce=self._nonce())

    async def close(self) -> None:
        """Refuse further commands."""
        self._lost.set()

    async def wait_lost(self) -> str:
        """Only closing it ends it."""
        await self._lost.wait()
        return "the session was closed"


class LocalDialer:
    """Starts `/bin/sh` in a session of its own."""

    async def open(self, *, urgent: bool = False) -> LocalChannel:
        """See `Dialer.open`."""
        del urgent
        try:
            _, channel = await asyncio.get_running_loop().subprocess_exec(
                LocalChannel, "/bin/sh", start_new_session=True
            )
        except OSError as error:
            raise ChannelRefused(f"/bin/sh could not be started: {error.strerror}") from error
        return channel


class LocalChannel(asyncio.SubprocessProtocol):
    """One local `/bin/sh`."""

    def __init__(self) -> None:
        """Made by the event loop, before the process exists."""
        self._process: asyncio.SubprocessTransport
        self._inbox = Inbox(self._pause, self._resume)
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process has started."""
        self._process = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Output."""
        self._inbox.put(Chunk(_STREAMS[fd], data))

    def pause_writing(self) -> None:
        """Its standard input is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has read some."""
        self._writable.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """A pipe is closed; nobody may wait to write to it any more."""
        del exc
        if fd == 0:
            self._writable.set()

    def process_exited(self) -> None:
        """It has ended; its pipes may still hold bytes."""
        code = self._process.get_returncode() or 0
        self._inbox.put(Signalled(signal.Signals(-code).name.removeprefix("SIG")) if code < 0 else Exited(code))

    def connection_lost(self, exc: Exception | None) -> None:
        """Ended, and every pipe is read to its end."""
        self._writable.set()
        self._inbox.put(Gone("" if exc is None else str(exc)))
        self._process.close()

    async def next(self) -> Arrival:
        """See `Channel.next`."""
        return await self._inbox.next()

    async def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        pipe = self._process.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(data)
            await self._writable.wait()

    def write_eof(self) -> None:
        """See `Channel.write_eof`."""
        pipe = self._process.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport):
            pipe.close()

    def signal(self, name: str) -> None:
        """Signal the process group, which is its own."""
        try:
            os.killpg(self._process.get_pid(), signal.Signals[f"SIG{name}"])
        except ProcessLookupError:
            pass  # It has ended meanwhile, which is what was wanted.

    def close(self) -> None:
        """Close the pipes and no more.

        Told to close, asyncio's own transport would kill what it has started.
        """
        for fd in (0, 1, 2):
            if pipe := self._process.get_pipe_transport(fd):
                pipe.close()

    def _pause(self) -> None:
        for fd in _STREAMS:
            if isinstance(pipe := self._process.get_pipe_transport(fd), asyncio.ReadTransport):
                pipe.pause_reading()

    def _resume(self) -> None:
        for fd in _STREAMS:
            if isinstance(pipe := self._process.get_pipe_transport(fd), asyncio.ReadTransport):
                pipe.resume_reading()
