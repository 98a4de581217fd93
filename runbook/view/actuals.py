"""What was measured beside what was promised, as sentences: the recovery time and the data loss of a run.

A number alone has misled people before, so each stands with its error, its objective and where it is counted from; and
what was not measured, or is not over, is said in words and never left out.
"""

from __future__ import annotations

from runbook.core.fold.recovery import Recovery, recovery
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.milestone_name import Milestone
from runbook.core.run import Run
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
    return f"{measured(loss.seconds, loss.error)}, {plural(loss.lost, 'acknowledged write')} lost{promise}"


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
