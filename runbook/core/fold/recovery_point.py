"""How much data a recovery lost, told by a canary: marks that were acknowledged and could not be read afterwards.

Replication lag before a fault is context and not a result. What counts is what a client was promised and what is there
when the service is back, so marks are written through the service's own door, and the first thing that is done after a
write failed is to read the newest mark before another one is written. Pure: the engine writes and reads, this folds.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from runbook.core.event import CanarySampled
from runbook.core.fold.stretches import sampled
from runbook.core.run import CanaryState, Loss, Run


class RecoveryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery point actual: the worst interruption of the run."""

    seconds: float
    error: float
    lost: int


def canary_sampled(state: CanaryState, event: CanarySampled, at: float) -> CanaryState:
    """The canary after one more write or read."""
    began = max(0.0, at - event.took)
    if event.kind == "write":
        goes_on = not state.is_interrupted
        stretches = sampled(state.stretches, at, event.took, ok=event.ok, detail=event.detail, goes_on=goes_on)
        state = replace(state, stretches=stretches, is_interrupted=False)
    match event.kind, event.ok:
        case "write", True:
            written = state.acknowledged.set(event.mark, began)
            return replace(state, acknowledged=written, newest=began, failed_at=None)
        case "write", False:
            return state if state.failed_at is not None else replace(state, failed_at=at)
        case "read", True if state.failed_at is not None and state.acknowledged:
            return replace(state, losses=(*state.losses, _loss(state, event.mark, state.failed_at)))
        case _:
            return state


def _loss(state: CanaryState, mark: int, failed_at: float) -> Loss:
    """A mark that is there counts as saved, acknowledged or not; one from before the run saves nothing of it."""
    gone = [began for written, began in state.acknowledged.items() if written > mark]
    survived = [began for written, began in state.acknowledged.items() if written <= mark]
    newest = max(survived, default=0.0)
    error = failed_at - max(newest, state.newest)
    return Loss(lost=len(gone), seconds=failed_at - newest, error=error, first_lost_at=min(gone, default=0.0))


def recovery_point(run: Run) -> RecoveryPoint | None:
    """The widest loss of the run; None when no interruption was followed by a mark that could be read."""
    worst = max(run.canary.losses, key=lambda loss: loss.seconds, default=None)
    return None if worst is None else RecoveryPoint(seconds=worst.seconds, error=worst.error, lost=worst.lost)
