"""When faults are held, when they are lifted, and when a run may end beside one: promise 3 as a rule.

A fault is lifted when its time is over, when its attempt did not end well, when a step or a person asks for it, and
when the run stops, goes back or comes to its closing steps. One that was turned to *hold* is lifted by nobody but a
step that names it or a person: a standby has been promoted meanwhile, and lifting it could make two primaries. Whatever
was tried in vain is tried again after a pause, for as long as the run lasts; and it lasts until every fault is known to
be gone, or somebody has said that it may end beside one. Then the steady state is asked once more, without the faults:
reverted is not recovered.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.effect import Conclude, Effect, Hold, Renew, Revert, WakeAt
from runbook.core.events.event import RunEnded, StepEnded
from runbook.core.fault import FaultState
from runbook.core.outcome import Outcome
from runbook.core.planned.fault_action import RevertAction
from runbook.core.run import Phase, Run, StepState
from runbook.core.steady import lifted_at, unasked

PAUSES = (2.0, 5.0, 15.0, 30.0)
"""Seconds between tries to lift a fault; the last one goes on for ever."""

ENOUGH = 3
"""Tries after which a step that lifts a fault says that it could not."""

LOOKS = 2
"""Questions of a probe, each at its limit, that the end of a run waits for after a revert: one may be on its way."""

PATIENCE = 60.0
"""Seconds past a fault's hard limit after which nobody waits any more for a host that does not answer."""


def live(run: Run) -> tuple[FaultState, ...]:
    """Every fault that may be live, in the order in which they were laid."""
    return tuple(sorted((fault for fault in run.faults.values() if fault.may_be_live), key=_age))


def _age(fault: FaultState) -> tuple[float, str]:
    return (fault.arming_at, fault.key)


def standing(run: Run, now: float) -> Iterator[Effect]:
    """What holds up faults, lifts them, and wakes the run when the next is to be lifted."""
    for fault in live(run):
        if not _is_wanted_back(run, fault, now):
            yield from _held(run, fault)
        elif fault.tried_at is None or now >= _next_try(fault):
            yield Revert(fault.key, fault.tries)
        else:
            yield WakeAt(_next_try(fault))


def _held(run: Run, fault: FaultState) -> Iterator[Effect]:
    if fault.injected_at is None or _is_being_laid(run, fault):
        return
    yield Renew(fault.key)
    if not fault.is_held:
        yield WakeAt(fault.injected_at + fault.duration)


def _next_try(fault: FaultState) -> float:
    return (fault.tried_at or 0.0) + PAUSES[min(fault.tries, len(PAUSES)) - 1]


def _is_being_laid(run: Run, fault: FaultState) -> bool:
    """Its attempt is in flight, and knows best what to do with it."""
    state = run.steps.get(fault.step)
    return state is not None and state.running.get(fault.host) == fault.number


def _is_wanted_back(run: Run, fault: FaultState, now: float) -> bool:
    if _is_being_laid(run, fault):
        return False
    if fault.asked or _is_named_by_a_step(run, fault) or _has_failed(run, fault):
        return True
    if fault.is_held:
        return False
    is_over = fault.injected_at is None or now >= fault.injected_at + fault.duration
    return is_over or run.stop is not None or run.phase in {Phase.ROLLBACK, Phase.ALWAYS}


def _has_failed(run: Run, fault: FaultState) -> bool:
    """Nobody builds on a fault whose attempt went wrong: half a fault measures nothing."""
    state = run.steps.get(fault.step)
    attempt = state.attempts.get(fault.host) if state else None
    if attempt is None or attempt.number != fault.number:
        return True
    return attempt.outcome is not Outcome.SUCCEEDED


def _is_named_by_a_step(run: Run, fault: FaultState) -> bool:
    return any(_names(state, fault) for state in run.steps.values() if state.is_live)


def _names(state: StepState, fault: FaultState) -> bool:
    action = state.planned.action
    return isinstance(action, RevertAction) and (not action.faults or fault.step in action.faults)


def revert_step(run: Run, state: StepState) -> tuple[Effect, ...]:
    """How a step stands that lifts faults: the lifting itself is `standing`'s, since it is wanted by a step."""
    left = [fault for fault in live(run) if _names(state, fault)]
    failed = [fault for fault in left if fault.tries >= ENOUGH]
    if failed:
        said = "; ".join(f"{fault.fault} on {fault.host}: {fault.last_word}" for fault in failed)
        return (Conclude(StepEnded(step=state.id, outcome=Outcome.FAILED, detail=f"not lifted: {said}")),)
    # A wake far away keeps the step open; every answer about a fault asks again.
    return (WakeAt(float("inf")),) if left else (Conclude(StepEnded(step=state.id, outcome=Outcome.SUCCEEDED)),)


def holding(run: Run, state: StepState) -> tuple[Effect, ...]:
    """What must be held on its host before a step that says so may begin; nothing once it is."""
    if not state.planned.then_lease or state.settled or state.running:
        return ()
    wanted = [fault for fault in live(run) if fault.step in state.planned.then_lease and not fault.is_held]
    refused = [f"{fault.fault} on {fault.host}: {fault.hold_refused}" for fault in wanted if fault.hold_refused]
    if refused:
        detail = f"nothing was done, because a fault could not be held first: {'; '.join(refused)}"
        return (Conclude(StepEnded(step=state.id, outcome=Outcome.FAILED, detail=detail)),)
    return tuple(Hold(fault.key) for fault in wanted)


def ending(run: Run, now: float) -> tuple[Effect, ...]:
    """What keeps a run from ending; nothing when no fault may be live, or it may end beside one."""
    left = live(run)
    if not left or run.leaves_live:
        return () if left else _last_looks(run, now)
    if not run.attended and all(_is_hopeless(fault, now) for fault in left):
        names = ", ".join(f"{fault.fault} on {fault.host}" for fault in left)
        return (Conclude(RunEnded(reason=f"nobody is here, and these may still be live: {names}")),)
    return (WakeAt(min((at for at in map(_hopeless_at, left) if at > now), default=float("inf"))),)


def _last_looks(run: Run, now: float) -> tuple[Effect, ...]:
    """Wait for the next answer of each probe; not for one that does not come in its time."""
    lifted = lifted_at(run) or 0.0
    ends = [lifted + probe.every + LOOKS * probe.timeout for probe in unasked(run) if probe.every]
    return (WakeAt(max(ends)),) if ends and now < max(ends) else ()


def _is_hopeless(fault: FaultState, now: float) -> bool:
    return fault.is_held or (fault.tries >= ENOUGH and now >= _hopeless_at(fault))


def _hopeless_at(fault: FaultState) -> float:
    """When its host has had all the time to lift it by itself."""
    return fault.arming_at + fault.limit + PATIENCE
