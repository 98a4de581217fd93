"""What a workspace owes: every schedule of its runbooks in the place that it names, held against the records.

The door to this room for whoever shows it; the one file here that reads anything. A runbook or an inventory that cannot
be read is a row with its problem, because a schedule that silently drops out would never be missed.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from msgspec.structs import replace

from runbook.calendar.cron import read_cron
from runbook.calendar.window import read_window
from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.core.written.schedule import Schedule
from runbook.document import scalars
from runbook.document.runbook_file import read_runbook
from runbook.inventory.reading import read_inventory
from runbook.masking.masker import Masker
from runbook.policy.times import hours_of
from runbook.problem import Problem, Problems, Where
from runbook.record.store import Store
from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty, Fingerprint
from runbook.schedule.entry import Missed, instant
from runbook.schedule.ledger import read_ledger
from runbook.schedule.standing import Evidence, Standing, evidence, standing
from runbook.workspace.books import book_files
from runbook.workspace.services import services
from runbook.workspace.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Item:
    """One duty, and everything that says how it stands."""

    book: Runbook
    duty: Duty
    inventory: str
    """As it is called with `-i`."""
    now: datetime
    tier: str = ""
    """Of its service; empty where no file says it."""
    missed: tuple[Missed, ...] = ()
    """What a scheduler wrote down about moments that went by."""
    runs: tuple[RunSummary, ...] = ()
    """Of its runbook, the newest first."""

    @cached_property
    def standing(self) -> Standing:
        """How it stands; computed when it is asked for, because a scheduler asks it of few."""
        return standing(self.duty, self.runs, self.now)

    def why_missed(self, slot: datetime) -> str:
        """Why a moment went by, as a scheduler wrote it down; empty where none did."""
        about = (one for one in reversed(self.missed) if instant(one.first) <= slot <= instant(one.last))
        return next((one.why for one in about), "")

    @property
    def evidence(self) -> Evidence:
        """Which of the runs matter."""
        return evidence(self.duty, self.runs)

    @property
    def command(self) -> str:
        """What a person types to run it."""
        given = [word for name, value in self.duty.parameters.items() for word in ("-p", f"{name}={value}")]
        return shlex.join(("runbook", "run", self.duty.runbook, "-i", self.inventory, *given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Everything that is scheduled, and what keeps the rest from being."""

    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    stamp: datetime
    """The newest of what it was made from: the same sources give the same bytes, whenever they are asked."""


def agenda(settings: Settings, store: Store, now: datetime) -> Agenda:
    """What the workspace owes at that instant.

    Raises:
        Problems: The records cannot be listed.
    """
    runs = store.runs()
    return _Look(settings, runs, now).everything()


class _Look:
    """One look at a workspace; each inventory is read once."""

    def __init__(self, settings: Settings, runs: Sequence[RunSummary], now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._runs: dict[str, list[RunSummary]] = {}
        for run in runs:
            self._runs.setdefault(run.runbook, []).append(run)
        self._services = services(settings)
        self._missed: dict[str, list[Missed]] = {}
        self._inventories: dict[str, Inventory | Problems] = {}
        self._problems: list[Problem] = list(self._services.problems)
        self._stamps: list[float] = []
        self._read_ledger()

    def _read_ledger(self) -> None:
        try:
            entries = read_ledger(self._settings.recordings)
        except Problems as wrong:
            self._problems += wrong.problems
            return
        for entry in entries:
            if isinstance(entry, Missed):
                self._missed.setdefault(entry.duty, []).append(entry)

    def everything(self) -> Agenda:
        items = tuple(item for path in book_files(self._settings) for item in self._book(path))
        ended = [run.proof.ended for runs in self._runs.values() for run in runs if run.proof]
        times = [*map(datetime.fromisoformat, filter(None, ended)), *self._file_times()]
        stamp = max(times, default=datetime.fromtimestamp(0, UTC))
        return Agenda(items=items, problems=tuple(dict.fromkeys(self._problems)), stamp=stamp)

    def _file_times(self) -> Iterator[datetime]:
        return (datetime.fromtimestamp(stamp, UTC) for stamp in self._stamps)

    def _book(self, path: Path) -> Iterator[Item]:
        try:
            book = read_runbook(path)
        except Problems as wrong:
            self._problems += wrong.problems
            return
        for schedule in book.schedules:
            self._stamps.append(path.stat().st_mtime)
            try:
                yield self._item(book, schedule)
            except Problems as wrong:
                where = book.at("schedule")
                self._problems += [_placed(each, where) for each in wrong.problems]

    def _item(self, book: Runbook, schedule: Schedule) -> Item:
        name = schedule.inventory or book.inventory or self._settings.inventory
        if not name:
            what = f"the schedule of {book.name} has no place"
            fix = "Write inventory: NAME into it, or into the runbook."
            raise Problems([Problem(what=what, fix=fix, code="no-inventory", where=book.at("schedule"))])
        inventory = self._inventory(name)
        found = duty_of(book, schedule, inventory)
        runs = tuple(self._runs.get(book.name, ()))
        tier = self._services.tier(book.service)
        missed = tuple(self._missed.get(found.key, ()))
        return Item(book=book, duty=found, inventory=name, now=self._now, tier=tier, missed=missed, runs=runs)

    def _inventory(self, name: str) -> Inventory:
        if name not in self._inventories:
            try:
                self._inventories[name] = read_inventory(name, workspace=self._settings.root)
            except Problems as wrong:
                self._inventories[name] = wrong
        found = self._inventories[name]
        if isinstance(found, Problems):
            raise found
        self._stamps += [path.stat().st_mtime for path in map(Path, found.files) if path.is_file()]
        return found


def duty_of(book: Runbook, schedule: Schedule, inventory: Inventory) -> Duty:
    """What a schedule comes to in a place.

    Raises:
        Problems: Its cron or a window cannot be read; a reader of runbooks does not let it come so far.
    """
    zone = schedule.zone or inventory.environment.zone
    late = schedule.run_late.removeprefix("within ") if schedule.run_late != "skip" else ""
    return Duty(
        runbook=book.name,
        environment=inventory.environment.name,
        schedule=schedule.name,
        every=timedelta(seconds=schedule.every) if schedule.every else None,
        cron=read_cron(schedule.cron, zone) if schedule.cron else None,
        zone=zone,
        window=read_window(schedule.window) if schedule.window else None,
        hours=hours_of(inventory.environment),
        grace=timedelta(seconds=schedule.grace) if schedule.grace else None,
        late=timedelta(seconds=scalars.seconds(late)) if late else None,
        jitter=timedelta(seconds=schedule.jitter),
        attended=schedule.attended,
        parameters=schedule.parameters,
        counts_overridden=schedule.counts_overridden,
        since=date.fromisoformat(book.reviewed) if book.reviewed else None,
        now=Fingerprint(runbook=book.source_sha256, inventory=_digests(inventory), version=version("runbook")),
    )


def _digests(inventory: Inventory) -> frozenset[str]:
    """Each of its files as a record would keep it: with the inventory's own passwords masked."""
    masker = Masker.for_secrets(inventory.secrets)
    return frozenset(_digest(masker.fresh(), Path(name).read_bytes()) for name in inventory.files)


def _digest(masker: Masker, data: bytes) -> str:
    return hashlib.sha256(masker.feed(data) + masker.flush()).hexdigest()


def _placed(each: Problem, where: Where) -> Problem:

    return replace(each, where=each.where or where)
