"""Questions to people: what is asked, who may answer, and when enough answers have been given.

Which answers there are is the table in `answers`. One file for every gate kind, because the rules that matter (distinct
people, the typed word, nobody approves their own run, a machine answers only where the environment lets it) must not be
spread over six. Used by `due`, which opens and closes gates, and by `decide`, which accepts answers.
"""

from __future__ import annotations

import math
from typing import cast, get_args

from runbook.core.actor import Actor, distinct
from runbook.core.answers import Answer, Choice, GateKind, answer_of, offered, question
from runbook.core.events.event import GateAnswered, GateOpened
from runbook.core.gate.answer_value import typed_value
from runbook.core.gate.retrying import well
from runbook.core.host import Json
from runbook.core.intent import AnswerGate, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    ApproveAction,
    Ask,
    AskAction,
    ChecklistAction,
    ChooseAction,
    ConfirmAction,
    ManualAction,
    kind_of,
)
from runbook.core.planned.plan import StepId
from runbook.core.planned.turns import name_of
from runbook.core.proof import Demand, Proof
from runbook.core.run import GateState, Run, StepState
from runbook.core.still_running import held_hosts, said
from runbook.problem import Problem


def opening(run: Run, state: StepState, action: Ask, now: float) -> GateOpened:
    """The gate that a step of a human kind opens."""
    deadline = now + action.timeout if isinstance(action, ApproveAction) and action.timeout else None
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind=kind_of(action),  # type: ignore[arg-type]  # the tags of Ask are gate kinds
        message=_message(action),
        word=action.type if isinstance(action, ConfirmAction) else "",
        choices=_choices(state, action),
        digest=state.digest,
        deadline=deadline,
    )


IN_FRONT = frozenset({"before", "approval"})
"""Kinds of gates in front of a step: the operator's own word, or that of other people, as the environment demands."""
APPROVERS = "approve"
"""The role that those hold who may agree for the environment; where it names nobody, everybody else may."""


def before(run: Run, state: StepState) -> GateOpened:
    """The gate that an environment, or `--step`, puts in front of a step."""
    planned, where = state.planned, f" on {', '.join(state.hosts)}" if state.hosts else ""
    kind: GateKind = "approval" if wants_people(run, state) and not state.let_through else "before"
    held = held_hosts(run, state)
    reasons = (said(held) if held else "", state.held_by.removesuffix("."))
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind=kind,
        message=" ".join((f"Run {name_of(run, planned)}{where}?", *(f"{reason}." for reason in reasons if reason))),
        word=planned.confirm_word if planned.confirm == "typed" and kind == "before" else "",
        choices=words(kind),
        digest=state.digest,
    )


def wants_people(run: Run, state: StepState) -> bool:
    """Whether fewer people have agreed in its section than the environment demands, whatever way the run came there."""
    needed, here = state.planned.must_agree, section_of(state.id)
    given = (gate for gate in run.gates.values() if section_of(gate.opened.step) == here)
    return needed > 0 and all(_agreed(run, gate) < needed for gate in given)


def section_of(step: StepId) -> str:
    """Where a step stands, waves aside: their ids are the section's own, a `w` and a number."""
    return step.partition(".")[0].partition("w")[0]


def _agreed(run: Run, gate: GateState) -> float:
    """How many agreed there of those whom the environment lets agree; a machine that may counts for all of them."""
    state, holders = run.steps[gate.opened.step], run.plan.environment.roles.get(APPROVERS, ())
    if gate.opened.kind not in {"approve", "approval"} or refusal(gate) is not None or not is_decided(gate, state):
        return 0
    given = [answer.given.by for answer in gate.answers if answer.given.answer == "approve"]
    if any(by.machine for by in given):
        return math.inf
    others = (by for by in given if not by.is_same_as(run.operator))
    return len(distinct(by for by in others if not holders or any(_is_one_of(run, by, one) for one in holders)))


def failure(run: Run, state: StepState) -> GateOpened:
    """The menu after a failed step."""
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind="failure",
        message=f"{state.planned.name}: {state.detail}",
        choices=failure_choices(run, state),
        digest=state.digest,
    )


def failure_choices(run: Run, state: StepState) -> tuple[Choice, ...]:
    """What may be chosen after this failure, in the order in which it is offered: the least that helps first."""
    words = [cast("Choice", one.word) for one in question("failure").answers if _fits_failure(run, state, one)]
    if "retry_failed" not in words and not well(run, state):
        # All that it would do again has failed, so that it is as little as can be done.
        words.insert(words.index("accept") + 1 if "accept" in words else 0, words.pop(words.index("retry")))
    return tuple(words)


