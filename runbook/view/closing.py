"""The last lines that an operator sees: the four verdicts, what was measured, and where the record lies.

Printed by the line mode at the end of a run and by `make demo`; the screen shows the same words. The recovery time
stands beside its objective and its error, because a number alone has misled people before.
"""

from __future__ import annotations

from runbook.core.milestone_name import Milestone
from runbook.core.recovery import recovery
from runbook.core.recovery_point import recovery_point
from runbook.core.run import Run
from runbook.core.verdict import deviations, verdicts
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured, plural

NOTICEABLE = 0.1
"""Seconds of waiting for people that are worth a word; a machine answers in less."""


def closing(run: Run, folder: str) -> tuple[str, ...]:
    """Words for the end of a run, one fact a line."""
    said = verdicts(run)
    odd = deviations(run)
    return (
        "",
        f"{safe(run.plan.title)}: {said.run}" + (f" ({safe(run.stop.reason)})" if run.stop else ""),
        f"  steady state   {said.steady_state}" + ("" if said.steady_declared else " (none declared)"),
        f"  objectives     {said.objectives.replace('_', ' ')}"
        + ("" if said.objectives_declared else " (none declared)"),
        f"  revert         {said.revert}",
        *((f"  deviations     {plural(len(odd), 'step')}: {', '.join(state.id for state in odd)}",) if odd else ()),
        *_recovery(run),
        *_loss(run),
        f"  record         {safe(folder)}",
    )


def _loss(run: Run) -> tuple[str, ...]:
    lost = recovery_point(run)
    rpo = run.plan.objectives.rpo
    if lost is None:
        return (f"  data loss      not measured, objective {duration(rpo)}",) if rpo is not None else ()
    promise = f", objective {duration(rpo)}" if rpo is not None else ""
    marks = plural(lost.lost, "acknowledged write")
    return (f"  data loss      {measured(lost.seconds, lost.error)}, {marks} lost{promise}",)


def _recovery(run: Run) -> tuple[str, ...]:
    took = recovery(run)
    rto = run.plan.objectives.rto
    if took.seconds is None:
        return (f"  recovery time  not measured, objective {duration(rto)}",) if rto else ()
    promise = f", objective {duration(rto)}" if rto else ", no objective"
    start = Milestone.DECLARED if run.plan.objectives.rto_starts_at == "declared" else Milestone.OUTAGE
    people = (
        f", of it {duration(took.waiting_for_people)} waiting for people"
        if took.waiting_for_people >= NOTICEABLE
        else ""
    )
    return (f"  recovery time  {measured(took.seconds, took.error)} from {start}{promise}{people}",)
