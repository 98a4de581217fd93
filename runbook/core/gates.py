"""Questions to people: what is asked, which answers count, and when enough have been given.

One file for every gate kind, because the rules that matter (distinct people, the typed word, nobody approves their own
run, a machine answers only where the environment lets it) must not be spread over six. Used by `due`, which opens and
closes gates, and by `decide`, which accepts answers.
"""

from __future__ import annotations

from typing import get_args

from runbook.core.action import (
    Action,
    ApproveAction,
    Ask,
    AskAction,
    ChecklistAction,
    ChooseAction,
    ConfirmAction,
    ManualAction,
    kind_of,
)
from runbook.core.actor import Actor, distinct
from runbook.core.answer_value import typed_value
from runbook.core.event import GateAnswered, GateOpened
from runbook.core.host import Json
from runbook.core.outcome import Outcome
from runbook.core.run import GateState, Run, StepState
from runbook.problem import Problem

ANSWERS: dict[str, tuple[str, ...]] = {
    "confirm": ("proceed", "stop"),
    "before": ("proceed", "stop"),
    "approve": ("approve", "reject"),
    "ask": ("value",),
    "choose": ("choose",),
    "manual": ("done", "failed", "skip"),
    "checklist": ("tick", "waive"),
    "failure": (),
    "host_key": ("accept", "refuse"),
}
"""The answers a gate of each kind takes. A failure is answered by `ResolveFailure`."""

REFUSALS = frozenset({"stop", "reject"})
"""Answers that end the run as a decision of a person: no failure, so no rollback."""

BESIDE = frozenset({"before", "failure", "host_key"})
"""Kinds of gate that stand beside a step and are not what the step itself asks; one answer settles them."""

NEEDS_REASON = frozenset({"reject", "failed", "skip", "waive", "stop"})
"""Answers that go on record only with a reason."""

FAILURE_CHOICES = ("retry", "retry_failed", "skip", "exclude", "rollback", "abort")
"""The menu after a failed step; `accept` joins it when the step is in doubt, `required` takes skip and exclude away."""


def opening(run: Run, state: StepState, action: Ask, now: float) -> GateOpened:
    """The gate that a step of a human kind opens."""
    deadline = now + action.timeout if isinstance(action, ApproveAction) and action.timeout else None
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind=kind_of(action),  # type: ignore[arg-type]  # the tags of Ask are gate kinds
        message=_message(action),
        word=action.type if isinstance(action, ConfirmAction) else "",
        choices=_choices(action),
        digest=state.digest,
        deadline=deadline,
    )


def before(run: Run, state: StepState) -> GateOpened:
    """The gate that an environment, or `--step`, puts in front of a step."""
    where = f" on {', '.join(state.hosts)}" if state.hosts else ""
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind="before",
        message=f"Run {state.planned.name}{where}?",
        word=state.planned.confirm_word if state.planned.confirm == "typed" else "",
        choices=ANSWERS["before"],
        digest=state.digest,
    )


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


def failure_choices(run: Run, state: StepState) -> tuple[str, ...]:
    """What may be chosen after this failure, in the order in which it is offered."""
    off: set[str] = set()
    if state.planned.required:
        off |= {"skip", "exclude"}
    if len(state.hosts) < 2:  # noqa: PLR2004 - with one host, retrying the failed ones is retrying
        off.add("retry_failed")
    if not any(outcome.is_error for outcome in state.settled.values()) or len(state.hosts) < 2:  # noqa: PLR2004
        off.add("exclude")
    if run.stop is not None:
        off.add("rollback")
    wrong = {outcome for outcome in state.settled.values() if outcome.is_error}
    # Accepting says "it happened", which nobody can say of a host where it is known to have failed.
    doubt = ("accept",) if state.outcome is Outcome.IN_DOUBT and wrong <= {Outcome.IN_DOUBT} else ()
    return (*doubt, *(choice for choice in FAILURE_CHOICES if choice not in off))


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


