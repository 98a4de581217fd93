"""How much data a recovery lost: by marks, by positions, or by the age of what was restored (format.md section 4).

Replication lag before a fault is context and not a result. What counts is what a client was promised and what is there
when the service is back. A *canary* writes marks through the service's own door, and the first thing that is done after
a write failed is to read the newest mark before another one is written: it alone tells apart what was promised and
what was in flight. A *watermark* compares how far the history of the lost side had come with how far it has come on the
side that took its place. A *backup* is as old as its newest content when the loss happened. Each gives the widest
reading, and by how much the truth may be less. Pure: the engine writes and reads, this folds.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from immutables import Map
from msgspec.structs import replace

from runbook.core.events.event import CanarySampled
from runbook.core.events.point_event import BackupRead, PointEvent, PositionRead
from runbook.core.fold.recovery import Bracket, recovery
from runbook.core.fold.stretches import sampled
from runbook.core.milestone_name import Milestone
from runbook.core.point import Loss, Newest, PointState, Sighting
from runbook.core.run import CanaryState, Run

Method = Literal["canary", "watermark", "backup"]


class RecoveryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery point actual of the run."""

    method: Method = "canary"
    seconds: float
    """By the widest reading; of several interruptions the worst."""
    error: float
    """The truth is at most this much less."""
    lost: int | None
    """Acknowledged writes, or positions, that are gone, of all interruptions; None where nobody can count them."""
    in_flight: int = 0
    """Writes that were begun and never answered: nobody was promised them."""
    kept: int = 0
    """How many of these are there all the same."""


def recovery_point(run: Run) -> RecoveryPoint | None:
    """What the run lost; None when that was not measured."""
    if run.plan.watermark is not None:
        return _by_watermark(run)
    return _by_backup(run) if run.plan.backup is not None else _by_canary(run.canary)


# --- a canary ---------------------------------------------------------------------------------------------------------


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
            return replace(state, acknowledged=written, newest=began, failed_at=None, unanswered=())
        case "write", False:
            failed_at = at if state.failed_at is None else state.failed_at
            return replace(state, failed_at=failed_at, unanswered=(*state.unanswered, event.mark))
        case "read", True if state.failed_at is not None and state.acknowledged:
            loss = _loss(state, event.mark, state.failed_at)
            left = Map({mark: began for mark, began in state.acknowledged.items() if mark <= event.mark})
            # What is gone is counted once, however often the same interruption is looked at.
            return replace(state, losses=(*state.losses, loss), acknowledged=left, unanswered=())
        case _:
            return state


def _loss(state: CanaryState, mark: int, failed_at: float) -> Loss:
    """A mark that is there counts as saved, acknowledged or not; one from before the run saves nothing of it."""
    gone = [began for written, began in state.acknowledged.items() if written > mark]
    gone = [began for written, began in state.acknowledged.items() if written > mark]
    survived = [began for written, began in state.acknowledged.items() if written <= mark]
    newest = max(survived, default=0.0)
    return Loss(
        lost=len(gone),
        seconds=failed_at - newest,
        error=failed_at - max(newest, state.newest),
        in_flight=len(state.unanswered),
        first_lost_at=min(gone, default=0.0),
        kept=sum(written <= mark for written in state.unanswered),
    )


def _by_canary(state: CanaryState) -> RecoveryPoint | None:
    """None when no interruption was followed by a mark that could be read."""
    if not state.losses:
        return None
    widest = max(loss.seconds for loss in state.losses)
    return RecoveryPoint(
        seconds=widest,
        error=widest - max(loss.seconds - loss.error for loss in state.losses),
        lost=sum(loss.lost for loss in state.losses),
        in_flight=sum(loss.in_flight for loss in state.losses),
        kept=sum(loss.kept for loss in state.losses),
    )


# --- positions and restored sets --------------------------------------------------------------------------------------


def evolve_point(run: Run, event: PointEvent, at: float) -> Run:
    """The run after one more reading."""
    return replace(run, point=_read(run.point, event, at))


def _read(state: PointState, event: PointEvent, at: float) -> PointState:
    match event:
        case BackupRead() if event.ok:
            return replace(state, newest=Newest(at=at - event.age, error=event.error))
        case BackupRead():
            return replace(state, tries=state.tries + 1)
        case PositionRead() if not event.ok:
            return replace(state, silent=state.silent | {event.side})
        case PositionRead():
            state = replace(state, silent=state.silent - {event.side})
            if event.side == "source":
                return replace(state, source=_seen(state.source, event, at))
            return replace(state, recovered=_seen(state.recovered, event, at))


def _seen(track: Map[int, Sighting], event: PositionRead, at: float) -> Map[int, Sighting]:
    known = track.get(event.position)
    asked = max(0.0, at - event.took)
    return track.set(event.position, Sighting(asked=asked, known=known.known if known else at))


def _by_watermark(run: Run) -> RecoveryPoint | None:
    """None without an outage that was seen to end, or without a position of either side that can tell."""
    moments = recovery(run).moments
    outage, restored = moments.get(Milestone.OUTAGE), moments.get(Milestone.SERVICE_RESTORED)
    if outage is None or restored is None:
        return None
    source = {at: seen for at, seen in run.point.source.items() if seen.known <= outage.latest}
    # Before it takes writes of its own, it has reached at least this; afterwards, at most that.
    reached = run.point.recovered.items()
    least = max((at for at, seen in reached if seen.known <= restored.earliest), default=None)
    most = min((at for at, seen in reached if seen.asked >= restored.latest), default=least)
    least = most if least is None else least
    if not source or least is None or most is None:
        return None
    passed = max((seen.asked for at, seen in source.items() if at <= least), default=0.0)
    beyond = min((seen.known for at, seen in source.items() if at > most), default=outage.earliest)
    return _aged("watermark", outage, passed, beyond, lost=max(0, max(source) - least))


def _by_backup(run: Run) -> RecoveryPoint | None:
    """None without an outage, or before the restored set has said what it holds."""
    newest, outage = run.point.newest, recovery(run).moments.get(Milestone.OUTAGE)
    if newest is None or outage is None:
        return None
    return _aged("backup", outage, newest.at - newest.error, newest.at + newest.error, lost=None)


def _aged(method: Method, outage: Bracket, earliest: float, latest: float, *, lost: int | None) -> RecoveryPoint:
    """A point that lies between two moments, as its distance to the outage; nothing is less than no time."""
    widest = max(0.0, outage.latest - earliest)
    narrowest = min(widest, max(0.0, outage.earliest - latest))
    return RecoveryPoint(method=method, seconds=widest, error=widest - narrowest, lost=lost)
