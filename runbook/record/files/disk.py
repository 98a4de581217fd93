"""The few system calls that evidence rests on, and what is said when one of them fails.

Every file here is 0600 and every directory 0700 whatever the umask, created exclusively where it is new, and a
directory is synced after a name appears in it. A failure of the disk is a `Problem` with the errno's own words; what
is done about it (stop the run, free space, resume) is decided above. No buffering, no retry: after a failed `fsync`
the kernel may have dropped the very pages that a second call would report as safe.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runbook.problem import Exit, Where, problem

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
FLOOR = 64 * 1024 * 1024
"""Bytes that must be free before a run is opened: room for about 200,000 events, so that a drill is not cut short."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_LOCK_TRIES = 50
_FIXES = {
    errno.ENOSPC: "Free some space there, then resume the run.",
    errno.EDQUOT: "Free some of your quota there, then resume the run.",
    errno.EFBIG: "Raise the file size limit (ulimit -f), then resume the run.",
    errno.EROFS: "Mount it writable, or choose another folder for recordings.",
    errno.EACCES: "Give yourself the right to write there, or choose another folder for recordings.",
    errno.EPERM: "Give yourself the right to write there, or choose another folder for recordings.",
    errno.EIO: "Check the disk, then resume the run; the lines before this one are whole.",
}


def is_safe_name(name: str) -> bool:
    """True for a plain file name: letters, digits, dot, underscore and hyphen, not beginning with a dot."""
    return bool(_SAFE.match(name))


@contextmanager
def disk_problems(what: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a `record-unwritable` Problem that says `what` could not be done.

    Raises:
        Problems: `record-unwritable`.
    """
    try:
        yield
    except OSError as error:
        raise problem(
            what,
            why=error.strerror or str(error),
            fix=_FIXES.get(error.errno or 0, "Check that the folder exists and can be written."),
            where=Where(str(path)),
            code="record-unwritable",
            exit=Exit.REFUSED,
        ) from error


def make_private_folder(path: Path) -> None:
    """Make it and its missing parents, each 0700 and durable; nothing happens when it is there already."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        return
    sync_folder(path.parent)


def write_new_file(path: Path, data: bytes, *, sync_name: bool = True) -> None:
    """Create a file that was not there, 0600, durable and whole, or not at all.

    Args:
        path: Of the file.
        data: All of it.
        sync_name: False leaves it to the caller to make the name durable, once for several.

    Raises:
        OSError: what the system said.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        write_new_below(folder, path.name, data, sync_name=sync_name)
    finally:
        os.close(folder)


def write_new_below(folder: int, name: str, data: bytes, *, sync_name: bool = True) -> None:
    """The same in a folder that is open.

    Raises:
        OSError: what the system said.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    number = os.open(name, flags, PRIVATE_FILE, dir_fd=folder)
    try:
        write_whole(number, data)
        sync_file(number)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(number)
    if sync_name:
        os.fsync(folder)


def write_whole(number: int, data: bytes) -> None:
    """One write. A short one is taken back, so that nothing half-written stays, and reported as a full disk.

    Raises:
        OSError: what the system said, or ENOSPC for a short write.
    """
    written = os.write(number, data)
    if written != len(data):
        os.ftruncate(number, os.fstat(number).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def sync_file(number: int) -> None:
    """Make the bytes of an open file durable, and its length; its other attributes may wait.

    Raises:
        OSError: what the system said.
    """
    if sys.platform == "darwin":
        # There fsync leaves the bytes in the drive's own cache (fsync(2) of macOS).
        fcntl.fcntl(number, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(number)


def sync_folder(path: Path) -> None:
    """Make the names in a directory durable."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def try_lock(number: int) -> bool:
    """Take the exclusive lock of an open file without waiting; False when another process holds it.

    Tried a few times, because somebody who looks whether a run is live holds the lock shared for some microseconds.
    """
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.sched_yield()
        else:
            return True
    return False


def is_locked(number: int) -> bool:
    """True while another process holds the exclusive lock of that open file."""
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(number, fcntl.LOCK_UN)
    return False


def require_space(folder: Path, floor: int = FLOOR) -> None:
    """Refuse to open a run where there is no room for its record.

    Raises:
        Problems: `record-no-space`.
    """
    with disk_problems("The recordings folder cannot be looked at", folder):
        found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < floor:
        raise problem(
            f"Only {free // 2**20} MiB are free for the record",
            why=f"A run needs at least {floor // 2**20} MiB, so that its evidence does not stop half-way",
            fix="Free some space there, or choose another folder for recordings.",
            where=Where(str(folder)),
            code="record-no-space",
            exit=Exit.REFUSED,
        )
