"""Granting or refusing what a person asks: the only place where an operator is refused.

`decide` looks at the run as it is and gives either the events that record the decision or one `Problem` that says why
not and what is possible instead. It changes nothing itself, so asking is always safe, and two people who answer the
same gate at the same moment get one answer and one refusal.
"""

from __future__ import annotations

from typing import assert_never

from runbook.core.actor import Actor
from runbook.core.answers import answer_of
from runbook.core.events.event import (
    Event,
    FailureResolved,
    GateAnswered,
    HaltRequested,
    HostExcluded,
    MilestoneMarked,
    NoteAdded,
    RollbackStarted,
    RunContinued,
    RunPaused,
    StepSkipped,
    WaitCut,
)
from runbook.core.events.fault_event import RevertAsked
from runbook.core.gate import gates, key_gate
from runbook.core.gate.answer_value import typed_value
from runbook.core.intent import (
    AddNote,
    AnswerGate,
    ContinueRun,
    CutWait,
    ExcludeHost,
    HaltRun,
    Intent,
    LiftFaults,
    MarkMilestone,
    PauseRun,
    ResolveFailure,
    RollBack,
    SkipStep,
)
from runbook.core.planned.action import AskAction, ChecklistAction, ChooseAction, WaitAction
from runbook.core.rules import reverts
from runbook.core.rules.refusing import approving, refuse, silent, telling, waits_now
from runbook.core.run import GateState, Phase, Run, StepPhase, StepState
from runbook.problem import Problem, nearest

Decision = tuple[Event, ...] | Problem


def decide(run: Run, intent: Intent, by: Actor) -> Decision:  # noqa: C901, PLR0911 - one arm for each intent
    """The events that grant an intent, or the problem that refuses it."""
    if run.has_ended and not isinstance(intent, AddNote):
        return refuse("the run has ended", why=run.ended, fix="Look at it with: runbook replay " + run.id)
    match intent:
        case AnswerGate():
            return _answer(run, intent, by)
        case ResolveFailure():
            return _resolve(run, intent, by)
        case PauseRun():
            return (
                (RunPaused(by=by),)
                if not run.paused
                else refuse("the run is paused already", fix=f"The other way: {telling(run, 'continue')}")
            )
        case ContinueRun():
            other = f"The other way: {telling(run, 'pause')}"
            return (RunContinued(by=by),) if run.paused else refuse("the run is not paused", fix=other)
        case HaltRun():
            return _halt(run, intent, by)
        case RollBack():
            return _roll_back(run, intent, by)
        case SkipStep():
            return _skip(run, intent, by)
        case ExcludeHost():
            return _exclude(run, intent, by)
        case CutWait():
            return _cut(run, intent, by)
        case MarkMilestone():
            return (MilestoneMarked(milestone=intent.milestone, source="operator", by=by),)
        case AddNote():
            return (NoteAdded(text=intent.text, by=by),)
        case LiftFaults():
            return _lift(run, intent, by)
        case _:
            assert_never(intent)


# --- gates ------------------------------------------------------------------------------------------------------------


def _answer(run: Run, intent: AnswerGate, by: Actor) -> Decision:
    gate = run.gates.get(intent.gate)
    if gate is None:
        return refuse(f'there is no gate "{intent.gate}"', fix=waits_now(run))
    state = run.steps[gate.opened.step]
    action = state.action_on("*")
    if not gate.is_open or gates.is_decided(gate, state):
        last = gate.answers[-1].given if gate.answers else None
        why = f"{last.by.name} answered {last.answer}" if last else "its step is over"
        return refuse(f"gate {intent.gate} is closed", why=why, fix=waits_now(run), code="gate-closed")
    refused = _unfit(run, gate, intent, by) or _unfit_value(run, gate, gates.asked_for(run, gate), intent)
    if refused is not None:
        return refused
    value = typed_value(run, action, intent.value) if isinstance(action, AskAction) else intent.value
    if isinstance(value, Problem):
        return value
    given = GateAnswered(
        gate=intent.gate,
        step=state.id,
        by=by,
        answer=intent.answer,
        value=value,
        reason=intent.reason,
        proof=intent.proof,
    )
    known = answer_of(gate.opened.kind, intent.answer)
    if gate.opened.kind == "host_key":
        return (given, *(key_gate.granted(gate, by) if known and known.is_yes else ()))
    return (given, *(_halted(run, state, intent, by) if known and known.halts else ()))


