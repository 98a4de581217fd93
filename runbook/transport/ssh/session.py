"""One SSH connection as a `Session`: channels on it, counted, and the reason when it goes.

At most six commands use the connection at a time (servers allow ten channels and free them late); two more
places are kept for ending things, so that a busy host can always be stopped. A failure before the script has
been sent is `NeverSent`; this file sends nothing of its own, so whoever opened a channel decides what has
left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runbook.core.outcome import Ending, Exited, Lost, NeverSent, Signalled
from runbook.core.planned.command import Command, Secret
from runbook.transport.session import HostFacts, Job, Sink, Stream, Transferred
from runbook.transport.shell.channel import Arrival, ChannelRefused, Chunk, Gone, Inbox
from runbook.transport.shell.durable import Jobs
from runbook.transport.shell.quoting import EXEC
from runbook.transport.ssh.attention import Attention
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.sftp import SftpTransfer

WINDOW = 256 * 1024
"""Bytes that a host may have under way on one channel;

bounds what a thousand chatty ones can make us hold.
"""

OPEN_LIMIT = 20.0
"""Seconds for a server to answer a request for a channel."""

CLOSE_LIMIT = 5.0
"""Seconds for the last bytes to leave when hanging up."""

COMMANDS, KEPT = 6, 2
"""Channels for commands, and those kept for ending them.

Their sum stays below OpenSSH's MaxSessions of 10.
"""


@dataclass(slots=True)
class Link:
    """One connection and its end. Lives as long as the connection does."""

    name: str
    """The host's, or the bastion's."""
    connection: asyncssh.SSHClientConnection
    lost: asyncio.Future[str]
    """The reason, once it is gone."""


class SshDialer:
    """Opens channels on one connection."""

    def __init__(self, link: Link) -> None:
        """Count from nothing: the connection is new."""
        self.link = link
        self._places = asyncio.Semaphore(COMMANDS)
        self._kept = asyncio.Semaphore(KEPT)

    async def open(self, *, urgent: bool = False) -> SshChannel:
        """See `Dialer.open`."""
        places = self._kept if urgent else self._places
        await places.acquire()
        try:
            return await self._opened(places.release)
        except BaseException:
            places.release()
            raise

    async def _opened(self, release: Callable[[], None]) -> SshChannel:
        if self.link.lost.done():
            raise ChannelRefused(self.link.lost.result())
        session = SshChannel(self.link.lost, release)
        try:
            async with asyncio.timeout(OPEN_LIMIT):
                await self.link.connection.create_session(
                    lambda: session, EXEC, encoding=None, window=WINDOW, request_pty=False
                )
        except TimeoutError:
            raise ChannelRefused(f"the server did not open a channel within {OPEN_LIMIT:.0f} s") from None
        except (asyncssh.Error, OSError) as error:
            raise ChannelRefused(f"the server opened no channel: {why(error)}") from error
        session.is_open = True
        return session

    async def sftp(self) -> asyncssh.SFTPClient:
        """Start the file transfer subsystem in a place of its own.

        Raises:
            ChannelRefused: The server has none, or opens no channel.
        """
        try:
            async with asyncio.timeout(OPEN_LIMIT):
                return await self.link.connection.start_sftp_client()
        except TimeoutError:
            raise ChannelRefused(f"the server did not answer within {OPEN_LIMIT:.0f} s") from None
        except (asyncssh.Error, OSError) as error:
            raise ChannelRefused(f"the server offers no file transfer: {why(error)}") from error


class SshChannel(asyncssh.SSHClientSession[bytes]):
    """One channel.

    Bytes are pushed in by asyncssh and pulled out by the reader, with the window as the only buffer.
    """

    def __init__(self, lost: asyncio.Future[str], release: Callable[[], None]) -> None:
        """Made before the channel exists; `release` gives its place back."""
        self.is_open = False
        """False until the exec request was answered:

        a place is then given back by the opener, not by the channel.
        """
        self._lost = lost
        self._release = release
        self._channel: asyncssh.SSHClientChannel[bytes]
        self._inbox = Inbox(self._pause, self._resume)
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel exists."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Output."""
        stream = Stream.ERR if datatype == asyncssh.EXTENDED_DATA_STDERR else Stream.OUT
        self._inbox.put(Chunk(stream, data))

    def eof_received(self) -> bool:
        """Keep our side open: the status may still come."""
        return True

    def exit_status_received(self, status: int) -> None:
        """The only thing that can ever mean success."""
        self._inbox.put(Exited(status))

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - asyncssh's
        """A signal ended it."""
        del core_dumped, msg, lang
        self._inbox.put(Signalled(signal))

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, in order or not."""
        self._writable.set()
        self._inbox.put(Gone("" if exc is None else why(exc)))
        if self.is_open:
            self.is_open = False
            self._release()

    def pause_writing(self) -> None:
        """The other side's window is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It takes bytes again."""
        self._writable.set()

    @property
    def is_gone(self) -> bool:
        """See `Channel.is_gone`."""
        return self._inbox.is_gone

    async def next(self) -> Arrival:
        """See `Channel.next`."""
        return await self._inbox.next()

    async def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        for start in range(0, len(data), WINDOW):
            await self._writable.wait()
            try:
                self._channel.write(data[start : start + WINDOW])
            except (OSError, asyncssh.Error):
                return  # It has closed its input; how it ends will be told on the other road.

    def write_eof(self) -> None:
        """See `Channel.write_eof`."""
        try:
            self._channel.write_eof()
        except (OSError, asyncssh.Error):
            pass  # Closed already, which is what was wanted.

    def signal(self, name: str) -> None:
        """See `Channel.signal`; OpenSSH obeys since 7.9, as the login user."""
        try:
            self._channel.send_signal(name)
        except (OSError, asyncssh.Error):
            pass  # Nothing is promised; the caller waits for a status.

    def close(self) -> None:
        """See `Channel.close`.

        Reading goes on until the server has closed too, or the place would never come back.
        """
        self._channel.abort()

    def _pause(self) -> None:
        self._channel.pause_reading()

    def _resume(self) -> None:
        self._channel.resume_reading()


