"""What a scheduler has to do about one duty at one instant: a pure function of the duty, its account and the records.

The rules, once: at most one start for all that was missed, and only for the newest moment; every other moment is
written down as missed, a stretch of them in one entry with its count. A moment is started in its window and not later
than it may be; while it can still come it is postponed. Two runs of one runbook never overlap: the later one is missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from runbook.calendar.cron import moments
from runbook.schedule.duty import Duty
from runbook.schedule.entry import Account, LedgerEntry, Missed, Postponed, Told, stamp
from runbook.schedule.standing import Evidence, ended_at, start_window

_SECOND = timedelta(seconds=1)


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler knows about time."""

    now: datetime
    awake_since: datetime
    """From when on it has been looking without a break."""
    is_steady: bool = True
    """The clock on the wall has gone like every other clock for a while."""


class Todo(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, begun, and when to look again."""

    entries: tuple[LedgerEntry, ...] = ()
    start: datetime | None = None
    """The moment for which a run is to be begun now."""
    jitter: float = 0.0
    wake: datetime | None = None
    """None where nothing is to come by itself."""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Moments that are not accounted for yet."""

    first: datetime
    last: datetime
    before: datetime | None
    """The one before the last; None where there is one alone."""
    count: int


def todo(duty: Duty, account: Account, how: Evidence, times: Times) -> Todo:
    """What there is to do about a duty by the records `how`."""
    found = backlog(duty, account, how, times.now)
    if found is None:
        return Todo(wake=_coming(duty, account, how, times.now))
    if not duty.attended:
        return _unattended(duty, account, how, times, found)
    passed = _passed(duty, found, times, "overtaken by the next")
    return Todo(
        entries=(*passed, Told(at=stamp(times.now), duty=duty.key, slot=stamp(found.last))),
        wake=_coming(duty, Account(horizon=found.last), how, times.now),
    )


def backlog(duty: Duty, account: Account, how: Evidence, now: datetime) -> Backlog | None:
    """The moments behind the horizon up to now; None where there is none."""
    first: datetime | None = None
    before: datetime | None = None
    last: datetime | None = None
    count = 0
    for slot in _slots(duty, account.horizon, how):
        if slot > now:
            break
        first, before, last, count = first or slot, last, slot, count + 1
    if first is None or last is None:
        return None
    return Backlog(first=first, last=last, before=before, count=count)


def _slots(duty: Duty, horizon: datetime, how: Evidence) -> Iterator[datetime]:
    if duty.cron is not None:
        yield from moments(duty.cron, horizon)
        return
    owed = duty.owed(ended_at(how.last) if how.last else None, horizon)
    if owed is not None:
        yield owed


def _coming(duty: Duty, account: Account, how: Evidence, now: datetime) -> datetime | None:
    return next((slot for slot in _slots(duty, account.horizon, how) if slot > now), None)


def _unattended(duty: Duty, account: Account, how: Evidence, times: Times, found: Backlog) -> Todo:
    passed = _passed(duty, found, times, _why_passed(duty, found, times))
    slot, now = found.last, times.now
    done = _coming(duty, Account(horizon=slot), how, now)
    # A run that was claimed and never came to exist is begun now, or not at all any more.
    is_claimed = account.claimed is not None and account.claimed.slot == stamp(slot)
    first, end = start_window(duty, slot)
    if first is None or now >= end:
        return Todo(entries=(*passed, _missed(duty, now, slot, _why(duty, first, end, times))), wake=done)
    late = 0.0 if is_claimed else jitter(duty, slot, (end - first).total_seconds())
    begin = first + timedelta(seconds=late)
    if now < first and account.postponed != stamp(slot):
        waits = Postponed(at=stamp(now), duty=duty.key, slot=stamp(slot), until=stamp(first), why=_closed(duty, now))
        return Todo(entries=(*passed, waits), wake=begin)
    if now < begin or not times.is_steady:
        return Todo(entries=passed, wake=max(begin, now + _SECOND))
    if how.live is not None:
        return Todo(entries=(*passed, _missed(duty, now, slot, "overlap")), wake=done)
    return Todo(entries=passed, start=slot, jitter=late, wake=done)


def jitter(duty: Duty, slot: datetime, most: float) -> float:
    """Whole seconds that a moment is put off: from its name, so that a second look gives the same."""
    if not duty.jitter:
        return 0.0
    bound = int(min(duty.jitter.total_seconds(), most, duty.period(slot).total_seconds()))
    if bound < 1:
        return 0.0
    drawn = hashlib.sha256(duty.slot_id(slot).encode()).digest()
    return float(int.from_bytes(drawn[:8], "big") % bound)


def _passed(duty: Duty, found: Backlog, times: Times, why: str) -> tuple[Missed, ...]:
    """All but the newest: one start is enough for whatever was missed."""
    if found.before is None:
        return ()
    return (
        Missed(
            at=stamp(times.now),
            duty=duty.key,
            first=stamp(found.first),
            last=stamp(found.before),
            count=found.count - 1,
            why=why,
        ),
    )


def _why_passed(duty: Duty, found: Backlog, times: Times) -> str:
    first, end = start_window(duty, found.before or found.first)
    return _why(duty, first, end, times)


def _missed(duty: Duty, now: datetime, slot: datetime, why: str) -> Missed:
    return Missed(at=stamp(now), duty=duty.key, first=stamp(slot), last=stamp(slot), count=1, why=why)


def _why(duty: Duty, first: datetime | None, end: datetime, times: Times) -> str:
    """Why a moment went by whose last chance to begin was before `end`."""
    if first is None:
        return "freeze" if duty.hours.frozen_by(end) else "window"
    return "clock" if times.awake_since <= first and not times.is_steady else "scheduler down"


def _closed(duty: Duty, now: datetime) -> str:
    return "freeze" if duty.hours.frozen_by(now) else "window"
