"""Records as folders in one folder: making room for a run, listing what is there, finding one by a few letters.

A run's id begins with the second in which it was started and names its runbook, so the newest are known from the names
alone, and only as many records are read as are asked for. There is no index: what is kept of ended runs can be deleted
(`kept_summaries.py`). Two live runs of one runbook on one host are impossible because each runner claims its hosts for
as long as it lives (`files/live_runs.py`); a claim dies with its process, so nothing has to be cleaned up.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from runbook.core.events.event import RunOpened
from runbook.problem import Exit, Problem, Problems, SeveralMeant, Where, meant_by, nearest, problem, told
from runbook.record.file_record import FileRecord, FileWriter
from runbook.record.files.disk import (
    FLOOR,
    PRIVATE_FOLDER,
    disk_problems,
    is_safe_name,
    make_private_folder,
    require_space,
    sync_folder,
    write_new_file,
)
from runbook.record.files.journal import Grip, Journal
from runbook.record.files.journal_file import JOURNAL, LARGEST_COPY
from runbook.record.files.live_runs import Clash, NameLock, claim
from runbook.record.files.mark import drop_marks, first_mark, next_mark
from runbook.record.files.output import OutputStore
from runbook.record.files.ownership import concerns
from runbook.record.form.formats import PLAN
from runbook.record.kept_summaries import KeptSummaries, seen
from runbook.record.ledger.closing import Closing
from runbook.record.sealing.seal import Sealed, already_sealed, is_sealed
from runbook.record.sealing.sealer import Sealer
from runbook.record.store import LAST, Created, Taken
from runbook.record.summary import RunSummary, summarise

_LOCKS = ".locks"
_OTHERS_MAY_WRITE = 0o022
_ID = re.compile(r"(?P<began>\d{8}T\d{6}Z)-(?P<runbook>.+)-[0-9a-f]{4}\Z")
"""A run's id, as `engine/clock.py` makes it."""


