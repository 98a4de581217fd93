"""Writing the journal: append-only, one writer, and nothing believed that the disk did not take.

The writer holds an exclusive lock on the file itself for as long as it lives, so two writers are impossible and a
live run can be told from a dead one. A batch is one `write`; `commit` is one `fdatasync` for all batches before it.
Whoever must be write-ahead calls `append` and `commit` before the command leaves. After any failure the journal is
finished: it refuses every further line with the same problem, because evidence behind a gap is worse than none. A
later `reopen` starts from what is really on disk.

Not a database and not thread-safe: one task of one process owns it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec

from runbook.core.entry import Entry
from runbook.core.event import RunnerStarted
from runbook.problem import Exit, Problems, Where, problem
from runbook.record.codec import Tip, encode, follow, is_whole
from runbook.record.disk import (
    PRIVATE_FILE,
    disk_problems,
    make_private_folder,
    sync_file,
    sync_folder,
    try_lock,
    write_new_file,
    write_whole,
)
from runbook.record.newer import Newer

JOURNAL = "journal.jsonl"
"""Its name in the folder of a run."""

TORN = "torn-"
"""Unfinished last lines are kept beside it as `torn-1`, `torn-2`, ..."""


class Journal:
    """The journal of one run, open for writing. Made by `create` or `reopen`."""

    def __init__(self, path: Path, number: int, tip: Tip, sync: Callable[[int], None]) -> None:
        """Own an open, locked file descriptor that ends at `tip`."""
        self.path = path
        self._number = number
        self._tip = tip
        self._sync = sync
        self._dirty = False
        self._failure: Problems | None = None

    @classmethod
    def create(cls, folder: Path, sync: Callable[[int], None] = sync_file) -> Journal:
        """Begin the journal of a new run in that folder, which is made when it is missing.

        Raises:
            Problems: `record-unwritable`, also when there is a journal already.
        """
        path = folder / JOURNAL
        with disk_problems("The journal cannot be created", path):
            make_private_folder(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            number = os.open(path, flags, PRIVATE_FILE)
            sync_folder(folder)
        _lock(number, path)
        return cls(path, number, Tip(), sync)

    @classmethod
    def reopen(cls, folder: Path, sync: Callable[[int], None] = sync_file) -> Reopened:
        """Continue the journal of a run whose runner is gone.

        An unfinished end (a torn line, a block of zeros) is moved to a file beside the journal, never dropped.

        Raises:
            Problems: `record-live` while another process writes it; `journal-hash` and the other codes of
                `codec.follow` when it was changed, because a chain is not continued over a break; `record-newer` when
                a newer version wrote in it; `record-unwritable`.
        """
        path = folder / JOURNAL
        with disk_problems("The journal cannot be opened", path):
            number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        _lock(number, path)
        try:
            walk = _walk(number, path)
            with disk_problems("The unfinished end of the journal cannot be kept aside", path):
                _set_aside(number, path, walk.length)
        except BaseException:
            os.close(number)
            raise
        torn = sum(found.stat().st_size for found in folder.glob(f"{TORN}*")) - walk.declared
        return Reopened(journal=cls(path, number, walk.tip, sync), torn_bytes=torn)

    @property
    def tip(self) -> Tip:
        """What the next entry must carry: its number, and an `at` that is not before this one."""
        return self._tip

    def append(self, *entries: Entry) -> None:
        """Write a batch of entries, in one call to the system. They are durable after the next `commit`.

        Raises:
            Problems: `record-unwritable` when the disk does not take them whole; none of them is in the file then.
            ValueError: when their numbers or times do not continue the journal, which is a fault of this program.
        """
        self._refuse_if_finished()
        lines, tip = [], self._tip
        for entry in entries:
            if entry.seq != tip.seq or entry.at < tip.at:
                raise ValueError(f"entry {entry.seq} at {entry.at} does not follow {tip.seq - 1} at {tip.at}")
            line = encode(entry, tip.prev)
            tip = tip.after(line, entry)
            lines.append(line)
        self._guarded("The journal cannot be written", lambda: write_whole(self._number, b"".join(lines)))
        self._tip, self._dirty = tip, True

    def commit(self) -> None:
        """Make everything appended so far durable. Costs one `fdatasync`, or nothing when nothing is new.

        Raises:
            Problems: `record-unwritable`; it is never tried again on this file.
        """
        self._refuse_if_finished()
        if self._dirty:
            self._guarded("The journal cannot be made durable", lambda: self._sync(self._number))
            self._dirty = False

    def close(self) -> None:
        """Let go of the file and its lock. What was not committed is left to the kernel."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def _refuse_if_finished(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        try:
            with disk_problems(what, self.path):
                work()
        except Problems as failure:
            self._failure = failure
            raise


