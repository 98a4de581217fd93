"""A duty as lists show it: one row of plain values, the same for a table, a file for machines and a calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from runbook.schedule.agenda import Item
from runbook.schedule.standing import State


class DueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One duty. Times are ISO 8601 in UTC; what is not known is empty, or None where it is a number."""

    service: str
    tier: str
    """Of the service; empty where no file of a service says it."""
    runbook: str
    title: str
    kind: str
    owner: str
    schedule: str
    environment: str
    attended: bool
    state: State
    by_date: State
    """The state by the calendar alone: it may be overdue beside a graver word."""
    because: str
    date: str
    """The moment that is owed, else the next one."""
    day: str
    """The day of that moment in the zone of the schedule."""
    slot: str
    """The name of that moment, which stays."""
    last_good: str
    """When the last run that fulfils it ended."""
    last_run: str
    rto: float | None
    """Seconds, as all below: what is promised now, and what the last run that fulfils it measured."""
    rta: float | None
    rpo: float | None
    rpa: float | None


def row_of(item: Item) -> DueRow:
    """The row of a duty."""
    book, how = item.book, item.standing
    last = how.last
    proof = last.proof if last else None
    return DueRow(
        service=book.service,
        tier=item.tier,
        runbook=book.name,
        title=book.title,
        kind=book.kind,
        owner=book.owner,
        schedule=item.duty.schedule,
        environment=item.duty.environment,
        attended=item.duty.attended,
        state=how.state,
        by_date=how.by_date,
        because=_because(item),
        date=_text(how.slot),
        day=str(item.duty.day(how.slot)) if how.slot else "",
        slot=item.duty.slot_id(how.slot) if how.slot else "",
        last_good=proof.ended if proof else "",
        last_run=last.run if last else "",
        rto=book.objectives.rto,
        rta=last.recovery if last else None,
        rpo=book.objectives.rpo,
        rpa=proof.rpa if proof else None,
    )


def _because(item: Item) -> str:
    """With what a scheduler wrote down about the moment, where it did."""
    how = item.standing
    why = item.why_missed(how.slot) if how.slot is not None else ""
    return f"{how.because} (missed: {why})" if why else how.because


def _text(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""
