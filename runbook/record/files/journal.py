"""Writing the journal: append-only, one writer, and nothing believed that the disk did not take.

The writer holds an exclusive lock on the file itself for as long as it lives, so two writers are impossible and a
live run can be told from a dead one. A batch is one `write`; `commit` is one `fdatasync` for all batches before it.
Whoever must be write-ahead calls `append` and `commit` before the command leaves. After any failure the journal is
finished: it refuses every further line with the same problem, because evidence behind a gap is worse than none. A
later `reopen` starts from what is really on disk.

The folder is held open too, and what its name leads to is compared with it: a record that somebody moved, replaced by
a copy or wrote into is not the record any more, and whoever resumes would find the other one.

Not a database and not thread-safe: one task of one process owns it. Only `sync` may run in a thread of its own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunnerStarted
from runbook.problem import Exit, Problems, Where, problem
from runbook.record.files.disk import (
    disk_problems,
    make_private_folder,
    sync_file,
    try_lock,
    write_new_below,
    write_whole,
)
from runbook.record.files.journal_file import JOURNAL, LONGEST, every_line
from runbook.record.files.mark import Reached
from runbook.record.files.plain import not_plain, open_below, open_folder
from runbook.record.form.codec import Tip, encode, follow, is_whole
from runbook.record.form.newer import Newer

TORN = "torn-"
"""Unfinished last lines are kept beside it as `torn-1`, `torn-2`, ..."""


class Journal:
    """The journal of one run, open for writing. Made by `create` or `reopen`."""

    def __init__(self, grip: Grip, tip: Tip, length: int, sync: Callable[[int], None]) -> None:
        """Own a locked file that ends at `tip`, after so many bytes."""
        self.path = grip.path
        self._grip = grip
        self._tip = tip
        self._length = length
        self._sync = sync
        self._failure: Problems | None = None
        self.is_dirty = False
        """True while a line stands in the file that a power cut may take."""

    @classmethod
    def create(cls, folder: Path, sync: Callable[[int], None] = sync_file) -> Journal:
        """Begin the journal of a new run in that folder, which is made when it is missing.

        Raises:
            Problems: `record-unwritable`, also when there is a journal already.
        """
        with disk_problems("The journal cannot be created", folder / JOURNAL):
            make_private_folder(folder)
            grip = Grip(folder, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND)
            os.fsync(grip.folder)
        return cls(grip, Tip(), 0, sync)

    @classmethod
    def reopen(cls, folder: Path, sync: Callable[[int], None] = sync_file) -> Reopened:
        """Continue the journal of a run whose runner is gone.

        An unfinished end (a torn line, a block of zeros) is moved to a file beside the journal, never dropped.

        Raises:
            Problems: `record-live` while another process writes it; `journal-hash` and the other codes of
                `codec.follow` when it was changed, because a chain is not continued over a break; `record-newer` when
                a newer version wrote in it; `record-not-plain` when something else stands in its place;
                `record-unwritable`.
        """
        with disk_problems("The journal cannot be opened", folder / JOURNAL):
            grip = Grip(folder, os.O_RDWR | os.O_APPEND)
        try:
            walk = _walk(grip)
            with disk_problems("The unfinished end of the journal cannot be kept aside", grip.path):
                torn = _set_aside(grip, walk.length)
        except BaseException:
            grip.release()
            raise
        return Reopened(journal=cls(grip, walk.tip, walk.length, sync), torn_bytes=torn - walk.declared)

    @property
    def tip(self) -> Tip:
        """What the next entry must carry: its number, and an `at` that is not before this one."""
        return self._tip

    @property
    def reached(self) -> Reached:
        """How far it has come, for a mark."""
        return self._length, self._tip.prev

    def has_passed(self, reached: Reached) -> bool:
        """True when it has come by there, and so lacks nothing that stood in front of it."""
        length, last = reached
        if length >= self._length:
            return reached == self.reached
        return os.pread(self._grip.journal, 80, length).startswith(f'{{"prev":"{last}"'.encode())

    @property
    def folder(self) -> int:
        """The descriptor of the record's folder, the journal's for as long as it is open."""
        return self._grip.folder

    def append(self, *entries: Entry) -> None:
        """Write a batch of entries, in one call to the system. They are durable after the next `commit`.

        Raises:
            Problems: `record-unwritable` when the disk does not take them whole, `record-replaced` when somebody else
                wrote to the file; none of them is in the file then.
            ValueError: when their numbers or times do not continue the journal, which is a fault of this program.
        """
        self._refuse_if_finished()
        lines, tip = [], self._tip
        for entry in entries:
            if entry.seq != tip.seq or entry.at < tip.at:
                raise ValueError(f"entry {entry.seq} at {entry.at} does not follow {tip.seq - 1} at {tip.at}")
            line = _bounded(encode(entry, tip.prev))
            tip = tip.after(line, entry)
            lines.append(line)
        data = b"".join(lines)
        self._guarded("The journal cannot be written", lambda: self._write(data))
        self._tip, self.is_dirty = tip, True

    def commit(self) -> None:
        """Make everything appended so far durable. Costs one `fdatasync`, or nothing when nothing is new.

        Raises:
            Problems: `record-unwritable`; `record-replaced` when what lies under its name is not this journal. It is
                never tried again on this file.
        """
        self._refuse_if_finished()
        self._guarded("The record cannot be looked at", self._refuse_if_replaced)
        if self.is_dirty:
            # Before it is made durable: what is appended meanwhile, while this waits in a thread, is not covered.
            self.is_dirty = False
            self._guarded("The journal cannot be made durable", lambda: self._sync(self._grip.journal))

    def close(self) -> None:
        """Let go of the file and its lock. What was not committed is left to the kernel."""
        self._grip.release()

    def _refuse_if_replaced(self) -> None:
        """Nothing when the record's name still leads to what is written here; four questions to the system."""
        try:
            in_place = self._grip.is_in_place()
        except FileNotFoundError:
            raise _vanished(self.path, self._grip.whereabouts()) from None
        if not in_place:
            raise _replaced(self.path, f"what the runner wrote is now {self._grip.whereabouts()}")

    def _write(self, data: bytes) -> None:
        found = os.fstat(self._grip.journal).st_size
        if found != self._length:
            raise _replaced(self.path, f"its journal has {found} bytes where the runner has written {self._length}")
        write_whole(self._grip.journal, data)
        self._length += len(data)

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


