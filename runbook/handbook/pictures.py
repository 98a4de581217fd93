"""What the handbook draws, as values: recovery times against their objective, the year, and what needs what. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile

from runbook.calendar.cron import moments
from runbook.handbook.facts import Facts
from runbook.handbook.model import Graph, Lane, Moment, Recovery, Trend, Year
from runbook.schedule.agenda import Item
from runbook.schedule.fulfilling import fulfils, is_about

_HALF = timedelta(days=183)
_MOST = 60
"""Moments of a lane that are drawn: a check every five minutes is a line either way."""


def trends(facts: Facts) -> tuple[Trend, ...]:
    """One for each duty of which a run measured how long it took."""
    found = (
        Trend(f"{item.book.name} in {item.duty.environment}", item.book.objectives.rto, _points(item))
        for item in facts.items
    )
    return tuple(dict.fromkeys(one for one in found if one.points))


def _points(item: Item) -> tuple[Recovery, ...]:
    good = (run for run in reversed(item.runs) if fulfils(item.duty, run) and not run.recovery_at_least)
    return tuple(Recovery(run.run, run.started[:10], run.recovery) for run in good if run.recovery is not None)


def year(facts: Facts) -> Year:
    """Half a year back, from records, and half a year ahead, from schedules."""
    begin, end = facts.now - _HALF, facts.now + _HALF
    lanes = (
        Lane(f"{item.book.name} in {item.duty.environment}", (*_past(item, begin), *_ahead(item, facts.now, end)))
        for item in facts.items
    )
    return Year(_day(begin), _day(end), _day(facts.now), tuple(lanes))


def _past(item: Item, begin: datetime) -> Iterator[Moment]:
    mine = [run for run in reversed(item.runs) if is_about(item.duty, run) and run.started[:10] >= _day(begin)]
    days = {run.started[:10]: fulfils(item.duty, run) for run in mine}
    for day, holds in list(days.items())[-_MOST:]:
        yield Moment(day, "done" if holds else "failed")


def _ahead(item: Item, now: datetime, end: datetime) -> Iterator[Moment]:
    slot, duty = item.standing.slot, item.duty
    if slot is not None and now <= slot <= end:
        yield Moment(str(duty.day(slot)), "planned")
    if duty.cron is None:
        return
    coming = takewhile(lambda moment: moment <= end, moments(duty.cron, max(now, slot or now)))
    days = dict.fromkeys(str(duty.day(moment)) for _, moment in zip(range(_MOST), coming, strict=False))
    yield from (Moment(day, "planned") for day in days)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def graph(facts: Facts) -> Graph:
    """Services and their components: a service stands on its components, and these on what they name."""
    edges: dict[tuple[str, str], None] = {}
    nodes: dict[str, None] = {}
    for service in facts.services:
        own = {part.name: f"{service.name} / {part.name}" for part in service.components}
        nodes |= dict.fromkeys((service.name, *own.values()))
        edges |= dict.fromkeys((service.name, other) for other in service.depends_on)
        edges |= dict.fromkeys((service.name, name) for name in own.values())
        edges |= {
            (own[part.name], own.get(name, name)): None for part in service.components for name in part.depends_on
        }
    nodes |= dict.fromkeys(needed for _, needed in edges)
    return Graph(tuple(nodes), tuple(edges))
