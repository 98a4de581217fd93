"""Rows of ended runs, kept so that a list need not fold them again. Disposable: whoever deletes them loses nothing.

A run that has ended is never written again, so its row holds for ever, unless somebody touched its journal or another
program computes. Both are compared: size, times, inode and the last line's own sum of the journal, and what the code
that folds looks like. The time of change cannot be set by who writes a file, and no archive brings it along; so a row
that was forged elsewhere, or came in a copy, is never believed. `verify` and `report` do not know that this exists.

Kept in `.cache` beside the records, by and for the owner of the folder; where that cannot be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cached_property
from pathlib import Path

import msgspec

from runbook.problem import Problems
from runbook.record.files.disk import PRIVATE_FILE, PRIVATE_FOLDER, is_safe_name
from runbook.record.files.journal_file import JOURNAL
from runbook.record.files.plain import open_plain
from runbook.record.summary import RunSummary

FOLDER = ".cache"
"""Its name among the records."""

_LARGEST = 64 * 1024
"""Bytes of a kept row, at most; a real one has some hundred."""
_SUM = 68
"""Bytes from the last line's `sum` to its line feed."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Seen(msgspec.Struct, frozen=True):
    """What a journal looked like, without reading it."""

    size: int
    modified: int
    """Nanoseconds, as all times of files here."""
    changed: int
    device: int
    inode: int
    end: str
    """Its last bytes, which hold the sum of its last line."""


class _Kept(msgspec.Struct, frozen=True):
    program: str
    seen: Seen
    summary: RunSummary


_decoder = msgspec.json.Decoder(_Kept)


def seen(record: Path) -> Seen | None:
    """How the journal of a record looks now; None when it cannot be looked at."""
    try:
        number = open_plain(record, JOURNAL)
    except (OSError, Problems):
        return None
    try:
        found = os.fstat(number)
        end = os.pread(number, _SUM, max(0, found.st_size - _SUM)).decode("latin-1")
    finally:
        os.close(number)
    return Seen(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino, end)


class KeptSummaries:
    """The kept rows of one folder of records."""

    def __init__(self, root: Path) -> None:
        """Nothing is read or made before the first row is asked for."""
        self._root = root
        self._folder = root / FOLDER

    def get(self, name: str, now: Seen) -> RunSummary | None:
        """The row of an ended run whose journal looks as it did; None when it must be folded."""
        if not self._is_ours:
            return None
        try:
            kept = _decoder.decode(_own_bytes(self._folder / _file(name)))
        except (OSError, ValueError):
            return None
        return kept.summary if kept.seen == now and kept.program == self._program and kept.program else None

    def put(self, name: str, now: Seen, summary: RunSummary) -> None:
        """Keep the row of an ended run. What goes wrong is nobody's trouble."""
        if not self._program or not self._made():
            return
        path = self._folder / _file(name)
        beside = self._folder / f"{path.name}.{os.getpid()}"
        try:
            number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
            with os.fdopen(number, "wb") as file:
                file.write(msgspec.json.encode(_Kept(self._program, now, summary)))
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)

    def forget_all_but(self, names: tuple[str, ...]) -> None:
        """Drop the rows of records that are gone."""
        if not self._is_ours:
            return
        known = {_file(name) for name in names}
        try:
            for kept in self._folder.iterdir():
                if kept.name not in known:
                    kept.unlink()
        except OSError:
            return

    @property
    def _is_ours(self) -> bool:
        """True when nobody else could have put anything there."""
        try:
            found = self._folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE

    def _made(self) -> bool:
        """Whether it is there, or could be made: in our own folder only, so that nobody finds ours in the way."""
        try:
            if self._root.stat().st_uid == os.geteuid() and not self._folder.exists():
                self._folder.mkdir(mode=PRIVATE_FOLDER)
        except OSError:
            return False
        return self._is_ours

    @cached_property
    def _program(self) -> str:
        """The code that makes rows of records, by its files; empty where it lies in no files, and nothing is kept then.

        Not its version: one checkout has many programs of one version.
        """
        package = Path(__file__).parent.parent
        try:
            found = sorted(
                (str(entry), entry.stat().st_size, entry.stat().st_mtime_ns)
                for room in ("core", "record")
                for entry in (package / room).rglob("*.py")
            )
        except OSError:
            return ""
        return hashlib.sha256(repr(found).encode()).hexdigest()


def _file(name: str) -> str:
    return f"{name}.json" if is_safe_name(name) else f"~{hashlib.sha256(os.fsencode(name)).hexdigest()}.json"


def _own_bytes(path: Path) -> bytes:
    """A small file that only we can have written.

    Raises:
        OSError: It is another, or is not there.
    """
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(number)
        own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE
        if not own or found.st_size > _LARGEST:
            raise PermissionError(path)
        return os.read(number, _LARGEST)
    finally:
        os.close(number)
