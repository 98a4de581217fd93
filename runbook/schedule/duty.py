"""A duty: one schedule of one runbook in one place, with everything that is needed to say how it stands.

Plain values, so that how it stands (`standing.py`) is a function of a duty, the runs on record and an instant. Its
moments are *slots*: each has an id that stays the same for ever, whatever is known about it later.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from runbook.calendar.cron import Cron, latest, next_after
from runbook.calendar.hours import Hours
from runbook.calendar.window import Window
from runbook.calendar.zone import zone_named

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_STAMP = "%Y%m%dT%H%MZ"


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a run rests on, as it is today: where one of it has changed, the run is stale."""

    runbook: str = ""
    """SHA-256 of its file."""
    inventory: frozenset[str] = frozenset()
    """SHA-256 of each file of the inventory, as a record keeps it."""
    version: str = ""
    """Of the program."""


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What should happen, where, and when."""

    runbook: str
    environment: str
    schedule: str = "schedule"
    every: timedelta | None = None
    """None where moments come from `cron`."""
    cron: Cron | None = None
    zone: str = ""
    """Where the days of `every` are counted."""
    window: Window | None = None
    hours: Hours = Hours()
    """Of the environment."""
    grace: timedelta | None = None
    """None takes a tenth of the period, at most a week."""
    late: timedelta | None = None
    """How long after its moment an unattended start counts; None: not at all, or until its window closes."""
    jitter: timedelta = timedelta(0)
    attended: bool = True
    parameters: dict[str, str] = {}
    counts_overridden: bool = False
    since: date | None = None
    """The day from which it is owed although nothing ran yet; None owes nothing before the first run."""
    now: Fingerprint = Fingerprint()

    @property
    def key(self) -> str:
        """Its name in a ledger."""
        return f"{self.runbook}.{self.environment}.{self.schedule}"

    def slot_id(self, slot: datetime) -> str:
        """The name of one of its moments."""
        return f"{self.key}@{slot.astimezone(UTC):{_STAMP}}"

    def day(self, slot: datetime) -> date:
        """The day of one of its moments, where it is meant: what is owed by the end of a day is owed on that day."""
        owed = slot - timedelta(seconds=1) if self.every is not None and self.every >= _DAY else slot
        return owed.astimezone(zone_named(self.cron.zone if self.cron else self.zone)).date()

    def newest(self, until: datetime, end: datetime | None) -> datetime | None:
        """The newest moment up to an instant; `end` is when the last run that fulfils it ended, if there was one."""
        if self.cron is not None:
            return latest(self.cron, until)
        owed = self.after(end)
        return owed if owed is not None and owed <= until else None

    def coming(self, after: datetime, end: datetime | None) -> datetime | None:
        """The first moment behind an instant."""
        if self.cron is not None:
            return next_after(self.cron, after)
        owed = self.after(end)
        return owed if owed is not None and owed > after else None

    def after(self, end: datetime | None) -> datetime | None:
        """For `every`: when it is owed again, which is the end of a day in its zone where days are counted."""
        if self.every is None or (end is None and self.since is None):
            return None
        zone = zone_named(self.zone)
        if self.every < _DAY:
            return (end or datetime.combine(self.since or date.min, time(), zone).astimezone(UTC)) + self.every
        first = end.astimezone(zone).date() if end is not None else self.since or date.min
        day = first + timedelta(days=self.every.days + 1)
        return datetime.combine(day, time(), zone).astimezone(UTC)

    def owed(self, end: datetime | None, horizon: datetime) -> datetime | None:
        """For `every`: the first moment behind a horizon, so that one run that failed does not end a schedule."""
        if self.every is None:
            return None
        owed = self.after(end) if end is not None else None
        return owed if owed is not None and owed > horizon else horizon + self.every

    def period(self, slot: datetime) -> timedelta:
        """The length of time from that moment to the next."""
        if self.every is not None:
            return self.every
        follower = next_after(self.cron, slot) if self.cron else None
        return follower - slot if follower is not None else _WEEK

    def patience(self, slot: datetime) -> timedelta:
        """How long after that moment due is not overdue."""
        return self.grace if self.grace is not None else min(self.period(slot) / 10, _WEEK)

    def foresight(self, slot: datetime) -> timedelta:
        """How long before that moment a run counts for it already, and it is said to be due soon.

        A tenth of the period and at least a day, but never more than half of the period.
        """
        period = self.period(slot)
        return min(max(period / 10, _DAY), period / 2)
