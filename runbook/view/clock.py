"""The recovery clock: how much of the promised time is used, how much is left, and how much of it people took.

The number that an operator looks at every minute. It counts from where the objective counts (the outage or its
declaration), by the earliest moment that the samples allow, so it never flatters; time spent waiting for people is
shown beside it and never taken off. When it should be over is another question (`situation/forecast.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.fold.recovery import Recovery, recovery, waiting_between
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import ParallelAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.turns import turns_of
from runbook.core.run import Run, StepPhase
from runbook.view.steps import elapsed, waited


class RecoveryClock(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery at one moment."""

    state: Literal["idle", "running", "stopped"]
    """`idle` before it counts, `stopped` once the service is restored."""
    objective: float | None
    """Seconds promised; None when nothing was."""
    counts_from: Literal["outage", "declared"]
    started_at: float | None = None
    """`at` from which it counts; None while it does not."""
    used: float = 0.0
    """Seconds, by the widest reading."""
    error: float = 0.0
    """The true time is at most this much shorter; 0 while it runs."""
    waiting_for_people: float = 0.0
    """Seconds of `used` in which a gate was open."""
    remaining: float = 0.0
    """Seconds that the steps up to the restored service should still take."""
    at_least: bool = False
    """The outage began before anybody looked: the true time is longer, and no objective is met by it."""
    unplanned: int = 0
    """Steps among them for which nobody gave a duration: with any, `remaining` is a lower bound."""

    @property
    def left(self) -> float | None:
        """Seconds until the objective is missed, negative when it is; None without an objective."""
        return None if self.objective is None else self.objective - self.used

    @property
    def eta(self) -> float:
        """Seconds on this clock at which the service should be back by the plan alone."""
        return self.used + self.remaining

    @property
    def is_over(self) -> bool:
        """True when the objective is missed already."""
        return self.left is not None and self.left < 0


def recovery_clock(run: Run, now: float) -> RecoveryClock:
    """The clock at `now` (seconds since the run was opened)."""
    found = recovery(run)
    counts_from = run.plan.objectives.rto_starts_at
    start = found.moments.get(Milestone(counts_from))
    still, unplanned = _remaining(run, now)
    if start is None:
        return RecoveryClock(
            state="idle",
            objective=run.plan.objectives.rto,
            counts_from=counts_from,
            remaining=still,
            unplanned=unplanned,
        )
    if found.seconds is not None:
        return _stopped(run, found, start.earliest)
    return RecoveryClock(
        state="running",
        objective=run.plan.objectives.rto,
        counts_from=counts_from,
        started_at=start.earliest,
        used=max(0.0, now - start.earliest),
        waiting_for_people=_waiting(run, start.earliest, now),
        remaining=still,
        unplanned=unplanned,
    )


def _stopped(run: Run, found: Recovery, started_at: float) -> RecoveryClock:
    return RecoveryClock(
        state="stopped",
        objective=run.plan.objectives.rto,
        counts_from=run.plan.objectives.rto_starts_at,
        started_at=started_at,
        used=found.seconds or 0.0,
        error=found.error,
        waiting_for_people=found.waiting_for_people,
        at_least=found.at_least,
    )


def _waiting(run: Run, start: float, now: float) -> float:
    """Like `waiting_between`, up to a moment after the newest entry: an open gate is waited at until now."""
    settled = waiting_between(run, start, min(now, run.now))
    return settled + (max(0.0, now - max(run.now, start)) if run.open_gates else 0.0)


def _remaining(run: Run, now: float) -> tuple[float, int]:
    """Planned seconds still ahead up to the step that restores the service, and the steps that say none."""
    total, unplanned = 0.0, 0
    for planned in _until_restored(run):
        seconds, silent = _ahead(run, planned, now)
        total, unplanned = total + seconds, unplanned + silent
    return total, unplanned


def _until_restored(run: Run) -> Iterator[PlannedStep]:
    for section in run.plan.sections:
        for planned in section.steps:
            yield planned
            if any(step.sets is Milestone.SERVICE_RESTORED for step in planned.walk()):
                return


def _ahead(run: Run, planned: PlannedStep, now: float) -> tuple[float, int]:
    state = run.steps[planned.id]
    if state.phase is StepPhase.ENDED:
        return 0.0, 0
    if planned.expected:
        worked = (elapsed(state, now) or 0.0) - waited(run, state, now)
        return max(0.0, planned.expected - max(0.0, worked)), 0
    inside = [_ahead(run, child, now) for child in turns_of(run, planned)]
    if not inside:
        return 0.0, 1
    seconds = [each for each, _ in inside]
    joined = max(seconds) if isinstance(planned.action, ParallelAction) else sum(seconds)
    return joined, sum(silent for _, silent in inside)
