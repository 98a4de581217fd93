"""When positions and restored sets are read, and when a run may end without having done so.

Positions are read all the time, so that there is one from before the outage. A restored set is asked from the moment at
which the service is restored, until it has said what it holds, or has not for so often that nobody waits any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.effect import Effect, ReadPoint, WakeAt
from runbook.core.milestone_name import Milestone
from runbook.core.run import Run

ENOUGH = 5
"""Times that a restored set is asked in vain."""


def reading(run: Run) -> Iterator[Effect]:
    """What is read now."""
    if run.plan.watermark is not None or _is_asked(run):
        yield ReadPoint()


def ending(run: Run) -> tuple[Effect, ...]:
    """What keeps a run from ending by itself; nothing once its restored set has answered, or was given up."""
    return (WakeAt(float("inf")),) if run.stop is None and _is_asked(run) else ()


def _is_asked(run: Run) -> bool:
    is_restored = run.plan.backup is not None and Milestone.SERVICE_RESTORED in run.milestones
    return is_restored and run.point.newest is None and run.point.tries < ENOUGH
