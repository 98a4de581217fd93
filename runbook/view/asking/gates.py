"""What an open gate shows before somebody answers: the question, what will run, where, what takes it back, who may.

A gate lets through what follows it up to the next gate, so that is what it shows; the digest it carries stands for
exactly that and goes back with the answer. Nothing here accepts an answer: `core/decide` does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from runbook.core.answers import GateKind, offered, question
from runbook.core.events.event import GateAnswered
from runbook.core.gate.gates import APPROVERS
from runbook.core.planned.action import Action, ApproveAction, Ask, ChecklistAction, ParallelAction
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.turns import name_of, turns_of
from runbook.core.run import GateState, Run, StepPhase, StepState
from runbook.view.asking.failure import FailureMenu, failure_menu
from runbook.view.plan import PlanRow, PlanText, plan_row
from runbook.view.sanitize import safe, safe_lines
from runbook.view.story.telling import MACHINE
from runbook.view.surroundings import shown_texts
from runbook.view.words import duration, fold_hosts, plural

_ASKS = get_args(Ask)
_LAPSES = {
    "fail": "unanswered, the step fails",
    "proceed": "unanswered, the run goes on",
    "ask": "unanswered, the operator is asked what now",
}
_MOST_LINES = 100
_LONGEST_LINE = 2_000
"""Of one text, where a view travels; characters of one line."""
_MOST_SHOWN = 50
"""Steps behind a gate that are shown one by one."""


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is on record."""

    who: str
    """Safe to show; `--auto` where a machine answered."""
    answer: str
    value: str
    """What was given with it; empty when nothing was."""
    reason: str
    at: float
    """Seconds since the run was opened."""


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a checklist."""

    text: str
    owner: str
    state: Literal["open", "ticked", "waived"]


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """An open gate at one moment."""

    gate: str
    step: StepId
    kind: str
    title: str
    """The step's name."""
    message: tuple[str, ...]
    """Lines, safe to show."""
    word: str
    """What must be typed letter for letter, exactly as the run compares it: show it through `safe`."""
    choices: tuple[str, ...]
    """Exactly as they are sent back: show them through `safe`."""
    needs_reason: tuple[str, ...]
    """The answers that are refused without a reason."""
    digest: str
    opened_at: float
    lapses_in: float | None
    """Seconds; None waits for ever."""
    policy: str
    answers: tuple[GivenAnswer, ...]
    items: tuple[ItemView, ...]
    follows: tuple[PlanRow, ...]
    """What a yes lets run, up to the next gate; also what runs only after a failure, which asks nobody."""
    hosts: str
    """Folded, of all of `follows`."""
    without_undo: int
    """How many of `follows` change something that nothing takes back."""
    failure: FailureMenu | None = None
    """What is to be decided about a failed step; None at any other gate, and from a runner of an older version."""


def gate_views(run: Run, now: float) -> tuple[GateView, ...]:
    """Every open gate, the one that has waited longest first."""
    views = (gate_view(run, gate, now) for gate in run.open_gates)
    return tuple(sorted(views, key=lambda view: view.opened_at))


def gate_view(run: Run, gate: str, now: float) -> GateView:
    """One gate.

    Raises:
        KeyError: for a gate that the run never opened.
    """
    state = run.gates[gate]
    opened = state.opened
    step = run.step(opened.step)
    action = step.action_on("*") if step else None
    follows = tuple(_follows(run, step, opened.kind)) if step else ()
    return GateView(
        gate=gate,
        step=opened.step,
        kind=opened.kind,
        title=safe(name_of(run, step.planned)) if step else safe(opened.step),
        message=safe_lines(opened.message),
        word=opened.word,
        choices=opened.choices,
        needs_reason=tuple(one.word for one in offered(opened.kind, opened.choices) if one.needs_reason),
        digest=opened.digest,
        opened_at=state.opened_at,
        lapses_in=None if opened.deadline is None else max(0.0, opened.deadline - now),
        policy=_policy(run, state, action),
        answers=tuple(_given(answer.at, answer.given) for answer in state.answers),
        items=_items(state, action),
        follows=follows,
        hosts=safe(fold_hosts(host for row in follows for text in row.texts if text.folded for host in text.hosts)),
        without_undo=sum(row.is_without_undo for row in follows),
        failure=failure_menu(run, state, now) if step and opened.kind == "failure" else None,
    )


def briefly(view: GateView) -> GateView:
    """The view for the other end of a line: hosts folded only, long texts cut with a word about the rest."""
    rows = tuple(replace(row, texts=tuple(_cut(text) for text in row.texts)) for row in view.follows)
    return replace(view, follows=rows)


