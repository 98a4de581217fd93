"""What earlier runs of a runbook teach: how long each step took, how it came out, and who led it.

Records are read once by whoever holds them and become these few numbers; a screen never waits for a disk to know when a
recovery should be over.
"""

from __future__ import annotations

import msgspec

from runbook.core.fold.recovery import recovery
from runbook.core.fold.verdict import verdicts
from runbook.core.planned.plan import StepId
from runbook.core.run import Run
from runbook.view.steps import elapsed

LATEST = 5
"""Runs that are asked for how long a step takes."""


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """One earlier run."""

    run: str
    started: str
    verdict: str = ""
    objective: str = ""
    seconds: float | None = None
    """How long the recovery took; None where it was not measured."""
    led_by: str = ""
    took: dict[StepId, float] = {}
    """Seconds of each step that it went through, waiting for people included."""


Past = tuple[PastRun, ...]
"""The newest first."""


def past_run(run: Run) -> PastRun:
    """What a folded run teaches."""
    said = verdicts(run)
    took = {state.id: elapsed(state, run.now) for state in run.steps.values() if state.outcome is not None}
    return PastRun(
        run=run.id,
        started=run.started,
        verdict=said.run,
        objective=said.objectives if said.objectives_declared else "",
        seconds=recovery(run).seconds,
        led_by=run.operator.name,
        took={step: seconds for step, seconds in took.items() if seconds is not None},
    )


def median_of(past: Past, step: StepId) -> float | None:
    """The middle of what a step took in the latest runs that went through it; None where none did."""
    times = sorted(one.took[step] for one in past[:LATEST] if step in one.took)
    if not times:
        return None
    middle = len(times) // 2
    return times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2


def percentile(values: list[float], share: float) -> float:
    """The value below which so much of them lies, 0 to 1, between two of them by straight line; of none, 0."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
