"""The ledger on disk: numbered files that are created once and never written again, by as many writers as there are.

Who appends makes the next number; whoever is too late finds it taken, looks again and takes the one after. A file gets
its name when it is whole (link(2), which shared folders decide for one of two writers as well), so there is no lock and
nothing to be cleaned up. No writer mends anything: a hole stays a hole, and the next entry goes behind the last.

What it proves rests on copies: whoever has an old checkpoint, or one record that quotes an entry, has all before it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from runbook.problem import Problems
from runbook.record.files.disk import disk_problems, make_private_folder, sync_folder, write_new_file
from runbook.record.ledger.entry import FIRST, LedgerEntry, hash_of_entry, read_entry
from runbook.record.ledger.tree import LedgerCheckpoint, leaf, root_of
from runbook.record.sealing.signing import CHECKPOINT, LEDGER, sign

FOLDER = "ledger"
"""Its name among the records."""
POINTS = "checkpoints"
"""Of its checkpoints, within."""

NAME = re.compile(r"([0-9]{9})\.json")
_TRIES = 1000
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
LARGEST = 64 * 1024
"""Bytes of an entry."""


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that stands."""

    entry: LedgerEntry
    digest: str
    """SHA-256 of its file: what quotes it pins all entries up to it."""


class Ledger:
    """The ledger of one folder of records."""

    def __init__(self, records: Path) -> None:
        """Look at the folder of records; nothing is made before the first entry."""
        self.folder = records / FOLDER

    def append(self, draft: LedgerEntry, key: str = "") -> Appended:
        """Add an entry behind the last; durable when it returns.

        Args:
            draft: What it says; its number and what it follows are given here.
            key: Signs it, where it can: an entry stands without, because those after it hold it.

        Raises:
            Problems: `record-unwritable`.
        """
        with disk_problems("The ledger cannot be written", self.folder):
            make_private_folder(self.folder)
            entry = self._placed(draft)
            if key:
                with suppress(Problems):
                    write_new_file(self._path(entry.seq, ".sig"), sign(key, LEDGER, entry.data))
        return Appended(entry=entry, digest=hash_of_entry(entry.data))

    def _placed(self, draft: LedgerEntry) -> LedgerEntry:
        for _ in range(_TRIES):
            newest = self._newest()
            prev = hash_of_entry(self.data(newest)) if newest else FIRST
            entry = replace(draft, seq=newest + 1, prev=prev)
            if self._put(entry):
                return entry
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    def _put(self, entry: LedgerEntry) -> bool:
        """Give it its name, whole; False when that number was taken meanwhile."""
        path = self._path(entry.seq)
        aside = self.folder / f".{entry.seq}-{os.getpid()}-{os.urandom(4).hex()}"
        write_new_file(aside, entry.data, sync_name=False)
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return self._created(path, entry.data)
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(self.folder)
        return True

    def _created(self, path: Path, data: bytes) -> bool:
        """Where a file system knows no links: not whole at once, and still created by one of two writers."""
        try:
            write_new_file(path, data)
        except FileExistsError:
            return False
        return True

    def checkpoint(self, key: str = "") -> LedgerCheckpoint:
        """The root over all entries, kept beside them under its size, signed where there is a key.

        Raises:
            Problems: `record-unwritable`, `key-unusable`, `record-closed`.
        """
        leaves = [leaf(self.data(number)) for number in self.numbers()]
        point = LedgerCheckpoint(origin=self.origin(), size=len(leaves), root=root_of(leaves))
        signature = sign(key, CHECKPOINT, point.text) if key else b""
        place = self.folder / POINTS
        with disk_problems("The checkpoint cannot be kept", place):
            make_private_folder(place)
            for path, data in ((place / f"{point.size}.txt", point.text), (place / f"{point.size}.txt.sig", signature)):
                if data and not path.exists():
                    write_new_file(path, data)
        return point

    def checkpoint_of_the_day(self, today: str, key: str) -> bool:
        """Make one where the last is of an entry of another day; gives whether it did.

        Args:
            today: As the times of entries begin, `2026-11-23`.
            key: Signs it.

        Raises:
            Problems: As `checkpoint`.
            OSError, ValueError: The entry of the last one cannot be read.
        """
        place = self.folder / POINTS
        sizes = [int(path.stem) for path in place.glob("*.txt") if path.stem.isdecimal()] if place.is_dir() else []
        newest = max(sizes, default=0)
        if newest and newest <= self._newest() and read_entry(self.data(newest)).time.startswith(today):
            return False
        self.checkpoint(key)
        return True

    def origin(self) -> str:
        """A name that this ledger shares with its copies and with no other: its first entry's hash."""
        first = self.data(1) if self._path(1).is_file() else b""
        return f"runbook.ledger/{hashlib.sha256(first).hexdigest()[:16]}"

    def numbers(self) -> tuple[int, ...]:
        """Of the entries that are there, in order."""
        try:
            found = [int(match[1]) for name in os.listdir(self.folder) if (match := NAME.fullmatch(name))]  # noqa: PTH208 - the names alone, a quarter of the time
        except FileNotFoundError:
            return ()
        return tuple(sorted(found))

    def _newest(self) -> int:
        """The highest number; their names sort as they do, so that only one of them has to be understood."""
        names = os.listdir(self.folder)  # noqa: PTH208 - the names alone
        last = max((name for name in names if NAME.fullmatch(name)), default="0")
        return int(last.removesuffix(".json"))

    def data(self, number: int) -> bytes:
        """The bytes of an entry.

        Raises:
            OSError: What the system said.
        """
        descriptor = os.open(self._path(number), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(descriptor, LARGEST)
        finally:
            os.close(descriptor)

    def signature(self, number: int) -> bytes:
        """Of an entry; empty where it has none.

        Raises:
            OSError: What the system said.
        """
        path = self._path(number, ".sig")
        return path.read_bytes() if path.is_file() else b""

    def points(self) -> Iterator[tuple[bytes, bytes]]:
        """The checkpoints that are kept, each with its signature or none."""
        place = self.folder / POINTS
        for path in sorted(place.glob("*.txt")) if place.is_dir() else ():
            beside = path.with_name(f"{path.name}.sig")
            yield path.read_bytes(), beside.read_bytes() if beside.is_file() else b""

    def exists(self) -> bool:
        """True when there is one."""
        return self.folder.is_dir()

    def _path(self, number: int, end: str = "") -> Path:
        return self.folder / f"{number:09d}.json{end}"