def _cut(text: PlanText) -> PlanText:
    rest = len(text.lines) - _MOST_LINES
    lines = (
        *text.lines[:_MOST_LINES],
        *((f"({plural(rest, 'more line')}, shown by: runbook plan)",) if rest > 0 else ()),
    )
    return replace(text, hosts=(), lines=tuple(line[:_LONGEST_LINE] for line in lines))


def _policy(run: Run, gate: GateState, action: Action | None) -> str:
    if gate.opened.kind == "approval":
        step, holders = run.step(gate.opened.step), run.plan.environment.roles.get(APPROVERS, ())
        action = ApproveAction(message="", approvers=holders, min_required=step.planned.must_agree if step else 1)
    if isinstance(action, ApproveAction) and gate.opened.kind in {"approve", "approval"}:
        people = f"{plural(action.min_required, 'person', 'people')}"
        among = f" of {', '.join(action.approvers)}" if action.approvers else ""
        own = "" if action.allow_self else f", not {run.operator.name}, who started it"
        lapse = f"; {_LAPSES[action.on_timeout]}" if action.timeout else ""
        return safe(f"{people}{among}{own}{lapse}")
    if gate.opened.word:
        return safe(f"type {gate.opened.word} to go on")
    return "one answer is enough" if gate.opened.kind != "checklist" else "every item ticked, or waived with a reason"


def _given(at: float, given: GateAnswered) -> GivenAnswer:
    return GivenAnswer(
        who=MACHINE if given.by.machine else safe(given.by.name),
        answer=safe(given.answer),
        value="" if given.value is None else safe(str(given.value)),
        reason=safe(given.reason),
        at=at,
    )


def _items(gate: GateState, action: Action | None) -> tuple[ItemView, ...]:
    if not isinstance(action, ChecklistAction):
        return ()
    said = {str(answer.given.value): answer.given.answer for answer in gate.answers}
    return tuple(
        ItemView(text=safe(item.item), owner=safe(item.owner), state=_item_state(said.get(str(number))))
        for number, item in enumerate(action.items)
    )


def _item_state(answer: str | None) -> Literal["open", "ticked", "waived"]:
    if answer is None:
        return "open"
    return "waived" if answer == "waive" else "ticked"


def _follows(run: Run, step: StepState, kind: GateKind) -> Iterator[PlanRow]:
    """The guarded step itself, or after a question the steps up to the next one."""
    if question(kind).is_beside:
        yield _as_rendered(run, step)
        yield from (plan_row(each) for child in turns_of(run, step.planned) for each in child.walk() if not each.undoes)
        return
    yield from islice(_behind(run, step), _MOST_SHOWN)


def _as_rendered(run: Run, step: StepState) -> PlanRow:
    """With its surroundings, and as far as they are known its templates filled in and the hosts of this visit."""
    return replace(plan_row(step.planned), texts=shown_texts(run, step))


Rows = Generator[PlanRow, None, bool]
"""Rows of steps ahead; gives at its end whether the next gate stands among them, so that nothing goes past it."""


def _behind(run: Run, step: StepState) -> Iterator[PlanRow]:
    here = run.order.get(step.id, 0)
    for section in run.plan.sections:
        if (yield from _in_order(run, section.steps, here)):
            return


def _in_order(run: Run, steps: tuple[PlannedStep, ...], here: int) -> Rows:
    for planned in steps:
        if (yield from _from(run, planned, here)):
            return True
    return False


def _from(run: Run, planned: PlannedStep, here: int) -> Rows:
    """A step that is ahead and everything that may run inside it, up to a gate."""
    if run.order[planned.id] > here and run.steps[planned.id].phase is StepPhase.AHEAD:
        if isinstance(planned.action, _ASKS) or planned.confirm != "none" or planned.must_agree:
            return True
        yield _as_rendered(run, run.steps[planned.id])
    if isinstance(planned.action, ParallelAction):
        gated = False
        for child in planned.steps:
            gated = (yield from _from(run, child, here)) or gated
        return gated
    turns = turns_of(run, planned) or planned.steps[:1]
    stopped = yield from _in_order(run, turns, here)
    # A failure in front of that gate leads here without anybody's word, and so does the end of the block.
    yield from _in_order(run, planned.rescue, here)
    closed = yield from _in_order(run, planned.always, here)
    return stopped or closed


def gate_line(view: GateView) -> str:
    """A gate in one line, for places that have only one."""
    lapses = f", lapses in {duration(view.lapses_in)}" if view.lapses_in is not None else ""
    message = view.message[0] if view.message else ""
    return f"{view.kind} {safe(view.gate)} {view.title}: {message} ({view.policy}{lapses})"
