"""Loops: from `loop:` on a step to the turns that the plan has for it.

Items that are known now are unrolled: each turn is planned as if its item had been written there, so the plan shows
what is sent. Items that wait for the run get a turn each up to `at_most`, in which `item` stays a name that is filled
in, and shown, when the turn is entered. Either way turns are bounded, and so are all steps of a plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import msgspec

from runbook.core.host import Json
from runbook.core.planned.action import LoopAction
from runbook.core.planned.plan import PlannedStep, StepId, Turn
from runbook.core.planned.turns import label_of
from runbook.core.written.runbook import Loop, Step
from runbook.document.value_rules import MOST_TURNS
from runbook.planning.draft import Draft
from runbook.problem import Where
from runbook.template.action_texts import FieldText, render_action, texts_of
from runbook.template.scope import Scope
from runbook.template.settled_text import literal, settle_text
from runbook.template.template import lone_expression, names_in

MOST_STEPS = 10_000
"""Steps of one plan: loops in loops grow faster than anybody counts."""


class Looped(NamedTuple):
    """A loop, and the turns that it has."""

    action: LoopAction
    awaits: tuple[str, ...]
    turns: tuple[tuple[str, Draft], ...]
    """What tells each turn's name from the next, and the draft that its steps are planned in."""


def looped(draft: Draft, step: Step, loop: Loop, step_id: StepId) -> Looped:
    """The turns of a step with `loop`; none where its items can never be had, which is noted."""
    where = step.at("loop")
    source: Json = loop.items if isinstance(loop.items, str) else list(loop.items)
    action = LoopAction(source=source, at_most=loop.at_most)
    names = draft.names(where, *(field.text for field in texts_of(action)))
    if not _can_be_a_list(draft, loop, where) or not _is_sound(draft, names, where):
        return Looped(LoopAction(), (), ())
    late = draft.awaited(names)
    if late:
        settled = msgspec.structs.replace(action, source=_settled(draft, source))
        turns = tuple(_waiting(draft, loop, step_id, loop.at_most))
    else:
        settled = _known(draft, action, where)
        turns = tuple(_unrolled(draft, loop, settled.items))
    if len(turns) + len(draft.written) > MOST_STEPS:
        fix = "Let an inner loop have fewer turns: at_most, or fewer items."
        draft.note(where, "too-many-items", f"a plan of more than {MOST_STEPS:,} steps", fix)
        turns = ()
    return Looped(settled, tuple(sorted(late)), turns)


def whole_loop(step: Step, loop: Loop) -> Step:
    """What is written of the loop itself, and not of its turns."""

    def of_all(text: str) -> str:
        return "" if loop.name in names_in(text) else text

    return Step(
        action=step.action,
        where=step.where,
        places=step.places,
        name=of_all(step.name),
        description=of_all(step.description),
        on_failure=step.on_failure,
        expected=step.expected,
        sets=step.sets,
        owner=step.owner,
        tags=step.tags,
    )


def named_turn(turn: PlannedStep, label: str) -> PlannedStep:
    """A turn that is told from the next by its name."""
    return msgspec.structs.replace(turn, name=f"{turn.name} ({label})")


def _can_be_a_list(draft: Draft, loop: Loop, where: Where) -> bool:
    if not isinstance(loop.items, str) or lone_expression(loop.items):
        return True
    fix = 'Write a list, or one expression: "{{ services }}", "{{ found.stdout | lines }}".'
    draft.note(where, "no-list", f'"{loop.items[:60]}" is no list', fix)
    return False


def _is_sound(draft: Draft, names: frozenset[str], where: Where) -> bool:
    if "host" in names:
        fix = "Loop over the same items on all of them, and leave some out with when."
        draft.note(where, "undefined-name", "a loop is the same for all its hosts", fix)
        return False
    for name in sorted(names & draft.secrets):
        draft.note(where, "secret-set", f'secret "{name}" as an item that stands in the record', "Pass it by env.")
    return draft.check_names(names, where) and not names & draft.secrets


def _settled(draft: Draft, source: Json) -> Json:
    """With what stands for the parameters of a nested runbook written in."""
    match source:
        case str():
            return settle_text(FieldText(source, shell=False), Scope(), draft.fixed)
        case list():
            return [_settled(draft, each) for each in source]
        case dict():
            return {key: _settled(draft, each) for key, each in source.items()}
        case _:
            return source


def _known(draft: Draft, action: LoopAction, where: Where) -> LoopAction:
    with draft.collecting(where):
        every = msgspec.structs.replace(action, at_most=MOST_TURNS)
        done = render_action(every, draft.scope(), where=where)
        return LoopAction(items=done.items) if isinstance(done, LoopAction) else LoopAction()
    return LoopAction()


def _unrolled(draft: Draft, loop: Loop, items: tuple[Json, ...]) -> Iterator[tuple[str, Draft]]:
    for item in items:
        inner = _without(draft, loop.name)
        values, fixed = {**inner.values, loop.name: item}, {**inner.fixed, loop.name: literal(item)}
        yield label_of(item), replace(inner, values=values, fixed=fixed)


def _waiting(draft: Draft, loop: Loop, step_id: StepId, count: int) -> Iterator[tuple[str, Draft]]:
    inner = _without(draft, loop.name)
    registers = inner.registers | {loop.name}
    for number in range(count):
        turn = Turn(loop=step_id, number=number, name=loop.name)
        yield f"{loop.name} {number + 1}", replace(inner, registers=registers, turns=(*inner.turns, turn))


def _without(draft: Draft, name: str) -> Draft:
    """The draft with what a name stood for outside the loop forgotten."""
    return replace(
        draft,
        values={key: value for key, value in draft.values.items() if key != name},
        fixed={key: text for key, text in draft.fixed.items() if key != name},
        registers=draft.registers - {name},
        turns=tuple(turn for turn in draft.turns if turn.name != name),
    )
