"""Phrases that several chapters put together from what is written: when, how often, to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from runbook.calendar.saying import distance
from runbook.core.planned.plan import Objectives
from runbook.core.written.runbook import Probe, Runbook, Step
from runbook.core.written.schedule import Schedule
from runbook.core.written.service import Escalation, Kpi
from runbook.view.words import duration, plural


def often(schedule: Schedule) -> str:
    """How often a schedule comes round."""
    return f"{schedule.cron} {schedule.zone or 'UTC'}" if schedule.cron else every(schedule.every)


def every(seconds: float) -> str:
    """`every 90 days`; empty for 0."""
    return f"every {distance(timedelta(seconds=seconds))}" if seconds else ""


def promised(objectives: Objectives) -> tuple[str, ...]:
    """What a runbook promises, objective by objective."""
    named = (("RTO", objectives.rto), ("RPO", objectives.rpo))
    return tuple(f"{name} {duration(value)}" for name, value in named if value is not None)


def called(escalation: Escalation | None, begin: int = 0) -> tuple[str, ...]:
    """Who is told when, from a rule on."""
    rules = escalation.rules[begin:] if escalation else ()
    return tuple(f"{', '.join(rule.to)} after {duration(rule.delay)}" for rule in rules)


def target(kpi: Kpi) -> str:
    """What a figure should be."""
    bounds = (("at least", kpi.target.min), ("at most", kpi.target.max))
    return ", ".join(f"{word} {value:g} {kpi.unit}".rstrip() for word, value in bounds if value is not None)


def threshold(kpi: Kpi) -> str:
    """From when on somebody has to know; empty where nobody has."""
    if kpi.alert is None:
        return ""
    bounds = (("below", kpi.alert.below), ("above", kpi.alert.above))
    said = " or ".join(f"{word} {value:g} {kpi.unit}".rstrip() for word, value in bounds if value is not None)
    return f"{said or 'not met'}, {plural(kpi.alert.failed, 'time')} in a row"


def asked(probe: Probe) -> str:
    """How a probe asks."""
    rhythm = f", every {duration(probe.every)}" if probe.every else ""
    return f"{probe.action.__struct_config__.tag}{rhythm}"


def steps(book: Runbook) -> Iterator[Step]:
    """Its steps, section by section; those inside of others are theirs."""
    return (step for section in book.sections for step in section.steps)


def undoing(book: Runbook) -> tuple[str, ...]:
    """What takes a runbook's changes back, by name."""
    own = (step.rollback.name or f"undo {step.name}" for step in steps(book) if step.rollback is not None)
    return tuple(dict.fromkeys((*own, *(step.name for step in book.rollback))))


def joined(parts: Iterable[str]) -> str:
    """What there is of them, between commas."""
    return ", ".join(filter(None, parts))
