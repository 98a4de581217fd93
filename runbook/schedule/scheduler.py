"""The scheduler: begins what nobody attends, says what people have to begin, and writes down what did not happen.

Its one promise is about accounting: no moment without an entry, and none started twice, whatever kills it. A start is
three acts in this order: the claim with the run's name is on disk, the run's folder is made (by its runner, and only
one can make it), the start is on disk. Whoever comes after a crash sees by the folder whether the second act happened.
What decides is in `deciding.py`; this file reads, writes, launches, and sleeps until something is to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, get_args

from runbook.core.clock import Clock
from runbook.policy.verdict import RuleName
from runbook.problem import Problems
from runbook.schedule.agenda import Agenda, Item
from runbook.schedule.clockwork import Clockwork
from runbook.schedule.deciding import Times, Todo, todo
from runbook.schedule.duty import Duty
from runbook.schedule.entry import (
    Account,
    Claimed,
    ClockJumped,
    Known,
    LedgerEntry,
    Missed,
    Postponed,
    Started,
    Told,
    accounts,
    after,
    instant,
    stamp,
)

LONGEST = 60.0
"""Seconds between two looks: what is scheduled may have changed, and a clock may have jumped."""
_AGAIN = timedelta(seconds=10)
"""Before what could not be begun is tried again, under the same name."""


class Book(Protocol):
    """Where entries are kept."""

    @property
    def entries(self) -> list[LedgerEntry]:
        """All of them, in order."""

    def append(self, *entries: LedgerEntry) -> None:
        """Keep them, durably."""


class World(Protocol):
    """What the scheduler can see and do."""

    def agenda(self, now: datetime) -> Agenda:
        """What is owed, by runbooks and records as they are now."""

    def exists(self, run: str) -> bool:
        """Whether a run of that name was begun."""

    def new_name(self, runbook: str) -> str:
        """The name of a run that is about to begin."""

    def begin(self, item: Item, run: str) -> Awaitable[None]:
        """Begin it under that name, unattended.

        Raises:
            Problems: It was not begun, or is there already.
        """


Say = Callable[[str], None]


class Scheduler:
    """One workspace's."""

    def __init__(self, world: World, book: Book, clock: Clock, say: Say) -> None:
        """Go on from what the book holds; nothing is done before `look` is called."""
        self._world, self._book, self._clock, self._say = world, book, clock, say
        self._work = Clockwork(clock.wall(), clock.monotonic())
        self._accounts = accounts(book.entries)
        self._problems: tuple[str, ...] = ()
        self._stopping = asyncio.Event()
        self._wakes: dict[str, tuple[Duty, datetime]] = {}
        """When a duty is to be looked at again, as long as it is what it was."""

    async def run(self) -> None:
        """Look, and sleep until something is to come, until it is told to stop."""
        while not self._stopping.is_set():
            wake = await self.look()
            left = (wake - self._work.times().now).total_seconds() if wake is not None else LONGEST
            sleeping = asyncio.ensure_future(self._clock.sleep(min(max(1.0, left), LONGEST)))
            stopping = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
            for each in (sleeping, stopping):
                each.cancel()

    def stop(self) -> None:
        """End after what is being done now."""
        self._stopping.set()

    async def look(self) -> datetime | None:
        """Do all that is to be done now; gives when something is to come next.

        What cannot be read or begun just now is told, and tried again at the next look.
        """
        moved = self._work.look(self._clock.wall(), self._clock.monotonic())
        times = self._work.times()
        if moved:
            self._write(ClockJumped(at=stamp(times.now), duty="", seconds=round(moved, 3)))
        try:
            agenda = self._world.agenda(times.now)
        except (Problems, OSError) as wrong:
            self._say(f"what is due is not known now: {wrong}")
            return None
        self._tell_problems(agenda)
        wakes = [await self._duty(item, times) for item in agenda.items]
        return min((wake for wake in wakes if wake is not None), default=None)

    async def _duty(self, item: Item, times: Times) -> datetime | None:
        key = item.duty.key
        known = self._wakes.get(key)
        if known is not None and known[0] == item.duty and times.now < known[1]:
            return known[1]
        if key not in self._accounts:
            self._write(Known(at=stamp(times.now), duty=key))
        await self._settle_claim(item, times)
        what = todo(item.duty, self._accounts[key], item.evidence, times)
        self._write(*what.entries)
        if what.start is not None and not await self._start(item, what.start, what, times):
            return times.now + _AGAIN
        if what.wake is not None:
            self._wakes[key] = (item.duty, what.wake)
        return what.wake

    async def _settle_claim(self, item: Item, times: Times) -> None:
        """What a scheduler before us, or this one before a failure, has left half done."""
        claim = self._accounts[item.duty.key].claimed
        if claim is not None and self._world.exists(claim.run):
            self._write(Started(at=stamp(times.now), duty=claim.duty, slot=claim.slot, run=claim.run))

    async def _start(self, item: Item, slot: datetime, what: Todo, times: Times) -> bool:
        """Whether it is accounted for; what failed for want of room or of a process is not, and stays claimed."""
        key, at = item.duty.key, stamp(times.now)
        claim = self._accounts[key].claimed
        if claim is None or claim.slot != stamp(slot):
            name = self._world.new_name(item.duty.runbook)
            claim = Claimed(at=at, duty=key, slot=stamp(slot), run=name, jitter=what.jitter)
            self._write(claim)
        try:
            await self._world.begin(item, claim.run)
        except Problems as wrong:
            if not self._world.exists(claim.run):
                self._write(Missed(at=at, duty=key, first=claim.slot, last=claim.slot, count=1, why=_why(wrong)))
                self._say(f"{key}: not started: {wrong}")
                return True
        except OSError as wrong:
            self._say(f"{key}: {claim.slot} not begun yet: {wrong}")
            return False
        self._write(Started(at=at, duty=key, slot=claim.slot, run=claim.run))
        return True

    def _write(self, *entries: LedgerEntry) -> None:
        if not entries:
            return
        self._book.append(*entries)
        for entry in entries:
            known = self._accounts.get(entry.duty)
            if isinstance(entry, Known):
                self._accounts[entry.duty] = Account(horizon=instant(entry.at))
            elif known is not None:
                self._accounts[entry.duty] = after(known, entry)
            said = in_words(entry)
            if said:
                self._say(said)

    def _tell_problems(self, agenda: Agenda) -> None:
        """Once, and again when they are others."""
        problems = tuple(map(str, agenda.problems))
        for text in problems if problems != self._problems else ():
            self._say(text)
        self._problems = problems


def in_words(entry: LedgerEntry) -> str:
    """A line for an entry; empty for what nobody has to hear of."""
    match entry:
        case Known():
            return f"{entry.duty}: known from now on"
        case Claimed():
            return ""
        case Started():
            return f"{entry.duty}: {entry.slot} started as {entry.run}"
        case Missed():
            stretch = entry.first if entry.count == 1 else f"{entry.count} from {entry.first} to {entry.last}"
            return f"{entry.duty}: missed {stretch}: {entry.why}"
        case Postponed():
            return f"{entry.duty}: {entry.slot} postponed until {entry.until}: {entry.why}"
        case Told():
            return f"{entry.duty}: {entry.slot} is due, and somebody has to start it"
        case ClockJumped():
            way = "forward" if entry.seconds > 0 else "back"
            return f"the clock jumped {way} by {timedelta(seconds=abs(round(entry.seconds)))}"


def _why(wrong: Problems) -> str:
    """Which rule, or which check, kept it from beginning."""
    first = wrong.problems[0]
    return f"policy: {first.code}" if first.code in get_args(RuleName) else f"check failed: {first.code or 'unknown'}"
