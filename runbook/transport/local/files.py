"""Files on our own disk: hashing, and replacing one so that its reader sees the old or the new only.

What is sent is read from one descriptor, hashed on the way and held against what was shown: a path may lead to another
file a moment later, and a file may hold other bytes. The remote half of a transfer is in `sftp.py`; both keep the same
promise and share the words in which a broken one is told.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.session import Transferred

BLOCK = 1024 * 1024
"""Bytes read at a time."""

PRIVATE = 0o600
"""Mode of what is fetched:

a backup or a configuration is nobody else's business until the operator says so.
"""


class Source:
    """One of our files, opened once: what is measured and what is sent comes from here, whatever the path leads to."""

    def __init__(self, path: Path) -> None:
        """Open it; blocks on no FIFO.

        Raises:
            Problems: It is missing, unreadable or not a regular file.
        """
        self.path = path
        try:
            number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise failed(f"{path} cannot be read", error.strerror or str(error)) from error
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            os.close(number)
            raise failed(f"{path} is not a regular file", "", fix="Name a file.")
        self.mode = stat.S_IMODE(found.st_mode)
        """Its permission bits."""
        self._file = os.fdopen(number, "rb")
        self.rewind()

    def rewind(self) -> None:
        """Read from the beginning, and measure anew."""
        self._file.seek(0)
        self._sha, self._size = hashlib.sha256(), 0

    def read(self) -> bytes:
        """The next block; empty at the end.

        Raises:
            Problems: The disk does not give it.
        """
        try:
            block = self._file.read(BLOCK)
        except OSError as error:
            raise failed(f"{self.path} cannot be read", error.strerror or str(error)) from error
        self._sha.update(block)
        self._size += len(block)
        return block

    def skip(self, length: int) -> bool:
        """Measure so many bytes more; False at the end."""
        end = self._size + length
        while self._size < end:
            if not self.read():
                return False
        return True

    @property
    def found(self) -> Transferred:
        """Size and SHA-256 of what was read since the beginning."""
        return Transferred(size=self._size, sha256=self._sha.hexdigest())

    def require(self, shown: Transferred | None) -> None:
        """Refuse what is not the file that was shown; None holds nothing against it.

        Raises:
            Problems: `changed-since-shown`, with what was shown and what it is now.
        """
        if shown is not None and self.found != shown:
            raise changed(str(self.path), str(shown), str(self.found))

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Measured(NamedTuple):
    """What one of our files is now."""

    content: Transferred
    mode: int
    """Its permission bits."""


def digest(path: Path) -> Transferred:
    """Size and SHA-256 of a regular file.

    Raises:
        Problems: It is missing, unreadable or not a regular file.
    """
    return measured_at(path).content


def measured_at(path: Path) -> Measured:
    """Look at a file. Blocks as long as reading it takes.

    Raises:
        Problems: As `digest`.
    """
    with Source(path) as source:
        return Measured(_whole(source), source.mode)


def _whole(source: Source) -> Transferred:
    source.rewind()
    while source.read():
        pass
    return source.found


def here(folder: Path, path: str) -> Path:
    """A path on our side as a runbook names it; a relative one starts at the runbook's folder."""
    return folder / Path(path).expanduser()


def beside(path: Path | str, nonce: str) -> str:
    """A name in the same folder, thus on the same file system, hidden and not guessable."""
    folder, _, name = str(path).rpartition("/")
    temporary = f".{name[:200]}.{nonce}.part"
    return f"{folder}/{temporary}" if folder or str(path).startswith("/") else temporary


def copy(
    source: Path, destination: Path, *, mode: int | None, nonce: str, shown: Transferred | None = None
) -> Transferred:
    """Copy a file by way of a temporary name; `mode` None keeps the source's.

    Raises:
        Problems: Also when it is not what was shown. The destination is as it was and nothing is left beside it.
    """
    temporary = Path(beside(destination, nonce))
    with Source(source) as reader:
        sent = _whole(reader)
        reader.require(shown)
        reader.rewind()
        try:
            with _created_private(temporary) as writer:
                while block := reader.read():
                    writer.write(block)
                reader.require(sent)
                os.fchmod(writer.fileno(), reader.mode if mode is None else mode)
                os.fsync(writer.fileno())
            return place(temporary, destination, expected=sent)
        except OSError as error:
            raise failed(f"{destination} cannot be written", error.strerror or str(error)) from error
        finally:
            remove(temporary)


def place(temporary: Path, destination: Path, *, expected: Transferred) -> Transferred:
    """Check a temporary file and rename it over its destination.

    Raises:
        Problems: It does not hold what was sent.
        OSError: It could not be renamed.
    """
    arrived = digest(temporary)
    if arrived != expected:
        raise not_whole(str(destination), expected, arrived)
    temporary.replace(destination)
    return arrived


def remove(path: Path) -> None:
    """Remove a temporary file if it is still there; there is nobody to tell if that fails."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def create_private(path: Path) -> None:
    """Make an empty file that only its owner can read.

    Raises:
        OSError: It exists already or its folder does not allow it.
    """
    _created_private(path).close()


def _created_private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, PRIVATE), "wb")


def not_whole(destination: str, sent: Transferred, arrived: Transferred) -> Problems:
    """Size or hash differ."""
    why = f"sent {sent}, found {arrived}"
    return failed(f"{destination} did not arrive whole", why, fix="Try again; it is as it was before.")


def changed(name: str, shown: str, found: str) -> Problems:
    """What would be sent is not what was shown."""
    return Problems(
        [
            Problem(
                what=f"{name} is not what was shown",
                why=f"shown was {shown}, it is now {found}",
                fix="Nothing reached its destination. Put back what was shown and retry, or look at what it is now and"
                " start the run again.",
                code="changed-since-shown",
                exit=Exit.FAILED,
            )
        ]
    )


def failed(what: str, why: str, *, fix: str = "Check the path, its permissions and the free space.") -> Problems:
    """A transfer that did not happen; the destination is as it was."""
    return Problems([Problem(what=what, why=why, fix=fix, code="transfer", exit=Exit.FAILED)])


def on_host(name: str, problems: Problems) -> Problems:
    """The same problems with the host named as their place."""
    return Problems(
        Problem(what=p.what, why=p.why, fix=p.fix, where=Where(f"host {name}"), code=p.code, exit=p.exit)
        for p in problems.problems
    )