class Grip:
    """The descriptors of a record's folder and of its journal, the journal's lock with it."""

    def __init__(self, folder: Path, flags: int) -> None:
        """Open and lock.

        Raises:
            OSError: What the system said.
            Problems: `record-live`, `record-not-plain`.
        """
        self.path = folder / JOURNAL
        self.folder = open_folder(folder)
        self.journal = -1
        try:
            self.journal = open_below(self.folder, JOURNAL, self.path, flags)
            _lock(self.journal, self.path)
        except BaseException:
            self.release()
            raise

    def is_in_place(self) -> bool:
        """True when the names of the folder and of the journal still lead to what is held.

        Raises:
            OSError: One of them leads nowhere.
        """
        folder, journal = self.path.parent.stat(), self.path.lstat()
        return os.path.samestat(folder, os.fstat(self.folder)) and os.path.samestat(journal, os.fstat(self.journal))

    def whereabouts(self) -> str:
        """Where the folder that is held has gone, as far as the system tells (proc_pid_fd(5))."""
        try:
            return str(Path(f"/proc/self/fd/{self.folder}").readlink())
        except OSError:
            return "somewhere else"

    def release(self) -> None:
        """Close what is open; harmless when it was done before."""
        for number in (self.journal, self.folder):
            if number >= 0:
                os.close(number)
        self.journal = self.folder = -1


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


def torn_files(folder: int, path: Path) -> dict[str, int]:
    """The unfinished ends that were kept in a folder, by name, with their sizes.

    Raises:
        OSError: What the system said.
        Problems: `record-not-plain`.
    """
    found = {}
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(TORN)):
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(state.st_mode):
            raise not_plain(path / name, state.st_mode)
        found[name] = state.st_size
    return found


