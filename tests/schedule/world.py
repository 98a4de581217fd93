"""A world for the scheduler: a clock that is set by the test, runs that are made of nothing, and a way to be killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from runbook.core.written.runbook import Runbook
from runbook.record.summary import RunSummary
from runbook.schedule.agenda import Agenda, Item
from runbook.schedule.duty import Duty
from runbook.schedule.entry import LedgerEntry
from runbook.schedule.scheduler import Scheduler
from tests.schedule.duties import ran

NEWEST = 5
"""Runs that a duty is shown; no test asks for older ones."""


class Killed(BaseException):
    """The process is gone: nothing after it is done, and nothing is tidied up."""


Fate = Callable[[str], None]
"""Asked before and after each act; raises `Killed`."""


def lives(_act: str) -> None:
    """Nothing happens to it."""


class Clock:
    """Two clocks that go alike, until somebody sets one of them."""

    def __init__(self, now: datetime) -> None:
        self.seconds = now.timestamp()
        self.steady = 1000.0

    def wall(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        self.go(timedelta(seconds=seconds))

    def go(self, length: timedelta) -> None:
        self.seconds += length.total_seconds()
        self.steady += length.total_seconds()

    def jump(self, length: timedelta) -> None:
        self.seconds += length.total_seconds()

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


class Book:
    """A ledger in memory that outlives the scheduler."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.fate: Fate = lives

    def append(self, *entries: LedgerEntry) -> None:
        for entry in entries:
            self.fate(f"before {type(entry).__name__}")
            self.entries.append(entry)
            self.fate(f"after {type(entry).__name__}")

    def of(self, *kinds: type) -> list:
        return [entry for entry in self.entries if isinstance(entry, kinds)]


class World:
    """Runs that exist because their folder does."""

    def __init__(self, clock: Clock, duties: list[Duty]) -> None:
        self.clock, self.duties = clock, duties
        self.runs: dict[str, list[RunSummary]] = {}
        """By runbook, the newest first."""
        self.begun: list[str] = []
        self.fate: Fate = lives
        self.refuse: Callable[[Item], None] = lambda _item: None
        self._names = 0

    def agenda(self, now: datetime) -> Agenda:
        items = tuple(self.item(duty, now) for duty in self.duties)
        return Agenda(items=items, problems=(), stamp=now)

    def item(self, duty: Duty, now: datetime) -> Item:
        book = Runbook(version=1, kind="operation", name=duty.runbook, title="", sections=())
        mine = tuple(self.runs.get(duty.runbook, ())[:NEWEST])
        return Item(book=book, duty=duty, inventory=duty.environment, now=now, runs=mine)

    def exists(self, run: str) -> bool:
        return run in self.begun

    def new_name(self, runbook: str) -> str:
        self._names += 1
        return f"{runbook}-{self._names}"

    async def begin(self, item: Item, run: str) -> None:
        self.refuse(item)
        self.fate("before the folder")
        assert run not in self.begun, "a folder is made once"
        self.begun.append(run)
        done = ran(f"{self.clock.now:%Y-%m-%dT%H:%M:%S}", environment=item.duty.environment)
        mine = self.runs.setdefault(item.duty.runbook, [])
        mine.insert(0, replace(done, run=run, runbook=item.duty.runbook))
        self.fate("after the folder")


class Stage:
    """A scheduler in its world, and those that follow it when it was killed."""

    def __init__(self, now: datetime, *duties: Duty) -> None:
        self.clock = Clock(now)
        self.world = World(self.clock, list(duties))
        self.book = Book()
        self.said: list[str] = []
        self.scheduler = self._new()

    def _new(self) -> Scheduler:
        return Scheduler(self.world, self.book, self.clock, self.said.append)

    async def look(self) -> datetime | None:
        """Look; a scheduler that is killed is followed by another at once."""
        while True:
            try:
                return await self.scheduler.look()
            except Killed:
                self.again()

    def again(self) -> None:
        """Another process takes over."""
        self.scheduler = self._new()

    async def until(self, end: datetime, *, step: timedelta = timedelta(days=1)) -> None:
        """Live on, looking whenever something is to come and after `step` at the latest."""
        while self.clock.now < end:
            wake = await self.look()
            left = min(wake - self.clock.now if wake else step, step, end - self.clock.now)
            self.clock.go(max(left, timedelta(seconds=1)))
        await self.look()
