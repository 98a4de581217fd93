"""What was measured beside what was promised, as sentences: the recovery time and the data loss of a run.

A number alone has misled people before, so each stands with its error, its objective and where it is counted from; and
what was not measured, or is not over, is said in words and never left out.
"""

from __future__ import annotations

from typing import assert_never

from runbook.core.fold.parts import Part, parts
from runbook.core.fold.recovery import Recovery, recovery
from runbook.core.fold.recovery_point import Method, recovery_point
from runbook.core.milestone_name import Milestone
from runbook.core.run import Run
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured, plural

NOTICEABLE = 0.1
"""Seconds of waiting for people that are worth a word; a machine answers in less."""


def recovery_words(run: Run) -> str:
    """The recovery time; empty where none was promised and there was no outage."""
    took = recovery(run)
    rto = run.plan.objectives.rto
    promise = ", no objective" if rto is None else f", objective {duration(rto)}"
    if took.still_out:
        lasted = run.now - took.moments[Milestone.OUTAGE].earliest
        return f"still out {measured(lasted)} after the outage began{promise}"
    if took.seconds is None:
        return "" if rto is None else f"not measured{promise}"
    return f"{_span(took)} from {run.plan.objectives.rto_starts_at}{promise}{_beside(run, took)}"


def loss_words(run: Run) -> str:
    """The data loss; empty where nothing was promised and nothing measured."""
    loss, rpo = recovery_point(run), run.plan.objectives.rpo
    promise = "" if rpo is None else f", objective {duration(rpo)}"
    if loss is None:
        return "" if rpo is None else f"not measured{promise}"
    unit = run.plan.watermark.unit if run.plan.watermark else ""
    lost = lost_words(loss.method, loss.lost, unit)
    return f"{measured(loss.seconds, loss.error)}, {lost}{in_flight_words(loss.in_flight, loss.kept)}{promise}"


def lost_words(method: Method, lost: int | None, unit: str) -> str:
    """What is gone, in what its method counts."""
    match method:
        case "canary":
            return f"{plural(lost or 0, 'acknowledged write')} lost"
        case "watermark":
            return f"{lost or 0:,} {safe(unit) or 'positions'} lost"
        case "backup":
            return "the age of what was restored"
        case _:
            assert_never(method)


def in_flight_words(count: int, kept: int) -> str:
    """What became of writes that were never answered; nothing where there were none."""
    if not count:
        return ""
    fate = {0: "gone", count: "there"}.get(kept, f"{kept} of them there")
    return f", {count} in flight {fate}" if fate in {"gone", "there"} else f", {count} in flight, {fate}"


def parts_words(run: Run) -> str:
    """What the recovery consisted of; empty where fewer than two parts were seen."""
    seen = parts(run, recovery(run))
    return ", ".join(map(part_words, seen)) if len(seen) > 1 else ""


def part_words(part: Part) -> str:
    """`recover 3.1 s`, `failback 21.0 s (out for 1.4 s)`."""
    people = f"{duration(part.waiting_for_people)} for people" if part.waiting_for_people >= NOTICEABLE else ""
    out = f"out for {measured(part.out)}" if part.out >= NOTICEABLE else ""
    beside = ", ".join(word for word in (people, out) if word)
    return f"{part.name} {measured(part.seconds)}" + (f" ({beside})" if beside else "")


def _span(took: Recovery) -> str:
    seconds = took.seconds or 0.0
    return measured(seconds, took.error, at_least=took.at_least)


def _beside(run: Run, took: Recovery) -> str:
    """The same recovery counted from the other moment, and how much of it was waiting."""
    other = "outage" if run.plan.objectives.rto_starts_at == "declared" else "declared"
    seconds = took.from_outage if other == "outage" else took.from_declared
    counted = f", {measured(seconds)} from {other}" if seconds is not None else ""
    people = took.waiting_for_people
    return counted + (f", of it {duration(people)} waiting for people" if people >= NOTICEABLE else "")