def _fits_failure(run: Run, state: StepState, answer: Answer) -> bool:
    wrong = {outcome for outcome in state.settled.values() if outcome.is_error}
    if answer.word == "accept":
        return state.outcome is Outcome.IN_DOUBT and wrong <= {Outcome.IN_DOUBT}
    if answer.word == "rollback":
        return run.stop is None
    if answer.for_several and len(state.hosts) < 2:  # noqa: PLR2004 - with one host, the failed ones are all there are
        return False
    return not (answer.leaves_undone and state.planned.required) and (answer.word != "exclude" or bool(wrong))


def gate_id(run: Run, state: StepState) -> str:
    """The step's id and how many gates it has opened, so that an answer can never reach a later one."""
    count = sum(gate.opened.step == state.id for gate in run.gates.values())
    return f"{state.id}#{count + 1}"


def _message(action: Ask) -> str:
    match action:
        case ConfirmAction() | ApproveAction():
            return action.message
        case AskAction() | ChooseAction():
            return action.prompt
        case ManualAction():
            return action.instructions
        case ChecklistAction():
            return "\n".join(item.item for item in action.items)


def _choices(state: StepState, action: Ask) -> tuple[str, ...]:
    match action:
        case ChooseAction():
            return tuple(option.label for option in action.options)
        case ChecklistAction():
            return tuple(item.item for item in action.items)
        case _:
            fit = question(cast("GateKind", kind_of(action))).answers  # the tags of Ask are gate kinds
            return tuple(one.word for one in fit if not (one.leaves_undone and state.planned.required))


def words(kind: GateKind) -> tuple[str, ...]:
    """The answers that every gate of a kind takes."""
    return tuple(one.word for one in question(kind).answers)


def taken(run: Run, gate: GateState) -> tuple[Answer, ...]:
    """The answers that this gate takes by `AnswerGate`: none for the menu of a failure, which has its own intent."""
    if gate.opened.kind == "failure":
        return ()
    required = run.steps[gate.opened.step].planned.required
    every = offered(gate.opened.kind, gate.opened.choices)
    return tuple(one for one in every if not (one.leaves_undone and required))


def giving(
    opened: GateOpened, answer: Answer, *, value: Json = None, reason: str = "", typed: str = ""
) -> AnswerGate | ResolveFailure:
    """The intent that gives an answer to what was shown, whoever makes it from wherever."""
    if opened.kind == "failure":
        return ResolveFailure(step=opened.step, choice=cast("Choice", answer.word), reason=reason)
    return AnswerGate(
        gate=opened.gate, answer=answer.word, value=value, reason=reason, typed=typed, digest=opened.digest
    )


def settled(gate: GateState, action: Ask) -> tuple[Outcome, str] | None:
    """How a gate's step ends now, with a detail; None while more answers are needed."""
    if gate.lapsed and isinstance(action, ApproveAction):
        if action.on_timeout == "proceed":
            return Outcome.SUCCEEDED, "nobody answered in time; the runbook goes on then"
        return Outcome.FAILED, "nobody answered in time"
    given = [answer.given for answer in gate.answers]
    if not given:
        return None
    refused = refusal(gate)
    if refused is not None:
        return Outcome.CANCELLED, f"{refused.by.name}: {refused.answer}: {refused.reason}"
    match action:
        case ApproveAction():
            return _approved(given, action)
        case ChecklistAction():
            return _ticked(given, action)
        case _:
            known = answer_of(gate.opened.kind, given[-1].answer)
            return (known and known.ends) or Outcome.SUCCEEDED, _shown(given[-1])


def refusal(gate: GateState) -> GateAnswered | None:
    """The answer by which somebody stopped here; None while nobody has."""
    given = (answer.given for answer in gate.answers)
    return next((one for one in given if (known := answer_of(gate.opened.kind, one.answer)) and known.halts), None)


def is_decided(gate: GateState, state: StepState) -> bool:
    """True when the answers so far settle it, so that no further one counts, though its step has not ended yet."""
    if gate.opened.kind == "approval":
        given = [answer.given for answer in gate.answers]
        return refusal(gate) is not None or _is_agreed(given, state.planned.must_agree)
    if question(gate.opened.kind).is_beside:
        return bool(gate.answers)
    action = state.action_on("*")
    return isinstance(action, get_args(Ask)) and settled(gate, action) is not None


def _is_agreed(given: list[GateAnswered], needed: int) -> bool:
    people = distinct(answer.by for answer in given if answer.answer == "approve")
    return len(people) >= needed or any(answer.by.machine for answer in given)


def _approved(given: list[GateAnswered], action: ApproveAction) -> tuple[Outcome, str] | None:
    people = distinct(answer.by for answer in given if answer.answer == "approve")
    by_machine = any(answer.by.machine for answer in given)
    if not _is_agreed(given, action.min_required):
        return None
    return Outcome.SUCCEEDED, f"approved by {'policy' if by_machine else ', '.join(sorted(one.name for one in people))}"


