"""Why a duty stands as it does: the schedule in words, the dates, and every clause held against the runs on record.

For `runbook due --explain`. It computes nothing: what it tells is what `standing` and `fulfilling` say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runbook.calendar.cron import in_words
from runbook.calendar.saying import distance, moment_words
from runbook.record.summary import RunSummary
from runbook.schedule.agenda import Item
from runbook.schedule.duty import Duty
from runbook.schedule.fulfilling import Clause, is_about, quality, stale, subject

_SHOWN = 3
"""Runs that are gone through: the newest, the newest that was about it, and the newest that fulfils it."""


def explained(item: Item, now: datetime) -> Iterator[str]:
    """Lines; the texts of runbooks and records in them are not made safe."""
    duty, how = item.duty, item.standing
    yield f"{duty.runbook} in {duty.environment} ({duty.schedule}): {how.state}{_because(how.because)}"
    yield f"  schedule   {_in_words(duty)}"
    if how.slot is not None:
        side = "owed" if how.slot <= now else "next"
        yield f"  {side:<10} {_when(duty, how.slot)}  {duty.slot_id(how.slot)}"
        yield f"  grace      {distance(duty.patience(how.slot))}; due soon {distance(duty.foresight(how.slot))} before"
    if how.by_date != how.state:
        yield f"  by date    {how.by_date}"
    begins = item.command if duty.attended else "the scheduler; by hand: " + item.command
    yield f"  begun by   {begins}"
    for run in _looked_at(item):
        yield from _of_run(duty, run)
    if not item.runs:
        since = f" Owed since it was reviewed, {duty.since}." if duty.since else " Nothing is owed before a first run."
        yield f"  no run of it is on record.{since}"


def _because(text: str) -> str:
    return f", {text}" if text else ""


def _in_words(duty: Duty) -> str:
    if duty.cron is not None:
        meant = "a moment of the day" if duty.cron.is_of_the_day else "time that passes"
        return f"{in_words(duty.cron)}: {meant}"
    every = distance(duty.every) if duty.every else "never"
    return f"every {every} after the last run that fulfils it, at the end of the day in {duty.zone or 'UTC'}"


def _looked_at(item: Item) -> tuple[RunSummary, ...]:
    about = next((run for run in item.runs if is_about(item.duty, run)), None)
    chosen = (*item.runs[:1], about, item.standing.last)
    return tuple({run.run: run for run in chosen if run is not None}.values())[:_SHOWN]


def _of_run(duty: Duty, run: RunSummary) -> Iterator[str]:
    if run.proof is None:
        yield f"  run {run.run}: nothing of its record can be believed"
        return
    yield f"  run {run.run}, ended {run.proof.ended or '-'}"
    whether = subject(duty, run, run.proof)
    yield from _lines("is about it", whether)
    if all(clause.holds for clause in whether):
        yield from _lines("is good enough", quality(duty, run, run.proof))
        yield from _lines("is not stale", stale(duty, run.proof))


def _lines(head: str, clauses: tuple[Clause, ...]) -> Iterator[str]:
    yield f"    {head}: {'yes' if all(clause.holds for clause in clauses) else 'no'}"
    for clause in clauses:
        seen = f": {clause.seen}" if clause.seen and not clause.holds else ""
        yield f"      {'yes' if clause.holds else 'no ':<4}{clause.asks}{seen}"


def _when(duty: Duty, moment: datetime) -> str:
    return moment_words(moment, duty.zone or (duty.cron.zone if duty.cron else "UTC"))