class FileStore:
    """Implements `store.Store` over one folder."""

    def __init__(self, root: Path) -> None:
        """Look at that folder; it need not exist before the first run."""
        self._root = root
        self._kept = KeptSummaries(root)
        self.address = str(root)

    def create(self, run: str, *, runbook: str, files: Mapping[str, bytes], sealer: Sealer | None = None) -> Created:
        """Make a folder, put the copies into it, tell the ledger, and begin the journal.

        Raises:
            Problems: `recordings-open`, `record-unwritable`, `record-no-space`, `record-exists`.
        """
        refused = [found for found in self.concerns() if not found.warning]
        if refused:
            raise Problems(refused)
        folder = self.make_folder(run, runbook)
        digests = keep_files(folder, files)
        closing = Closing(self._root, run, sealer) if sealer else None
        # Before the journal, because a record that nobody can hide must not begin before it is known of.
        known = closing.opened(digests.get(PLAN, "")) if closing else ""
        journal = Journal.create(folder)
        writer = FileWriter(journal, OutputStore(folder, journal.folder), first_mark(self._root, run), closing)
        return Created(writer=writer, digests=digests, ledger=known)

    def take(self, run: str, sealer: Sealer | None = None) -> Taken:
        """Lock the journal, set its unfinished end aside, and go on.

        Raises:
            Problems: `record-sealed`; as `Journal.reopen`.
        """
        if is_sealed(self._root / run):
            raise already_sealed(self._root / run)
        reopened = Journal.reopen(self._root / run)
        try:
            output = OutputStore(self._root / run, reopened.journal.folder)
        except Problems:
            reopened.journal.close()
            raise
        mark = next_mark(self._root, run, reopened.journal.has_passed)
        closing = Closing(self._root, run, sealer) if sealer else None
        writer = FileWriter(reopened.journal, output, mark, closing)
        if closing:
            closing.resumed()
        return Taken(writer=writer, torn_bytes=reopened.torn_bytes, is_newest=mark.is_newest)

    def seal(self, run: str, sealer: Sealer, reason: str = "") -> Sealed:
        """Under the journal's lock, so that nobody goes on writing meanwhile.

        Raises:
            Problems: `record-live`, `record-unwritable`; as `sealing.seal`.
        """
        folder = self._root / run
        if is_sealed(folder):
            raise already_sealed(folder)
        with disk_problems("The journal cannot be opened", folder / JOURNAL):
            grip = Grip(folder, os.O_RDWR)
        try:
            sealed = Closing(self._root, run, sealer).close(reason)
            drop_marks(self._root, run)
        finally:
            grip.release()
        return sealed

    def owner(self) -> int | None:
        """By the owner and the mode of the folder."""
        try:
            state = self._root.stat()
        except OSError:
            return None
        return None if state.st_mode & _OTHERS_MAY_WRITE else state.st_uid

    def concerns(self) -> tuple[Problem, ...]:
        """By the owners and modes of the folder and of all above it."""
        return concerns(self._root)

    def make_folder(self, run: str, name: str, *, floor: int = FLOOR) -> Path:
        """Make the folder of a new run: `<root>/<run>`, 0700.

        Args:
            run: The run's id, a plain file name.
            name: The runbook's name, for the messages.
            floor: Bytes that must be free.

        Raises:
            Problems: `record-unwritable`, `record-no-space`, `record-exists`.
        """
        if not is_safe_name(run):
            raise ValueError(f"{run!r} is not a plain file name")
        folder = self._root / run
        with disk_problems(f"The run of {name} cannot be recorded", self._root):
            make_private_folder(self._root)
            require_space(self._root, floor)
            if folder.exists():
                raise _exists(folder)
            folder.mkdir(mode=PRIVATE_FOLDER)
            sync_folder(self._root)
        return folder

    def hold(self, runbook: str, run: str, hosts: Iterable[str] = ()) -> NameLock:
        """Take the right to run a runbook on those hosts; the runner calls it before it opens the record and keeps it.

        Raises:
            Problems: `already-live` while another run of it is live on one of them, or without hosts any other;
                `record-unwritable`.
        """
        try:
            return claim(self._root / _LOCKS, runbook, run, hosts)
        except Clash as clash:
            raise _already_live(runbook, clash) from clash

    def runs(self, *, runbook: str = "", limit: int | None = None) -> tuple[RunSummary, ...]:
        """The newest first; a full list also drops what is kept of records that are gone.

        Raises:
            Problems: `record-unwritable` when the folder is there and cannot be read.
        """
        names = self._names()
        if not runbook and limit is None:
            self._kept.forget_all_but(names)
        rows = (row for name in self._newest(names, runbook) if (row := self._summary(name, runbook)) is not None)
        return tuple(islice(rows, limit))

    def find(self, text: str) -> FileRecord:
        """By the whole id, which looks at no other record; else by a runbook's name, or by a part of an id.

        Raises:
            Problems: `unknown-run` and `ambiguous-run`, with what there is.
        """
        if "/" in text or os.path.lexists(Path(text) / JOURNAL):
            return FileRecord(Path(text))
        if is_safe_name(text) and self._holds(text):
            return self._record(text)
        names = self._names()
        newest = self._newest(names, "" if text == LAST else text)
        found = next((name for name in newest if text == LAST or self._runbook_of(name) == text), None)
        if found is not None:
            return self._record(found)
        matching = tuple(self._newest(parted(text, names), ""))
        if len(matching) == 1:
            return self._record(matching[0])
        raise _ambiguous(text, matching, names) if matching else _unknown(text, self._records(names), self._root)

    # --- by the names alone -------------------------------------------------------------------------------------------

    def _names(self) -> tuple[str, ...]:
        """What lies in the folder and may be a record."""
        if not self._root.exists():
            return ()
        with disk_problems("The recordings cannot be listed", self._root):
            return tuple(entry.name for entry in os.scandir(self._root) if not entry.name.startswith("."))

    def _newest(self, names: tuple[str, ...], runbook: str) -> Iterator[str]:
        """The records among them, newest first; those of another runbook are left out where the id says so."""
        began = {}
        for name in names:
            found = _ID.match(name)
            if found is None:
                began[name] = self._began(name)
            elif runbook in {"", found["runbook"]}:
                began[name] = found["began"]
        for name in sorted(began, key=lambda name: (began[name], name), reverse=True):
            if self._holds(name):
                yield name

    def _holds(self, name: str) -> bool:
        """True when that is a record; also for a closed folder with the name of one, which is a record to tell of."""
        try:
            (self._root / name / JOURNAL).lstat()
        except PermissionError:
            return _ID.match(name) is not None
        except OSError:
            return False
        return True

    def _records(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if self._holds(name)]

    def _record(self, name: str) -> FileRecord:
        return FileRecord(self._root / name)

    # --- by what they say ---------------------------------------------------------------------------------------------

    def _began(self, name: str) -> str:
        """When a record of another name was begun, in the words of an id; the name itself says nothing."""
        opened = self._opening(name)
        return re.sub(r"[-:]|\.\d+", "", opened.started) if opened is not None else ""

    def _runbook_of(self, name: str) -> str:
        opened = self._opening(name)
        return opened.plan.runbook if opened is not None else ""

    def _opening(self, name: str) -> RunOpened | None:
        if not self._holds(name):
            return None
        first = next(self._record(name).read().entries(), None)
        return first.event if first is not None and isinstance(first.event, RunOpened) else None

    def _summary(self, name: str, runbook: str) -> RunSummary | None:
        """The row of one record, kept or folded; None when it is another runbook's."""
        now = seen(self._root / name)
        kept = self._kept.get(name, now) if now is not None else None
        if kept is None:
            record = self._record(name)
            kept = summarise(name, record.read, live=record.is_live())
            if kept.ended and now is not None:
                self._kept.put(name, now, kept)
        return kept if runbook in {"", kept.runbook} else None