def _ticked(given: list[GateAnswered], action: ChecklistAction) -> tuple[Outcome, str] | None:
    done = {answer.value for answer in given}
    waived = sum(answer.answer == "waive" for answer in given)
    if any(number not in done for number in range(len(action.items))):
        return None
    return Outcome.SUCCEEDED, f"{waived} waived" if waived else ""


def _shown(answer: GateAnswered) -> str:
    return str(answer.value) if answer.value is not None else answer.reason


def may_answer(run: Run, gate: GateState, action: Ask | None, actor: Actor) -> str:
    """Why this person may not answer this gate; empty when they may."""
    if gate.opened.kind == "approval":
        holders = run.plan.environment.roles.get(APPROVERS, ())
        needed = run.steps[gate.opened.step].planned.must_agree
        action = ApproveAction(message="", approvers=holders, min_required=needed)
    if not isinstance(action, ApproveAction):
        return ""
    if actor.is_same_as(run.operator) and not action.allow_self:
        return f"{actor.name} started this run, and nobody approves their own run"
    if action.approvers and not any(_is_one_of(run, actor, approver) for approver in action.approvers):
        return f"{actor.name} is none of: {', '.join(_called(run, one) for one in action.approvers)}"
    if any(answer.given.by.is_same_as(actor) for answer in gate.answers):
        return f"{actor.name} has answered already, and {action.min_required} different people are needed"
    return ""


def demand_of(run: Run, gate: GateState) -> Demand:
    """What a yes to this gate has to be signed with."""
    action = asked_for(run, gate)
    return action.signed if isinstance(action, ConfirmAction | ApproveAction) else ""


def is_for_others(run: Run, gate: GateState) -> bool:
    """True where whoever started the run has no say."""
    action = asked_for(run, gate)
    return isinstance(action, ApproveAction) and not action.allow_self


def unproven(run: Run, gate: GateState, proof: Proof | None) -> str:
    """Why a yes lacks the signature that is asked for; empty where it does not. By principal and by key: four eyes."""
    demand = demand_of(run, gate)
    if not demand:
        return ""
    if proof is None:
        return f"it has to be signed: runbook approve {run.id} -g {gate.opened.gate} --sign"
    if demand == "fido" and not proof.touched:
        return f"nobody touched a token for {proof.key}"
    if any(given.given.proof and given.given.proof.key == proof.key for given in gate.answers):
        return f"{proof.key} has signed already"
    is_own = run.operator.name in {proof.principal, proof.principal.partition("@")[0]}
    if is_own and is_for_others(run, gate):
        return f"{proof.principal} started this run, and nobody approves their own run"
    return ""


def _called(run: Run, approver: str) -> str:
    holders = run.plan.environment.roles.get(approver, ())
    return f"{approver} ({', '.join(holders)})" if holders else approver


def _is_one_of(run: Run, actor: Actor, approver: str) -> bool:
    meant = (approver, *run.plan.environment.roles.get(approver, ()))
    return actor.name in meant or (bool(actor.identity) and actor.identity in meant)


def asked_for(run: Run, gate: GateState) -> Ask | None:
    """What the gate's step itself asks; None for a gate that only stands beside its step."""
    action = run.steps[gate.opened.step].action_on("*")
    return action if isinstance(action, get_args(Ask)) and not question(gate.opened.kind).is_beside else None


def machine_may_answer(run: Run, gate: GateState) -> bool:
    """True when `--auto` was given and the environment lets a machine answer this kind of gate.

    About what may still run somewhere, and against a rule of the environment, no machine decides.
    """
    allowed, kind = run.plan.environment.auto, question(gate.opened.kind).auto
    state = run.steps[gate.opened.step]
    is_barred = bool(held_hosts(run, state)) or bool(state.held_by) or bool(demand_of(run, gate))
    return run.auto and not is_barred and bool(kind) and ("all" in allowed or kind in allowed)


def machine_answers(run: Run, gate: GateState, action: Ask | None) -> tuple[tuple[str, Json], ...]:
    """What a machine answers: the harmless yes, every tick, the default; nothing where no default fits."""
    given = next((one.word for one in taken(run, gate) if one.by_machine), None)
    if given is None:
        return ()
    match action:
        case ChecklistAction():
            return tuple((given, number) for number in range(len(action.items)))
        case AskAction():
            value = typed_value(run, action, action.default)
            return () if isinstance(value, Problem) else ((given, value),)
        case ChooseAction():
            return ((given, action.options[0].label),)
        case _:
            return ((given, None),)