class SshSession:
    """One host, open."""

    def __init__(
        self, dialer: SshDialer, jobs: Jobs, facts: HostFacts, nonce: Callable[[], str], attention: Attention
    ) -> None:
        """Take what the connector has opened and measured."""
        self._link, self._dialer, self._jobs, self._facts, self._nonce = dialer.link, dialer, jobs, facts, nonce
        self._attention = attention

    @property
    def facts(self) -> HostFacts:
        """Measured when it was opened."""
        return self._facts

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.run`."""
        if self._link.lost.done():
            return NeverSent(self._link.lost.result())
        with self._attention.waiting():
            return await self._jobs.run(command, job, sink)

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.reattach`."""
        if self._link.lost.done():
            return Lost(self._link.lost.result())
        with self._attention.waiting():
            return await self._jobs.reattach(command, job, sink)

    async def claim(self, job: Job) -> Ending | None:
        """See `Session.claim`."""
        with self._attention.waiting():
            return await self._jobs.claim(job)

    async def forget(self, job: Job) -> None:
        """See `Session.forget`."""
        await self._jobs.forget(job)

    async def upload(
        self, source: Path, destination: str, *, mode: int | None = None, shown: Transferred | None = None
    ) -> Transferred:
        """See `Session.upload`."""
        with self._attention.waiting():
            return await self._transfer().upload(source, destination, mode=mode, shown=shown)

    async def download(self, source: str, destination: Path) -> Transferred:
        """See `Session.download`."""
        with self._attention.waiting():
            return await self._transfer().download(source, destination)

    async def sudo_password(self) -> Secret:
        """See `Session.sudo_password`."""
        return await self._jobs.sudo_password()

    async def close(self) -> None:
        """See `Session.close`."""
        if not self._link.lost.done():
            await self._jobs.close()
        self._link.connection.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._link.connection.wait_closed()
        except TimeoutError:
            # It does not even take our farewell; nothing is owed to it.
            self._link.connection.abort()

    async def wait_lost(self) -> str:
        """See `Session.wait_lost`."""
        return await asyncio.shield(self._link.lost)

    def _transfer(self) -> SftpTransfer:
        return SftpTransfer(self._dialer, self._dialer.sftp, self._nonce())


def why(error: BaseException) -> str:
    """A library's error in a few words; its class name when it has none."""
    reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
    return str(reason).strip().rstrip(".") or type(error).__name__