def _walk(grip: Grip) -> _Walk:
    """Follow the chain to its last good line; what stands behind must be an unfinished end and nothing else."""
    tip, length, declared, newer = Tip(), 0, 0, Newer()
    for line in every_line(grip.journal):
        try:
            entry, tip = follow(tip, line)
        except Problems as damage:
            if _is_unfinished(grip.journal, length):
                break
            raise _unusable(damage, Where(str(grip.path), tip.seq + 1)) from None
        length += len(line)
        newer.see(entry)
        if isinstance(entry.event, RunnerStarted):
            declared += entry.event.torn_bytes
    if newer.refusal is not None:
        # What nobody here can read may be a command that was sent: it must not be sent again.
        raise Problems([msgspec.structs.replace(newer.refusal, where=Where(str(grip.path), newer.line))])
    return _Walk(tip=tip, length=length, declared=declared)


def _is_unfinished(number: int, offset: int) -> bool:
    """True for what a crash leaves: a line without its end, or with blocks never written, and no good line behind it.

    A complete line that was changed is not unfinished: cutting it off could make a step run twice. No crash leaves more
    than one batch, so a longer end is none of its making either.
    """
    if os.fstat(number).st_size - offset > LONGEST:
        return False
    rest = BytesIO(os.pread(number, LONGEST, offset))
    line = rest.readline()
    cut = not line.endswith(b"\n") or b"\0" in line
    return cut and not any(map(is_whole, rest))


def _unusable(damage: Problems, where: Where) -> Problems:
    fix = "Look with `runbook verify`; replay and report work up to this line, but the run cannot go on from here."
    return Problems(msgspec.structs.replace(found, where=where, fix=fix) for found in damage.problems)


def _set_aside(grip: Grip, length: int) -> int:
    """Copy the unfinished end into a file of its own, durably, and only then cut it off; gives all bytes kept."""
    kept = torn_files(grip.folder, grip.path.parent)
    tail = os.pread(grip.journal, LONGEST, length)
    if not tail:
        return sum(kept.values())
    # A crash between the copy and the cut leaves the same bytes in both: they are one torn end, not two.
    if not any(size == len(tail) and _read_below(grip, name) == tail for name, size in kept.items()):
        name = f"{TORN}{len(kept) + 1}"
        write_new_below(grip.folder, name, tail)
        kept[name] = len(tail)
    os.ftruncate(grip.journal, length)
    os.fsync(grip.journal)
    return sum(kept.values())


def _read_below(grip: Grip, name: str) -> bytes:
    number = open_below(grip.folder, name, grip.path.parent / name)
    try:
        return os.pread(number, LONGEST, 0)
    finally:
        os.close(number)


def _bounded(line: bytes) -> bytes:
    if len(line) > LONGEST:
        raise problem(
            "A value cannot be recorded",
            why=f"Its line would have {len(line) // 2**20} MiB, and {LONGEST // 2**20} are the most",
            fix="Register a part of it, or split the runbook.",
            code="record-unreadable",
            exit=Exit.FAILED,
        )
    return line


def _lock(number: int, path: Path) -> None:
    if try_lock(number):
        return
    raise problem(
        "The run is live",
        why="Another process is writing its journal",
        fix="Use `runbook attach` to join it.",
        where=Where(str(path)),
        code="record-live",
        exit=Exit.REFUSED,
    )


def _vanished(path: Path, whereabouts: str) -> Problems:
    return problem(
        "The record has vanished",
        why=f"Its folder was moved or removed while the run wrote to it; it is now {whereabouts}",
        fix="Put it back, then resume the run.",
        where=Where(str(path)),
        code="record-unwritable",
        exit=Exit.REFUSED,
    )


def _replaced(path: Path, how: str) -> Problems:
    return problem(
        "The record was replaced while the run wrote to it",
        why=how,
        fix="Nothing more was sent. Find out who did that, put the run's own record back, then resume the run.",
        where=Where(str(path)),
        code="record-replaced",
        exit=Exit.REFUSED,
    )