def _unfit(run: Run, gate: GateState, intent: AnswerGate, by: Actor) -> Problem | None:
    """Why this answer from this person does not count; None when it does."""
    taken = gates.taken(run, gate)
    answer = next((one for one in taken if one.word == intent.answer), None)
    if answer is None:
        known = ", ".join(one.word for one in taken) or "nothing; use the menu of the failed step"
        return refuse(f'gate {intent.gate} does not take "{intent.answer}"', fix=f"It takes: {known}.")
    if intent.digest and gate.opened.digest and intent.digest != gate.opened.digest:
        return refuse(
            "what this gate lets through has changed since it was shown to you",
            fix=f"Look at it again and answer again: {approving(run)}",
            code="stale-gate",
        )
    if answer.is_yes and gate.opened.word and intent.typed != gate.opened.word:
        return refuse(
            f'"{intent.typed}" is not "{gate.opened.word}"',
            fix=f'Type "{gate.opened.word}" letter for letter.',
            code="wrong-word",
        )
    if answer.needs_reason and not intent.reason.strip():
        return silent(f'"{intent.answer}"', approving(run, "--gate", intent.gate, "--answer", intent.answer))
    why = gates.may_answer(run, gate, gates.asked_for(run, gate), by)
    fix = f"Ask somebody who may to type: {approving(run, '--gate', intent.gate)}"
    if not why and answer.is_yes:
        why = gates.unproven(run, gate, intent.proof)
        fix = f"Sign it: {approving(run, '--gate', intent.gate, '--sign')}" if why else ""
    return refuse(f"{by.name} may not answer gate {intent.gate}", why=why, fix=fix, code="not-allowed") if why else None


def _unfit_value(run: Run, gate: GateState, action: object, intent: AnswerGate) -> Problem | None:
    if isinstance(action, ChooseAction):
        labels = [option.label for option in action.options]
        if intent.value not in labels:
            return refuse(f'"{intent.value}" is not offered', fix=nearest(str(intent.value), labels))
    if isinstance(action, ChecklistAction):
        count = len(action.items)
        if isinstance(intent.value, bool) or not isinstance(intent.value, int) or not 0 <= intent.value < count:
            return refuse(f"there is no item {intent.value}", fix=f"Items are numbered 0 to {count - 1}.")
        earlier = next((answer.given for answer in gate.answers if answer.given.value == intent.value), None)
        if earlier is not None:
            why = f"{earlier.by.name}: {earlier.answer}"
            return refuse(f"item {intent.value} has its answer", why=why, fix=waits_now(run))
    return None


def _halted(run: Run, state: StepState, intent: AnswerGate, by: Actor) -> tuple[Event, ...]:
    """Stopping at a gate, or rejecting, ends the run as a decision; it is no failure and fires no rollback.

    A rollback is ended by it too; of closing steps only the one that asked.
    """
    if run.phase is Phase.ALWAYS:
        return ()
    return (HaltRequested(by=by, reason=f"{by.name}: {intent.answer} at {state.planned.name}: {intent.reason}"),)


# --- failures and stopping --------------------------------------------------------------------------------------------


def _resolve(run: Run, intent: ResolveFailure, by: Actor) -> Decision:
    state = run.step(intent.step)
    opened = [run.gates[gate].opened for gate in run.open_gates]
    waiting = [gate.step for gate in opened if gate.kind == "failure"]
    if state is None or state.id not in waiting:
        return refuse(
            f"step {intent.step} is not waiting for a decision",
            why=_decided(state),
            fix=waits_now(run),
            code="gate-closed",
        )
    choices = gates.failure_choices(run, state)
    if intent.choice not in choices:
        return refuse(f'"{intent.choice}" is not offered for step {intent.step}', fix=f"Offered: {', '.join(choices)}.")
    answer = answer_of("failure", intent.choice)
    if answer is not None and answer.needs_reason and not intent.reason.strip():
        gate = next(gate for gate in run.open_gates if run.gates[gate].opened.step == intent.step)
        return silent(f'"{intent.choice}"', approving(run, "--gate", gate, "--answer", intent.choice))
    resolved = FailureResolved(step=intent.step, choice=intent.choice, by=by, reason=intent.reason)
    if intent.choice != "exclude":
        return (resolved,)
    failed = sorted(host for host, outcome in state.settled.items() if outcome.is_error)
    return (*(HostExcluded(host=host, reason=intent.reason, by=by) for host in failed), resolved)


def _decided(state: StepState | None) -> str:
    """Who has decided about it meanwhile; empty where nobody has."""
    last = state.resolution if state else None
    return f"{last.by.name} chose {last.choice}" if last and last.by else ""