class Reopened(msgspec.Struct, frozen=True, kw_only=True):
    """A journal that goes on, and what its last writer left unfinished."""

    journal: Journal
    torn_bytes: int
    """Kept in `torn-N` files and not yet declared by a `RunnerStarted`: the next one must carry this number."""


class _Walk(msgspec.Struct, frozen=True, kw_only=True):
    tip: Tip
    length: int
    """Bytes of whole, chained lines from the beginning."""
    declared: int
    """Torn bytes that earlier resumes have put on the record."""


def _lock(number: int, path: Path) -> None:
    if not try_lock(number):
        os.close(number)
        raise problem(
            "The run is live",
            why="Another process is writing its journal",
            fix="Use `runbook attach` to join it.",
            where=Where(str(path)),
            code="record-live",
            exit=Exit.REFUSED,
        )


def _walk(number: int, path: Path) -> _Walk:
    """Follow the chain to its last good line; what stands behind must be an unfinished end and nothing else."""
    tip, length, declared, lines, newer = Tip(), 0, 0, 0, Newer()
    with os.fdopen(os.dup(number), "rb") as file:
        file.seek(0)
        for line in file:
            lines += 1
            try:
                entry, tip = follow(tip, line)
            except Problems as damage:
                if _is_unfinished(line, file.read()):
                    break
                raise _unusable(damage, Where(str(path), lines)) from None
            length += len(line)
            newer.see(entry)
            if isinstance(entry.event, RunnerStarted):
                declared += entry.event.torn_bytes
    if newer.refusal is not None:
        # What nobody here can read may be a command that was sent: it must not be sent again.
        raise Problems([msgspec.structs.replace(newer.refusal, where=Where(str(path), newer.line))])
    return _Walk(tip=tip, length=length, declared=declared)


def _is_unfinished(line: bytes, rest: bytes) -> bool:
    """True for what a crash leaves: a line without its end, or with blocks never written, and no good line behind it.

    A complete line that was changed is not unfinished: cutting it off could make a step run twice.
    """
    cut = not line.endswith(b"\n") or b"\0" in line
    return cut and not any(map(is_whole, BytesIO(rest)))


def _unusable(damage: Problems, where: Where) -> Problems:
    fix = "Look with `runbook verify`; replay and report work up to this line, but the run cannot go on from here."
    return Problems(msgspec.structs.replace(found, where=where, fix=fix) for found in damage.problems)


def _set_aside(number: int, path: Path, length: int) -> None:
    """Copy the unfinished end into a file of its own, durably, and only then cut it off."""
    tail = os.pread(number, os.fstat(number).st_size - length, length)
    if not tail:
        return
    kept = sorted(path.parent.glob(f"{TORN}*"))
    # A crash between the copy and the cut leaves the same bytes in both: they are one torn end, not two.
    if tail not in (earlier.read_bytes() for earlier in kept):
        write_new_file(path.parent / f"{TORN}{len(kept) + 1}", tail)
    os.ftruncate(number, length)
    os.fsync(number)
