"""Opening what lies in a record, which anybody may have put there: plain files by their names, and nothing else.

A record may come from a stranger, a backup or a full disk. A link in it would lead us to somebody else's file, a pipe
would keep us waiting for ever, a device may do anything when it is opened. So each part of a name is opened below the
folder before it, links are not followed, nothing waits, and what is then open is looked at once more. Whatever cannot
be read is one `Problem` that names it; only a file that is not there stays the system's `FileNotFoundError`, because
each caller means something else by that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from runbook.problem import Exit, Problems, Where, problem

NOT_PLAIN = "record-not-plain"
"""The code where something else stands in the place of a file or a folder."""
CLOSED = "record-closed"
"""The code where the system does not let us read it."""

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
)


def kind_of(mode: int) -> str:
    """What something is, by its mode, in a word for people."""
    return next((word for is_one, word in _KINDS if is_one(mode)), "a device")


def open_folder(path: Path) -> int:
    """A descriptor of the folder of a record, which may be a link: where a record lies is its owner's business.

    Raises:
        OSError: What the system said.
    """
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def open_folder_below(folder: int, name: str, path: Path) -> int:
    """A descriptor of a folder in a folder that is open already; `path` is for the message.

    Raises:
        OSError: What the system said.
        Problems: `record-not-plain`.
    """
    _refuse_unless(stat.S_ISDIR, folder, name, path)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def open_plain(record: Path, name: str) -> int:
    """A descriptor for reading the plain file of that name (`journal.jsonl`, `out/db1.log`) in the folder of a record.

    Raises:
        FileNotFoundError: It is not there, or its folder is not.
        Problems: `record-not-plain`, `record-closed`.
    """
    try:
        return open_within(record, name)
    except NotADirectoryError as error:
        raise FileNotFoundError(*error.args) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise closed(record / name, error) from error


def open_within(record: Path, name: str, flags: int = os.O_RDONLY, held: int | None = None) -> int:
    """The same for any use; below the folder that is `held`, where one is, whatever its path leads to now.

    Raises:
        OSError: What the system said.
        Problems: `record-not-plain`.
    """
    *folders, last = name.split("/")
    folder, path = open_folder(record) if held is None else os.dup(held), record
    try:
        for part in folders:
            path /= part
            inner = open_folder_below(folder, part, path)
            os.close(folder)
            folder = inner
        return open_below(folder, last, record / name, flags)
    finally:
        os.close(folder)


def open_below(folder: int, name: str, path: Path, flags: int = os.O_RDONLY) -> int:
    """The same below a folder that is open already; `path` is for the message.

    Raises:
        OSError: What the system said.
        Problems: `record-not-plain`.
    """
    if not flags & os.O_CREAT:
        # Before it is opened, because opening is all that some devices need to act.
        _refuse_unless(stat.S_ISREG, folder, name, path)
    number = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=folder)
    mode = os.fstat(number).st_mode
    if not stat.S_ISREG(mode):
        os.close(number)
        raise not_plain(path, mode)
    return number


def not_plain(path: Path, mode: int) -> Problems:
    """Said of what stands in the place of a file or a folder of a record."""
    return problem(
        f"{path.name} is {kind_of(mode)}",
        why="A record holds plain files, and the run put none of another kind there",
        fix="Look with `runbook verify`, and bring the file back from a copy of the record.",
        where=Where(str(path)),
        code=NOT_PLAIN,
        exit=Exit.FAILED,
    )


def _refuse_unless(wanted: Callable[[int], bool], folder: int, name: str, path: Path) -> None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not wanted(mode):
        raise not_plain(path, mode)


def closed(path: Path, error: OSError) -> Problems:
    """Said of what the system keeps from us."""
    return problem(
        f"{path.name} cannot be read",
        why=error.strerror or str(error),
        fix="Give yourself the right to read it, or ask whose record it is.",
        where=Where(str(path)),
        code=CLOSED,
        exit=Exit.FAILED,
    )