def _watch(run: Run) -> str:
    return f"Watch it: runbook attach {run.id}"


def _halt(run: Run, intent: HaltRun, by: Actor) -> Decision:
    if not intent.reason.strip():
        return silent("a halt", telling(run, "halt"))
    if run.phase is Phase.ALWAYS:
        live = any(state.is_live and not state.given_up for state in run.steps.values())
        said = "none of the closing steps runs now, and the others come whatever happened"
        is_held_up = bool(reverts.live(run)) and not run.leaves_live and _is_closed(run)
        if live or is_held_up:
            return (HaltRequested(by=by, reason=intent.reason),)
        return refuse(said, fix=_watch(run))
    if run.stop is not None and not (run.phase is Phase.ROLLBACK and run.stop.undo):
        return refuse("the run is stopping already", why=run.stop.reason, fix=_watch(run))
    return (HaltRequested(by=by, reason=intent.reason),)


def _is_closed(run: Run) -> bool:
    """Every closing step is over, so that only a fault can keep the run from ending."""
    return all(run.steps[step.id].phase is StepPhase.ENDED for step in run.plan.always)


def _lift(run: Run, intent: LiftFaults, by: Actor) -> Decision:
    found = {fault.key: fault for fault in reverts.live(run)}
    unknown = [key for key in intent.faults if key not in found]
    if unknown or not found:
        known = ", ".join(found) or "none"
        return refuse("no fault of that name may be live" if unknown else "no fault may be live", fix=f"Live: {known}.")
    if not intent.reason.strip():
        return silent("lifting a fault", telling(run, "lift"))
    chosen = [found[key] for key in intent.faults or found]
    return tuple(
        RevertAsked(step=fault.step, host=fault.host, number=fault.number, by=by, reason=intent.reason)
        for fault in chosen
    )


def _roll_back(run: Run, intent: RollBack, by: Actor) -> Decision:
    if run.phase is not Phase.FORWARD or run.stop is not None:
        why = run.stop.reason if run.stop else f"it is in its {run.phase} phase"
        later = f"Once it has ended, undo what is left: runbook rollback {run.id}"
        return refuse("the run cannot be rolled back now", why=why, fix=later)
    if not intent.reason.strip():
        return silent("a rollback", telling(run, "undo"))
    return (RollbackStarted(reason=intent.reason, by=by),)


# --- steering ---------------------------------------------------------------------------------------------------------


def _skip(run: Run, intent: SkipStep, by: Actor) -> Decision:
    state = run.step(intent.step)
    if state is None:
        return refuse(f'there is no step "{intent.step}"', fix=nearest(intent.step, run.steps))
    if state.phase is not StepPhase.AHEAD:
        why = f"it is {state.outcome or 'running'}"
        return refuse(f"step {intent.step} is not ahead any more", why=why, fix=_watch(run))
    if state.planned.required:
        return refuse(
            f"step {intent.step} is required and cannot be skipped",
            fix=f'Halt the run instead: {telling(run, "halt")} -m "WHY"',
        )
    if not intent.reason.strip():
        return silent("a skip", telling(run, "skip", intent.step))
    return (StepSkipped(step=intent.step, reason=f"{by.name}: {intent.reason}"),)


def _exclude(run: Run, intent: ExcludeHost, by: Actor) -> Decision:
    known = [host.name for host in run.plan.hosts]
    if intent.host not in known:
        return refuse(f'"{intent.host}" is not a host of this run', fix=nearest(intent.host, known))
    if intent.host in run.excluded:
        return refuse(f"{intent.host} is excluded already", why=run.excluded[intent.host], fix=_watch(run))
    if not intent.reason.strip():
        return silent("an exclusion", telling(run, "exclude", intent.host))
    return (HostExcluded(host=intent.host, reason=intent.reason, by=by),)


def _cut(run: Run, intent: CutWait, by: Actor) -> Decision:
    state = run.step(intent.step)
    if state is None or not state.is_live or not isinstance(state.planned.action, WaitAction):
        waiting = sorted(
            step.id for step in run.steps.values() if step.is_live and isinstance(step.planned.action, WaitAction)
        )
        return refuse(f"step {intent.step} is not a running wait", fix=f"Waiting now: {', '.join(waiting) or 'none'}.")
    if state.wait_cut:
        return refuse(f"the wait of step {intent.step} is cut already", why=state.wait_cut, fix=_watch(run))
    if not intent.reason.strip():
        return silent("cutting a wait", telling(run, "cut", intent.step))
    return (WaitCut(step=intent.step, by=by, reason=intent.reason),)
