"""What should be in flight in this state of a run. Pure: the same run and the same time always give the same effects.

A run's phase says which steps it is about: the sections, what is undone, or the closing ones; what an earlier phase
left open is closed first. These steps are walked from the first up to the one that is not over (a `parallel` with all
its children at once), and what they call for is the answer, beside what is observed all the time. There is no program
counter to lose: the position of a run is the state of its steps.

Decisions that the state itself calls for come back as `Conclude(event)`; the executor records and folds them and asks
again until only work and waiting are left. What was named before and no longer is, is cancelled: stopping is *not
naming*. What is named comes in the order of its urgency, and what must wait for a revert is not named (`urgency.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from runbook.core.actor import Actor
from runbook.core.effect import Conclude, Effect, Enter, WakeAt, Watch, WriteMarks
from runbook.core.events.event import (
    AlwaysStarted,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    HaltRequested,
    Jumped,
    RollbackStarted,
    RunEnded,
    StepEnded,
)
from runbook.core.gate import gates
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    CONTROLLER,
    ApproveAction,
    Ask,
    AskAction,
    BlockAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    ConfirmAction,
    Container,
    EndAction,
    LoopAction,
    ManualAction,
    NestedAction,
    NoticeAction,
    ParallelAction,
    WaitAction,
)
from runbook.core.planned.book_end import why_early
from runbook.core.planned.fault_action import RevertAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.role import Role
from runbook.core.planned.turns import turns_of
from runbook.core.planned.undo import undo_steps
from runbook.core.rules import fanout, points, reverts
from runbook.core.rules.failure_policy import MAX_VISITS, chosen_by_policy
from runbook.core.rules.urgency import pressing
from runbook.core.rules.ways import circling, way_on
from runbook.core.run import GateState, Phase, Run, StepPhase, StepState
from runbook.core.still_running import held_hosts, said

_ASKS = get_args(Ask)
MACHINE = Actor(name="runbook --auto", uid=-1, machine=True, via="auto", identity="policy:auto")
"""Who answers when nobody does. Its uid, and its identity, belong to nobody."""


def due(run: Run, now: float) -> tuple[Effect, ...]:
    """Every effect that should be in flight at `now` (seconds since the run was opened)."""
    match run.phase:
        case Phase.OPENED | Phase.ENDED:
            return ()
        case Phase.FORWARD:
            effects = _forward(run, now)
        case Phase.ROLLBACK:
            undoing = undo_steps(run) if _is_undoing(run) else ()
            effects = _drain(run) or _sequence(run, undoing, now) or (Conclude(AlwaysStarted()),)
        case Phase.ALWAYS:
            effects = _drain(run) or _sequence(run, run.plan.always, now) or _ending(run, now)
    if run.paused:
        effects = tuple(effect for effect in effects if not isinstance(effect, Enter))
    return effects if _is_decision(effects) else pressing(run, (*_watches(run), *reverts.standing(run, now), *effects))


def _is_decision(effects: tuple[Effect, ...]) -> bool:
    return any(isinstance(effect, Conclude) for effect in effects)


def _watches(run: Run) -> Iterator[Effect]:
    """Continuous probes and the canary run through the whole run, so that every moment has a last sample before it."""
    yield from (Watch(probe.name) for probe in run.plan.probes if probe.every)
    if run.plan.canary is not None:
        yield WriteMarks()
    yield from points.reading(run)


def _ending(run: Run, now: float) -> tuple[Effect, ...]:
    return reverts.ending(run, now) or points.ending(run) or _end(run)


def _end(run: Run) -> tuple[Effect, ...]:
    return (Conclude(RunEnded(reason=_reason(run))),)


def _reason(run: Run) -> str:
    return why_early(run) or "every step is done"


# --- phases -----------------------------------------------------------------------------------------------------------


def _forward(run: Run, now: float) -> tuple[Effect, ...]:
    if run.stop is not None:
        next_phase = RollbackStarted(reason=run.stop.reason) if run.stop.undo else AlwaysStarted()
        return _drain(run) or (Conclude(next_phase),)
    broken = _abort_rule(run)
    if broken:
        return (Conclude(HaltRequested(by=None, reason=broken)),)
    for section in run.plan.sections:
        effects = _sequence(run, section.steps, now)
        if effects:
            return effects
    return (Conclude(AlwaysStarted()),)


def _abort_rule(run: Run) -> str:
    for rule in run.plan.abort_when:
        state = run.probes.get(rule.probe)
        last = state.last if state else None
        if last is not None and not last.ok and last.count >= rule.failed:
            return f"abort rule: {rule.probe} failed {last.count} times in a row"
    return ""


def _is_undoing(run: Run) -> bool:
    return run.stop is not None and run.stop.undo


def _leftover(run: Run) -> tuple[StepState, ...]:
    """Steps left open that nobody wants any more, the innermost first."""
    live = (run.steps[step] for step in dict.fromkeys(reversed(run.entered)))
    return tuple(state for state in live if state.is_live and not _belongs_here(run, state))


def _belongs_here(run: Run, state: StepState) -> bool:
    match run.phase:
        case Phase.ROLLBACK:
            return _is_undoing(run) and state.planned.role.takes_back
        case Phase.ALWAYS:
            return not state.given_up and state.planned.role is Role.CLOSING
        case _:
            return False


def _drain(run: Run) -> tuple[Effect, ...]:
    """Close what is left open. Attempts in flight are not named any more, so they are being cancelled."""
    leftover = _leftover(run)
    reason = run.stop.reason if run.stop else "the run went on"
    quiet = [state for state in leftover if not _is_busy(state, leftover)]
    ended = [Conclude(fanout.cut_short(state, state.given_up or reason)) for state in quiet]
    if ended:
        return tuple(ended)
    # Nothing to decide, but not done either: a wake far away keeps the phase from moving on.
    return (WakeAt(float("inf")),) if leftover else ()


def _is_busy(state: StepState, leftover: tuple[StepState, ...]) -> bool:
    """True while it, or a step inside it, has an attempt in flight."""
    inside = {step.id for step in state.planned.walk()}
    return any(other.running for other in leftover if other.id in inside)


# --- steps ------------------------------------------------------------------------------------------------------------


def _sequence(run: Run, steps: tuple[PlannedStep, ...], now: float) -> tuple[Effect, ...]:
    """What the first unfinished step calls for; nothing when all are over or one has broken out."""
    for planned in steps:
        state = run.steps[planned.id]
        effects = _step(run, state, now)
        if effects:
            return effects
        if state.is_broken:
            return ()
    return ()


def _step(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    match state.phase:
        case StepPhase.AHEAD:
            return _held_back(run, state) or (Enter(state.id, state.visit + 1),)
        case StepPhase.ENTERED:
            return _held(run, state) or reverts.holding(run, state) or _entered(run, state, now)
        case StepPhase.ENDED:
            return _after(run, state)


def _held_back(run: Run, state: StepState) -> tuple[Effect, ...]:
    """How a step ends that is not done anywhere, because nobody is there to say whether it may be."""
    held = {} if run.attended else held_hosts(run, state)
    if not held or set(held) < set(state.planned.hosts):
        return ()
    return (Conclude(StepEnded(step=state.id, outcome=Outcome.IN_DOUBT, detail=f"not done: {said(held)}")),)


def _held(run: Run, state: StepState) -> tuple[Effect, ...]:
    """The gate in front of a step, while it has one that is not answered."""
    asks = state.planned.confirm != "none" or (run.step_mode and _can_be_stepped(state.planned))
    wanted = asks or gates.wants_people(run, state)
    is_held = run.attended and (bool(held_hosts(run, state)) or (bool(state.held_by) and not state.let_through))
    gate = _open_gate(run, state)
    # What was asked is waited for, also where its reason has gone meanwhile.
    is_asked = gate is not None and gate.opened.kind in gates.IN_FRONT
    if not (is_asked or is_held or (wanted and not state.let_through)) or state.running or state.settled:
        return ()
    if gate is None:
        return (Conclude(gates.before(run, state)),)
    refused = gates.refusal(gate)
    if refused is not None:
        detail = f"{refused.by.name}: {refused.answer}: {refused.reason}"
        return (Conclude(StepEnded(step=state.id, outcome=Outcome.CANCELLED, detail=detail)),)
    return _by_machine(run, gate, None) or _waiting()


def _can_be_stepped(planned: PlannedStep) -> bool:
    return not isinstance(planned.action, (*_ASKS, NoticeAction, EndAction, *get_args(Container)))


def _entered(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    action = state.action_on("*")
    match action:
        case BlockAction() | NestedAction():
            return _block(run, state, now)
        case LoopAction():
            return _loop(run, state, now)
        case ParallelAction():
            return _parallel(run, state, now)
        case WaitAction():
            return _wait(state, now)
        case RevertAction():
            return reverts.revert_step(run, state)
        case NoticeAction():
            return (Conclude(StepEnded(step=state.id, outcome=Outcome.SUCCEEDED)),)
        case EndAction():
            outcome = Outcome.SUCCEEDED if action.verdict == "completed" else Outcome.FAILED
            return (Conclude(StepEnded(step=state.id, outcome=outcome, detail=action.reason)),)
        case BranchAction():
            return _branch(run, state, now)
        case ConfirmAction() | ApproveAction() | AskAction() | ChooseAction() | ManualAction() | ChecklistAction():
            return _gate(run, state, action, now)
        case _:
            return fanout.work(run, state, now)


def _after(run: Run, state: StepState) -> tuple[Effect, ...]:
    """What a step that is over still calls for: somebody must say what follows from a failure."""
    if state.outcome is Outcome.CANCELLED or state.outcome is None or not state.outcome.is_error:
        target = way_on(state)
        return (Conclude(Jumped(source=state.id, target=target)),) if target else ()
    return () if state.resolution else _resolve(run, state)


def _branch(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    """Looked at like other work; its end says which condition it was, and it fails where it would go round for ever."""
    effects, why = fanout.work(run, state, now), circling(run, state)
    if not _is_decision(effects) or any(outcome.is_error for outcome in state.settled.values()):
        return effects
    said = why or state.attempts[CONTROLLER].detail
    return (Conclude(StepEnded(step=state.id, outcome=Outcome.FAILED if why else Outcome.SUCCEEDED, detail=said)),)


# --- failures ---------------------------------------------------------------------------------------------------------


def _resolve(run: Run, state: StepState) -> tuple[Effect, ...]:
    choice = chosen_by_policy(run, state)
    if choice == "ask":
        gate = _open_gate(run, state)
        return (Conclude(gates.failure(run, state)),) if gate is None else _waiting()
    goto = state.planned.goto if choice == "goto" else ""
    resolved = FailureResolved(step=state.id, choice=choice, goto=goto)  # type: ignore[arg-type]  # never "ask" here
    return (Conclude(resolved),)


# --- gates and waits --------------------------------------------------------------------------------------------------


def _gate(run: Run, state: StepState, action: Ask, now: float) -> tuple[Effect, ...]:
    gate = _open_gate(run, state)
    if gate is None:
        return (Conclude(gates.opening(run, state, action, now)),)
    end = gates.settled(gate, action)
    if end is not None:
        return (Conclude(StepEnded(step=state.id, outcome=end[0], detail=end[1])),)
    deadline = gate.opened.deadline
    if deadline is not None and now >= deadline:
        return (Conclude(GateLapsed(gate=gate.opened.gate, step=state.id)),)
    return _by_machine(run, gate, action) or _waiting(deadline)


def _by_machine(run: Run, gate: GateState, action: Ask | None) -> tuple[Effect, ...]:
    runs_in_circles = run.steps[gate.opened.step].visit > MAX_VISITS
    if not gates.machine_may_answer(run, gate) or gate.answers or runs_in_circles:
        return ()
    return tuple(
        Conclude(GateAnswered(gate=gate.opened.gate, step=gate.opened.step, by=MACHINE, answer=answer, value=value))
        for answer, value in gates.machine_answers(run, gate, action)
    )


def _open_gate(run: Run, state: StepState) -> GateState | None:
    opened = (run.gates[gate] for gate in run.open_gates)
    return next((gate for gate in opened if gate.opened.step == state.id), None)


def _waiting(deadline: float | None = None) -> tuple[Effect, ...]:
    """Waiting for a person is an effect too: without one, a sequence would pass on to its next step."""
    return (WakeAt(float("inf") if deadline is None else deadline),)


def _wait(state: StepState, now: float) -> tuple[Effect, ...]:
    end = (state.entered_at or 0.0) + state.wait
    if state.wait_cut:
        return (Conclude(StepEnded(step=state.id, outcome=Outcome.SUCCEEDED, detail=f"cut short: {state.wait_cut}")),)
    return (WakeAt(end),) if now < end else (Conclude(StepEnded(step=state.id, outcome=Outcome.SUCCEEDED)),)


# --- containers -------------------------------------------------------------------------------------------------------


def _block(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    """Main steps; if one broke, the rescue; then always, whatever happened."""
    planned = state.planned
    effects = _sequence(run, planned.steps, now)
    broken = _broken(run, planned.steps)
    if not effects and broken is not None:
        effects = _sequence(run, planned.rescue, now)
    effects = effects or _sequence(run, planned.always, now)
    return effects or (Conclude(_block_end(run, planned, broken)),)


def _block_end(run: Run, planned: PlannedStep, broken: StepState | None) -> StepEnded:
    unrescued = _broken(run, planned.rescue) if planned.rescue else broken
    lost = _broken(run, planned.always) or (unrescued if broken else None)
    if lost is not None:
        return StepEnded(
            step=planned.id, outcome=lost.outcome or Outcome.FAILED, detail=f"{lost.planned.name}: {lost.detail}"
        )
    detail = f"rescued after {broken.planned.name}: {broken.detail}" if broken else ""
    return StepEnded(step=planned.id, outcome=Outcome.SUCCEEDED, detail=detail)


def _broken(run: Run, steps: tuple[PlannedStep, ...]) -> StepState | None:
    states = (run.steps[step.id] for step in steps)
    return next((state for state in states if state.is_broken), None)


def _loop(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    """One turn after the other, as many as it has items; one that broke ends it."""
    turns = turns_of(run, state.planned)
    effects = _sequence(run, turns, now)
    return effects or (Conclude(_block_end(run, state.planned, _broken(run, turns))),)


def _parallel(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    effects = tuple(effect for child in state.planned.steps for effect in _step(run, run.steps[child.id], now))
    if effects:
        return effects
    broken = _broken(run, state.planned.steps)
    if broken is None:
        return (Conclude(StepEnded(step=state.id, outcome=Outcome.SUCCEEDED)),)
    detail = f"{broken.planned.name}: {broken.detail}"
    return (Conclude(StepEnded(step=state.id, outcome=broken.outcome or Outcome.FAILED, detail=detail)),)