def _choices(action: Ask) -> tuple[str, ...]:
    match action:
        case ChooseAction():
            return tuple(option.label for option in action.options)
        case ChecklistAction():
            return tuple(item.item for item in action.items)
        case _:
            return ANSWERS[kind_of(action)]


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
        case ManualAction():
            return _done_by_hand(given[-1])
        case _:
            return Outcome.SUCCEEDED, _shown(given[-1])


def refusal(gate: GateState) -> GateAnswered | None:
    """The answer by which somebody stopped here; None while nobody has."""
    return next((answer.given for answer in gate.answers if answer.given.answer in REFUSALS), None)


def is_decided(gate: GateState, action: Action) -> bool:
    """True when the answers so far settle it, so that no further one counts, though its step has not ended yet."""
    if gate.opened.kind in BESIDE:
        return bool(gate.answers)
    return isinstance(action, get_args(Ask)) and settled(gate, action) is not None


def _approved(given: list[GateAnswered], action: ApproveAction) -> tuple[Outcome, str] | None:
    people = distinct(answer.by for answer in given if answer.answer == "approve")
    by_machine = any(answer.by.machine for answer in given)
    if len(people) < action.min_required and not by_machine:
        return None
    return Outcome.SUCCEEDED, f"approved by {'policy' if by_machine else ', '.join(sorted(one.name for one in people))}"


def _ticked(given: list[GateAnswered], action: ChecklistAction) -> tuple[Outcome, str] | None:
    done = {answer.value for answer in given}
    waived = sum(answer.answer == "waive" for answer in given)
    if any(number not in done for number in range(len(action.items))):
        return None
    return Outcome.SUCCEEDED, f"{waived} waived" if waived else ""


def _done_by_hand(answer: GateAnswered) -> tuple[Outcome, str]:
    ends = {"done": Outcome.SUCCEEDED, "failed": Outcome.FAILED, "skip": Outcome.SKIPPED}
    return ends.get(answer.answer, Outcome.SUCCEEDED), answer.reason


def _shown(answer: GateAnswered) -> str:
    return str(answer.value) if answer.value is not None else answer.reason


def may_answer(run: Run, gate: GateState, action: Ask | None, actor: Actor) -> str:
    """Why this person may not answer this gate; empty when they may."""
    if not isinstance(action, ApproveAction):
        return ""
    if actor.is_same_as(run.operator) and not action.allow_self:
        return f"{actor.name} started this run, and nobody approves their own run"
    if action.approvers and not any(_is_one_of(run, actor, approver) for approver in action.approvers):
        return f"{actor.name} is none of: {', '.join(action.approvers)}"
    if any(answer.given.by.is_same_as(actor) for answer in gate.answers):
        return f"{actor.name} has answered already, and {action.min_required} different people are needed"
    return ""


def _is_one_of(run: Run, actor: Actor, approver: str) -> bool:
    meant = (approver, *run.plan.environment.roles.get(approver, ()))
    return actor.name in meant or (bool(actor.identity) and actor.identity in meant)


def machine_may_answer(run: Run, gate: GateState) -> bool:
    """True when `--auto` was given and the environment lets a machine answer this kind of gate.

    No environment lets a machine decide about a failure, or about who a host is.
    """
    allowed = run.plan.environment.auto
    kind = "confirm" if gate.opened.kind == "before" else gate.opened.kind
    return run.auto and kind not in {"failure", "host_key"} and ("all" in allowed or kind in allowed)


def machine_answers(run: Run, gate: GateState, action: Ask | None) -> tuple[tuple[str, Json], ...]:
    """What a machine answers: the harmless yes, every tick, the default; nothing where no default fits."""
    match action:
        case ChecklistAction():
            return tuple(("tick", number) for number in range(len(action.items)))
        case AskAction():
            value = typed_value(run, action, action.default)
            return () if isinstance(value, Problem) else (("value", value),)
        case ChooseAction():
            return (("choose", action.options[0].label),)
        case _:
            answers = ANSWERS[gate.opened.kind]
            return ((answers[0], None),) if answers else ()
