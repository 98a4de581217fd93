"""The one object that `run --json` prints: what a pipeline needs to go on or to stop.

Its keys are a promise to scripts, so nothing is added here for convenience; the whole story is in `data`. A value that
was not measured is null and never zero.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.fold.recovery import recovery
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.fold.verdict import ObjectiveVerdict, RevertVerdict, RunVerdict, verdicts
from runbook.core.outcome import Outcome
from runbook.core.run import Run, StepState
from runbook.core.steady import SteadyVerdict
from runbook.view.sanitize import safe
from runbook.view.steps import StepRow, step_outcome, step_rows, waited_at_all


class VerdictSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The four verdicts, which are never merged; what became of a rollback is in the steps that take back."""

    run: RunVerdict
    steady_state: SteadyVerdict
    objectives: ObjectiveVerdict
    revert: RevertVerdict


class RecoveryTime(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery time actual beside its objective, in seconds."""

    seconds: float | None
    """By the widest reading."""
    error: float | None
    """The true time is at most this much shorter."""
    objective: float | None


class LossSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery point actual beside its objective."""

    seconds: float | None
    """Of data lost."""
    lost: int | None
    """Marks lost."""
    objective: float | None
    """Seconds."""


class StepSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One step: planned and actual seconds, and how many of them it waited for people."""

    id: str
    name: str
    outcome: Outcome | Literal["open"]
    planned: float | None
    actual: float | None
    waited: float
    hosts: tuple[str, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one object."""

    run: str
    record: str
    runbook: str
    verdicts: VerdictSummary
    rta: RecoveryTime
    rpa: LossSummary
    steps: tuple[StepSummary, ...]


def summary(run: Run, folder: str) -> Summary:
    """The object for a run whose record lies in `folder`."""
    said = verdicts(run)
    took, loss = recovery(run), recovery_point(run)
    promised = run.plan.objectives
    return Summary(
        run=safe(run.id),
        record=safe(folder),
        runbook=safe(run.plan.runbook),
        verdicts=VerdictSummary(
            run=said.run,
            steady_state=said.steady_state,
            objectives=said.objectives,
            revert=said.revert,
        ),
        rta=RecoveryTime(
            seconds=_rounded(took.seconds),
            error=None if took.seconds is None else _rounded(took.error),
            objective=promised.rto,
        ),
        rpa=LossSummary(
            seconds=_rounded(loss.seconds) if loss else None,
            lost=loss.lost if loss else None,
            objective=promised.rpo,
        ),
        steps=tuple(_step(run, row) for row in step_rows(run, run.now)),
    )


def _step(run: Run, row: StepRow) -> StepSummary:
    state = run.steps[row.id]
    return StepSummary(
        id=safe(row.id),
        name=row.name,
        outcome=_outcome(run, state),
        planned=row.expected or None,
        actual=_rounded(row.elapsed),
        waited=_rounded(waited_at_all(run, row.id, run.now)) or 0.0,
        hosts=tuple(safe(host) for host in (state.hosts if state.visit else state.planned.hosts)),
    )


def _outcome(run: Run, state: StepState) -> Outcome | Literal["open"]:
    return step_outcome(run, state) or (Outcome.NOT_REACHED if not state.visit else "open")


def _rounded(seconds: float | None) -> float | None:
    """To the microsecond: what is left of a clock's noise would only make two equal runs look different."""
    return None if seconds is None else round(seconds, 6)
