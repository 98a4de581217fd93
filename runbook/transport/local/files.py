"""Files on our own disk: hashing, and replacing one so that its reader sees the old or the new only.

The remote half of a transfer is in `sftp.py`; both keep the same promise and share the words in which a
broken one is told.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.session import Transferred

BLOCK = 1024 * 1024
"""Bytes read at a time."""

PRIVATE = 0o600
"""Mode of what is fetched:

a backup or a configuration is nobody else's business until the operator says so.
"""


def digest(path: Path) -> Transferred:
    """Size and SHA-256 of a regular file.

    Raises:
        Problems: It is missing, unreadable or not a regular file.
    """
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise failed(f"{path} is not a regular file", "", fix="Name a file.")
            sha = hashlib.file_digest(file, "sha256")
            return Transferred(size=file.tell(), sha256=sha.hexdigest())
    except OSError as error:
        raise failed(f"{path} cannot be read", error.strerror or str(error)) from error


def beside(path: Path | str, nonce: str) -> str:
    """A name in the same folder, thus on the same file system, hidden and not guessable."""
    folder, _, name = str(path).rpartition("/")
    temporary = f".{name[:200]}.{nonce}.part"
    return f"{folder}/{temporary}" if folder or str(path).startswith("/") else temporary


def copy(source: Path, destination: Path, *, mode: int | None, nonce: str) -> Transferred:
    """Copy a file by way of a temporary name; `mode` None keeps the source's.

    Raises:
        Problems: The destination is as it was and nothing is left beside it.
    """
    sent = digest(source)
    temporary = Path(beside(destination, nonce))
    try:
        with source.open("rb") as reader, _created_private(temporary) as writer:
            while block := reader.read(BLOCK):
                writer.write(block)
            os.fchmod(writer.fileno(), mode_of(source, mode))
            os.fsync(writer.fileno())
        return place(temporary, destination, expected=sent)
    except OSError as error:
        raise failed(f"{destination} cannot be written", error.strerror or str(error)) from error
    finally:
        remove(temporary)


def mode_of(path: Path, stated: int | None) -> int:
    """The permission bits to give: those stated, or the file's own."""
    return stat.S_IMODE(path.stat().st_mode) if stated is None else stated


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
    why = f"sent {sent.size} bytes with SHA-256 {sent.sha256}, found {arrived.size} bytes with {arrived.sha256}"
    return failed(f"{destination} did not arrive whole", why, fix="Try again; it is as it was before.")


def failed(what: str, why: str, *, fix: str = "Check the path, its permissions and the free space.") -> Problems:
    """A transfer that did not happen; the destination is as it was."""
    return Problems([Problem(what=what, why=why, fix=fix, code="transfer", exit=Exit.FAILED)])


def on_host(name: str, problems: Problems) -> Problems:
    """The same problems with the host named as their place."""
    return Problems(
        Problem(what=p.what, why=p.why, fix=p.fix, where=Where(f"host {name}"), code=p.code, exit=p.exit)
        for p in problems.problems
    )
