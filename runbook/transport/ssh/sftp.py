"""Files to and from a host by SFTP: beside, checked, renamed.

What is on the destination is believed when the destination says so: its SHA-256 is computed there by
`sha256sum` and its kin, and where there is none the bytes are read back. A transfer that fails at any point
leaves the destination as it was; the temporary file beside it is removed, and when the link itself is gone
the problem names it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from runbook.core.outcome import Exited, Grade
from runbook.core.planned.command import Command
from runbook.problem import Problems
from runbook.transport.local import files
from runbook.transport.local.measuring import measure
from runbook.transport.session import Job, Stream, Transferred
from runbook.transport.shell.attached import Words, run_attached
from runbook.transport.shell.channel import ChannelRefused, Dialer
from runbook.transport.shell.quoting import quote
from runbook.transport.ssh.library import asyncssh

SUM_LIMIT = 600.0
"""Seconds for a host to hash a file; a terabyte is not sent by SFTP."""


class SftpTransfer:
    """One transfer."""

    def __init__(self, dialer: Dialer, sftp: Callable[[], Awaitable[asyncssh.SFTPClient]], nonce: str) -> None:
        """Take what opens a shell, what opens SFTP, and what makes the temporary name unguessable."""
        self._dialer, self._open, self._nonce = dialer, sftp, nonce

    async def upload(
        self, source: Path, destination: str, *, mode: int | None, shown: Transferred | None
    ) -> Transferred:
        """See `Session.upload`. What leaves is what `shown` says, or is not renamed into its place."""
        with await asyncio.to_thread(files.Source, source) as file:
            sent = await measure(file)
            file.require(shown)
            return await self._sent(file, sent, destination, mode=file.mode if mode is None else mode)

    async def _sent(self, file: files.Source, sent: Transferred, destination: str, *, mode: int) -> Transferred:
        temporary = files.beside(destination, self._nonce)
        async with self._started(destination) as sftp:
            if await sftp.isdir(destination):
                raise files.failed(f"{destination} is a directory", "", fix="Name the file in it.")
            async with _removed_on_failure(sftp, temporary):
                await self._put(sftp, file, temporary)
                file.require(sent)
                arrived = await self._digest(sftp, temporary)
                if arrived != sent:
                    raise files.not_whole(destination, sent, arrived)
                await sftp.chmod(temporary, mode)
                await _rename(sftp, temporary, destination)
        return arrived

    async def download(self, source: str, destination: Path) -> Transferred:
        """See `Session.download`. The file is readable by its owner only."""
        temporary = Path(files.beside(destination, self._nonce))
        async with self._started(source) as sftp:
            try:
                files.create_private(temporary)
                await sftp.get(source, temporary)
                expected = await self._digest(sftp, source)
                return await asyncio.to_thread(files.place, temporary, destination, expected=expected)
            finally:
                files.remove(temporary)

    @asynccontextmanager
    async def _started(self, path: str) -> AsyncIterator[asyncssh.SFTPClient]:
        """SFTP, with everything that it may raise told as a problem."""
        try:
            async with await self._open() as sftp:
                yield sftp
        except ChannelRefused as refused:
            raise files.failed(f"{path} was not transferred", refused.reason, fix="Enable SFTP there.") from None
        except (asyncssh.Error, OSError) as error:
            reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
            why = "; ".join([str(reason), *getattr(error, "__notes__", [])])
            raise files.failed(f"{path} was not transferred", why) from error

    async def _put(self, sftp: asyncssh.SFTPClient, file: files.Source, temporary: str) -> None:
        # Created private first: until its mode is set it may hold what only its owner may read.
        attrs = asyncssh.SFTPAttrs(permissions=files.PRIVATE)
        file.rewind()
        async with sftp.open(temporary, "xb", attrs) as there:
            while block := await asyncio.to_thread(file.read):
                await there.write(block)

    async def _digest(self, sftp: asyncssh.SFTPClient, path: str) -> Transferred:
        size = (await sftp.stat(path)).size or 0
        said = await self._asked(path)
        return Transferred(size=size, sha256=said) if said else await _read_back(sftp, path)

    async def _asked(self, path: str) -> str:
        """The host's own SHA-256 of a file; empty where it has no tool for it or another root than SFTP's."""
        name = quote(path if path.startswith("/") else f"./{path}")
        text = f"sha256sum <{name} || shasum -a 256 <{name} || sha256 <{name}"
        job = Job(id="sha256", limit=SUM_LIMIT, durable=False)
        answer = _Line()
        ending = await run_attached(self._dialer, Command(shell=text), job, answer, Words(f"{self._nonce}5"))
        words = answer.data.decode("ascii", "replace").split()
        is_sum = bool(words) and len(words[0]) == hashlib.sha256().digest_size * 2
        return words[0] if ending == Exited(0) and is_sum else ""


class _Line:
    """A short answer."""

    def __init__(self) -> None:
        self.data = b""

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Of no interest."""

    async def receive(self, stream: Stream, data: bytes) -> None:
        if stream is Stream.OUT and len(self.data) < files.BLOCK:
            self.data += data


async def _read_back(sftp: asyncssh.SFTPClient, path: str) -> Transferred:
    sha, size = hashlib.sha256(), 0
    async with sftp.open(path, "rb") as file:
        while block := await file.read(files.BLOCK):
            data = block.encode() if isinstance(block, str) else block
            sha.update(data)
            size += len(data)
    return Transferred(size=size, sha256=sha.hexdigest())


async def _rename(sftp: asyncssh.SFTPClient, temporary: str, destination: str) -> None:
    try:
        await sftp.posix_rename(temporary, destination)
    except asyncssh.SFTPOpUnsupported:
        # Plain SFTP rename refuses an existing destination, and removing it first would not be atomic.
        await sftp.rename(temporary, destination)


@asynccontextmanager
async def _removed_on_failure(sftp: asyncssh.SFTPClient, temporary: str) -> AsyncIterator[None]:
    try:
        yield
    except (asyncssh.Error, OSError, Problems, asyncio.CancelledError) as error:
        try:
            await sftp.remove(temporary)
        except asyncssh.SFTPNoSuchFile:
            pass  # It was never made.
        except (asyncssh.Error, OSError):
            error.add_note(f"{temporary} may be left behind")
        raise
