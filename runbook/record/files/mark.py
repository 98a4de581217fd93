"""How far a record has come, kept apart from it: whoever takes a run over learns whether lines of it are missing.

A record that was cut in front of what it says of a host looks like one that has not come there yet. So each runner
leaves a mark beside the records, before anything rests on what it marks: how long the journal is, and which line was
its last. The next runner looks whether its journal has grown out of every mark. The mark is no state: without it all
goes on, and more is asked, because a record that is not known to be the newest proves nothing by its silence.

Whoever sets the folder of records back sets marks back as well, so they have to be the files that they were made as: a
second file is never written again and known by its inode and its time of change, which no copy shares, and the marks
themselves were changed when they were written and not since, as what is put back with its old times is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from runbook.record.files.disk import PRIVATE_FILE, make_private_folder
from runbook.record.form.codec import ZERO

FOLDER = ".marks"
"""Its name among the records."""

Reached = tuple[int, str]
"""Bytes of a journal, and the SHA-256 of its last line so far."""

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGEST = 1024 * 1024
"""Bytes of all marks of a run, at most: thousands of runners."""
_SLOT = 78
"""Bytes of one mark: twelve digits, a space, a hash, a line feed."""


class Mark:
    """The mark of one runner. Where there can be none, it does nothing."""

    def __init__(self, paths: tuple[Path, ...] = (), number: int = -1, offset: int = 0) -> None:
        """Own the open file of a run's marks; this runner's begins at `offset`."""
        self._paths, self._number, self._offset = paths, number, offset

    @property
    def is_newest(self) -> bool:
        """True where the journal lacked nothing that any runner of the run ever marked here."""
        return self._number >= 0

    def set(self, reached: Reached) -> None:
        """The journal is durable up to there. What cannot be marked takes the marks away."""
        if self._number < 0:
            return
        try:
            os.pwrite(self._number, _slot(reached), self._offset)
        except OSError:
            self.drop()

    def drop(self) -> None:
        """The run has ended, and whoever takes it up has a cut record. Harmless when it was dropped before."""
        self.close()
        for path in self._paths:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                return

    def close(self) -> None:
        """Let go; the marks stay for the next runner."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


def drop_marks(root: Path, run: str) -> None:
    """The run is closed for good, and nobody takes it up any more."""
    Mark(_paths(root, run)).drop()


def first_mark(root: Path, run: str) -> Mark:
    """The mark of the runner that begins a record in the folder `root`."""
    drop_marks(root, run)
    paths = _paths(root, run)
    try:
        make_private_folder(root / FOLDER)
        os.close(os.open(paths[0], _NEW, PRIVATE_FILE))
        number = os.open(paths[1], _NEW, PRIVATE_FILE)
        header = _stamp(paths[0])
        os.write(number, header + _slot((0, ZERO)))
        os.fsync(number)
    except OSError:
        return Mark()
    return Mark(paths, number, len(header))


def next_mark(root: Path, run: str, passed: Callable[[Reached], bool]) -> Mark:
    """The mark of a runner that goes on; none where the record is not known to be the newest.

    Args:
        root: The folder of records.
        run: The run's id.
        passed: Whether the journal has come by there.
    """
    paths = _paths(root, run)
    try:
        number = os.open(paths[1], os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Mark()
    try:
        found, marks = os.fstat(number), os.pread(number, _LARGEST, 0)
        is_theirs = stat.S_ISREG(found.st_mode) and found.st_mtime_ns == found.st_ctime_ns
        if is_theirs and marks.startswith(header := _stamp(paths[0])) and all(map(passed, _read(marks[len(header) :]))):
            os.pwrite(number, _slot((0, ZERO)), len(marks))
            return Mark(paths, number, len(marks))
    except (OSError, ValueError):
        pass  # What cannot be read, or written, is no mark.
    os.close(number)
    return Mark()


def _paths(root: Path, run: str) -> tuple[Path, Path]:
    """The file that is never written, and the marks."""
    return root / FOLDER / f"{run}.id", root / FOLDER / run


def _stamp(path: Path) -> bytes:
    """What no copy of a file shares with it."""
    found = path.lstat()
    return f"{found.st_ino} {found.st_ctime_ns}\n".encode()


def _slot(reached: Reached) -> bytes:
    return b"%012d %s\n" % (reached[0], reached[1].encode())


def _read(marks: bytes) -> list[Reached]:
    """Every mark.

    Raises:
        ValueError: Something else stands there.
    """
    slots = [marks[at : at + _SLOT] for at in range(0, len(marks), _SLOT)]
    found = [(int(slot[:12]), slot[13:-1].decode("ascii")) for slot in slots]
    if not found or [_slot(one) for one in found] != slots:
        raise ValueError("these are no marks")
    return found