def keep_files(folder: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Put exact copies of what a run was made from into its record; gives their SHA-256 for `RunOpened.files`.

    Args:
        folder: Of the run.
        files: Name in the record (`runbook.yaml`) to bytes, secrets already masked.

    Raises:
        Problems: `record-unwritable`.
    """
    digests = {}
    for name, data in files.items():
        if not is_safe_name(name) or name == JOURNAL:
            raise ValueError(f"{name!r} cannot be the name of a copy")
        if len(data) > LARGEST_COPY:
            raise _too_large(folder / name)
        with disk_problems("A copy cannot be put into the record", folder / name):
            write_new_file(folder / name, data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def _too_large(path: Path) -> Problems:
    return problem(
        f"{path.name} is too large for the record",
        why=f"A copy may have {LARGEST_COPY // 2**20} MiB",
        fix="Split it.",
        where=Where(str(path)),
        code="record-too-large",
        exit=Exit.REFUSED,
    )


def _exists(folder: Path) -> Problems:
    return problem(
        f"There is a record of run {folder.name} already",
        why="A record is written once",
        fix="Start the run again, under a new id.",
        where=Where(str(folder)),
        code="record-exists",
        exit=Exit.REFUSED,
    )


def _already_live(name: str, clash: Clash) -> Problems:
    known = f"Use `runbook attach {clash.run}` to join it, or `runbook halt {clash.run} -m WHY` to stop it."
    fix = known if clash.run else "Try again in a moment."
    where = f" on {', '.join(clash.common[:6])}{', ...' if len(clash.common) > 6 else ''}" if clash.common else ""  # noqa: PLR2004 - a line's worth
    return problem(
        f"{name} is running already{where}",
        why=f"Run {clash.run or '(starting)'} is live, and two at once would step on each other",
        fix=fix,
        where=Where(f"run {clash.run}"),
        code="already-live",
        exit=Exit.REFUSED,
    )


def parted(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The ids that begin with it; where none does those that end with it, else those with it anywhere in them."""
    begun = tuple(name for name in names if name.startswith(text))
    having = meant_by(text, names)
    return begun or tuple(name for name in having if name.endswith(text)) or having


def typed_id(run: str, names: Sequence[str]) -> str:
    """The end of an id, four letters to type, where it means no other run; else the whole."""
    end = run.rpartition("-")[2]
    return end if parted(end, names) == (run,) else run


def _ambiguous(text: str, matching: Sequence[str], names: Sequence[str]) -> Problems:
    one = Problem(
        what=f'"{text}" may be any of {len(matching)} runs',
        why=f"it stands in their ids: {told(matching)}",
        where=Where(f"run {text}"),
        code="ambiguous-run",
    )
    return SeveralMeant(one, typed=text, instead=typed_id(matching[0], names))


def _unknown(text: str, names: list[str], root: Path) -> Problems:
    return problem(
        f'There is no run "{text}"' if names else "There is no run yet",
        why=f"Nothing in {root} has that name" if names else f"{root} holds no record",
        fix=f"{nearest(text, names)} All of them: runbook runs" if names else "Start one with `runbook run`.",
        where=Where(f"run {text}"),
        code="unknown-run",
    )
