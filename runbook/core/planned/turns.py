"""Loops: a step, or a block of them, once for each item, as turns that stand in the plan beforehand.

What the plan knows it unrolls, one turn for each item by name. Items that only the run knows get as many turns as the
author allows; entering the loop puts its items on record, and the turns behind the last item are spare: nobody enters
them, shows them or counts them. So there is no step that the plan does not have, and a turn is undone, resumed and
replayed like any other step.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from runbook.core.host import Json
from runbook.core.planned.action import LoopAction
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.run import Run, StepState

_LONGEST = 40
"""Characters of an item in the name of its turn."""


def label_of(item: Json) -> str:
    """An item in a few words: what it is called, where it has a name."""
    named = item.get("name", item) if isinstance(item, dict) else item
    text = named if isinstance(named, str) else msgspec.json.encode(named).decode()
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def turns_of(run: Run, loop: PlannedStep) -> tuple[PlannedStep, ...]:
    """The turns that a loop takes: of one whose items only the run knows none before it was entered."""
    action = loop.action
    if not isinstance(action, LoopAction) or not action.waits:
        return loop.steps
    return loop.steps[: len(items_of(run, loop.id))]


def steps_inside(run: Run, planned: PlannedStep) -> tuple[PlannedStep, ...]:
    """What a step contains and may run."""
    return (*turns_of(run, planned), *planned.rescue, *planned.always)


def shown_inside(run: Run, planned: PlannedStep) -> tuple[PlannedStep, ...]:
    """The same; of a loop whose items nobody knows yet one turn, which shows what all of them do."""
    return (*(turns_of(run, planned) or planned.steps[:1]), *planned.rescue, *planned.always)


def spare_steps(run: Run) -> frozenset[StepId]:
    """Every step of a turn that has no item."""
    loops = [state.planned for state in run.steps.values() if isinstance(state.planned.action, LoopAction)]
    return frozenset(
        inner.id for loop in loops for turn in loop.steps[len(turns_of(run, loop)) :] for inner in turn.walk()
    )


def items_of(run: Run, loop: StepId) -> tuple[Json, ...]:
    """What a loop goes through, as it was shown when it was last entered; what the plan knows before that."""
    state = run.steps.get(loop)
    action = state.action_on("*") if state else None
    return action.items if isinstance(action, LoopAction) else ()


def items_around(run: Run, planned: PlannedStep) -> dict[str, Json]:
    """The items of the turns that a step stands in, by the name that templates give them."""
    return {
        turn.name: items_of(run, turn.loop)[turn.number]
        for turn in planned.turns
        if turn.number < len(items_of(run, turn.loop))
    }


def name_of(run: Run, planned: PlannedStep) -> str:
    """What a step is called: a turn by its item, once that is known."""
    turn = planned.turns[-1] if planned.turns else None
    if turn is None or planned.id != turn_id(turn.loop, turn.number):
        return planned.name
    items = items_of(run, turn.loop)
    known = label_of(items[turn.number]) if turn.number < len(items) else ""
    number = f" ({turn.name} {turn.number + 1})"
    return f"{planned.name.removesuffix(number)} ({known})" if known else planned.name


def turn_id(loop: StepId, number: int) -> StepId:
    """The id of a loop's turn; `number` from 0."""
    return f"{loop}.{number + 1}"


def forgotten_items(run: Run, loop: StepState, items: tuple[Json, ...]) -> tuple[str, ...]:
    """Items that a loop went through before and that entering it with others would leave without their undo."""
    before = items_of(run, loop.id) if loop.visit else ()
    pairs = zip(loop.planned.steps, before, strict=False)
    return tuple(
        label_of(item)
        for number, (turn, item) in enumerate(pairs)
        if (number >= len(items) or items[number] != item) and any(_may_be_undone(run, turn))
    )


def _may_be_undone(run: Run, turn: PlannedStep) -> Iterator[bool]:
    return (bool(step.undo) and bool(run.steps[step.id].touched) for step in turn.walk())
