"""How a duty stands at an instant: one word, the date that it is about, and why.

A function of the duty, the runs on record and the instant; nothing is remembered between two looks. Where several
words fit, the gravest is said: `running`, `invalid`, `overdue`, `missed`, `postponed`, `due`, `due soon`, `in date`,
`never`, in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from runbook.calendar.hours import HORIZON, Hours
from runbook.calendar.saying import distance, moment_words
from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty
from runbook.schedule.fulfilling import fulfils, is_about, is_going_on, quality, stale

State = Literal["running", "invalid", "overdue", "missed", "postponed", "due", "due soon", "in date", "never"]

_MINUTE = timedelta(minutes=1)
"""How late a start may be that may not be late: a clock is never looked at in its very second."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a duty stands."""

    state: State
    by_date: State
    """The same by the calendar alone, whatever the last run was like: what is overdue stays so beside a graver word."""
    slot: datetime | None = None
    """The moment that it is about: the one that is owed, else the next; None where none is known."""
    until: datetime | None = None
    """When the word will be another by itself, or what holds it up ends; None where nobody knows."""
    because: str = ""
    last: RunSummary | None = None
    """The newest run that fulfils it."""
    looked_at: RunSummary | None = None
    """The newest run that was about it."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the runs on record matter to a duty; None where there is none."""

    last: RunSummary | None = None
    """The newest that fulfils it."""
    about: RunSummary | None = None
    """The newest that was about it."""
    live: RunSummary | None = None
    """One that is going on in its place."""


def evidence(duty: Duty, runs: Sequence[RunSummary]) -> Evidence:
    """What the records say; `runs` are those of its runbook, the newest first."""
    here = (run for run in runs if run.proof is not None and run.proof.environment == duty.environment)
    return Evidence(
        last=next((run for run in runs if fulfils(duty, run)), None),
        about=next((run for run in runs if is_about(duty, run)), None),
        live=next((run for run in here if is_going_on(run)), None),
    )


def standing(duty: Duty, runs: Sequence[RunSummary], now: datetime) -> Standing:
    """How it stands; `runs` are those of its runbook, the newest first."""
    found = evidence(duty, runs)
    plain = _by_the_calendar(duty, now, found.last)
    known = msgspec.structs.replace(plain, last=found.last, looked_at=found.about)
    if found.live is not None:
        return msgspec.structs.replace(known, state="running", because=f"run {found.live.run} is live")
    why = _why_invalid(duty, found.about) if found.about else ""
    return msgspec.structs.replace(known, state="invalid", because=why) if why else known


def _why_invalid(duty: Duty, newest: RunSummary) -> str:
    if newest.proof is None:
        return ""
    bad = [clause for clause in quality(duty, newest, newest.proof) if not clause.holds]
    if bad:
        return f"the last run was not good enough: {bad[0].otherwise}: {bad[0].seen}".rstrip(": ")
    old = [clause.asks.partition(" is ")[0] for clause in stale(duty, newest.proof) if not clause.holds]
    return f"{' and '.join(old)} changed since the last run" if old else ""


def _by_the_calendar(duty: Duty, now: datetime, last: RunSummary | None) -> Standing:
    end = ended_at(last) if last else None
    slot = duty.newest(now, end)
    if slot is None or (last is None and not _is_owed(duty, slot)) or _counts_for(duty, last, slot):
        return _ahead(duty, now, last)
    overdue = slot + duty.patience(slot)
    if now >= overdue:
        return Standing(state="overdue", by_date="overdue", slot=slot, because=f"since {_when(duty, overdue)}")
    if not duty.attended:
        return _unattended(duty, now, slot)
    if not duty.hours.is_open(now):
        return _postponed(duty, slot, duty.hours.opens(now))
    return Standing(
        state="due", by_date="due", slot=slot, until=overdue, because=f"overdue from {_when(duty, overdue)}"
    )


def _ahead(duty: Duty, now: datetime, last: RunSummary | None) -> Standing:
    """Nothing is owed now."""
    slot = duty.coming(now, ended_at(last) if last else None)
    if slot is not None and last is not None and duty.cron is not None and _counts_for(duty, last, slot):
        slot = duty.coming(slot, None)
    if slot is None:
        word: State = "in date" if last else "never"
        return Standing(state=word, by_date=word, because="no date comes" if last else "it has never run")
    if now >= slot - duty.foresight(slot):
        return Standing(
            state="due soon", by_date="due soon", slot=slot, until=slot, because=f"in {distance(slot - now)}"
        )
    if last is None:
        return Standing(state="never", by_date="never", slot=slot, until=slot, because="it has never run")
    return Standing(state="in date", by_date="in date", slot=slot, until=slot, because=f"for {distance(slot - now)}")


def _unattended(duty: Duty, now: datetime, slot: datetime) -> Standing:
    first, end = start_window(duty, slot)
    if first is None or now >= end:
        return Standing(
            state="missed", by_date="missed", slot=slot, because=f"it could have begun until {_when(duty, end)}"
        )
    if now < first:
        return _postponed(duty, slot, first)
    return Standing(state="due", by_date="due", slot=slot, until=end, because=f"it may begin until {_when(duty, end)}")


def start_window(duty: Duty, slot: datetime) -> tuple[datetime | None, datetime]:
    """When an unattended run of that moment may first begin (None: never), and from when on it is too late."""
    windows = duty.hours.windows
    both = Hours(windows=windows, freezes=duty.hours.freezes)
    own = Hours(windows=(duty.window,) if duty.window else ())
    latest = slot + duty.late if duty.late is not None else None
    first = _first_open(both, own, slot)
    if first is None:
        return None, latest or slot + _MINUTE
    end = latest or (own.closes(first) if duty.window else None) or slot + _MINUTE
    return (first, end) if first < end else (None, end)


def _first_open(place: Hours, own: Hours, slot: datetime) -> datetime | None:
    """The first instant that both let something begin at."""
    moment: datetime | None = slot
    while moment is not None and moment < slot + HORIZON:
        here = place.opens(moment)
        other = own.opens(here) if here is not None else None
        if other == here:
            return here
        moment = other
    return None


def _postponed(duty: Duty, slot: datetime, until: datetime | None) -> Standing:
    said = f"not before {_when(duty, until)}" if until else "nothing opens within a year"
    return Standing(state="postponed", by_date="postponed", slot=slot, until=until, because=said)


def _is_owed(duty: Duty, slot: datetime) -> bool:
    """Whether a moment counts although nothing ran yet: only from the day on which somebody stood for the runbook."""
    return duty.since is not None and slot.date() > duty.since


def _counts_for(duty: Duty, run: RunSummary | None, slot: datetime) -> bool:
    """Whether a run that fulfils a schedule does so for that moment, or for a later one."""
    if run is None:
        return False
    return duty.every is None and started_at(run) >= slot - duty.foresight(slot)


def _when(duty: Duty, moment: datetime | None) -> str:
    zone = duty.zone or (duty.cron.zone if duty.cron else "UTC")
    return moment_words(moment, zone) if moment else "never"


def started_at(run: RunSummary) -> datetime:
    """When it was opened."""
    return _instant(run.started)


def ended_at(run: RunSummary) -> datetime:
    """When its newest entry was written."""
    return _instant(run.proof.ended if run.proof else run.started)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        # A run without a time is as old as can be: it fulfils nothing that is due today.
        return datetime.fromtimestamp(0, UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
