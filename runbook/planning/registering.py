"""Which names a runbook registers, and whether each is used only after it can have a value."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.planned.action import ParallelAction, SetAction
from runbook.core.planned.plan import PlannedSection, PlannedStep
from runbook.core.written.runbook import BlockStep, ParallelStep, Runbook, Step
from runbook.planning.actions import word_of
from runbook.planning.draft import Draft
from runbook.problem import nearest
from runbook.template.action_texts import expressions_of, names_in_action
from runbook.template.template import (
    names_in_expression,
)


def registered_by(runbook: Runbook) -> frozenset[str]:
    """Every name that a step of this file registers, at any depth."""
    sections = (step for section in runbook.sections for step in section.steps)
    everything = (each for top in (*sections, *runbook.rollback, *runbook.always) for each in _inside(top))
    return frozenset(name for step in everything for name in _own_names(step))


def check_order(draft: Draft, sections: tuple[PlannedSection, ...]) -> None:
    """Note every use of a registered name that stands before the step that registers it.

    Rollback and closing steps are not looked at: they may use whatever was registered, and run time says what was not.
    """
    known: set[str] = set()
    for section in sections:
        for step in section.steps:
            known |= _check(draft, step, frozenset(known))


def late_names(step: PlannedStep) -> frozenset[str]:
    """Every name that a planned step looks up during the run."""
    expressions = (step.when, step.failed_when, step.until, *expressions_of(step.action))
    texts = names_in_action(step.action) if step.awaits else frozenset()
    return texts.union(step.awaits, *(_expression_names(each) for each in expressions))


def _own_names(step: Step | PlannedStep) -> frozenset[str]:
    """What a step gives names to."""
    values = step.action.values if isinstance(step.action, SetAction) else {}
    return frozenset({*values, step.register or ""} - {""})


def _inside(step: Step) -> Iterator[Step]:
    yield step
    inner: tuple[Step, ...] = ()
    match step.action:
        case BlockStep():
            inner = (*step.action.steps, *step.action.rescue, *step.action.always)
        case ParallelStep():
            inner = step.action.steps
        case _:
            pass
    for child in (*inner, *((step.rollback,) if step.rollback else ())):
        yield from _inside(child)


def _check(draft: Draft, step: PlannedStep, known: frozenset[str]) -> frozenset[str]:
    """Check one step and give the names that are known behind it."""
    needed = frozenset(step.awaits) | _expression_names(step.when)
    needed = needed.union(*map(_expression_names, expressions_of(step.action)))
    later = _expression_names(step.failed_when) | _expression_names(step.until)
    own = _own_names(step)
    known |= {turn.name for turn in step.turns}
    for name in sorted(((needed - known) | (later - known - own)) & draft.registers):
        written = draft.written[step.id]
        what = f'step "{step.name}" uses "{name}" before it is registered'
        fix = f"Move it behind the step that registers or sets it. {nearest(name, known)}".strip()
        draft.note(written.at(word_of(written.action)), "used-before-registered", what, fix)
    return known | own | _children(draft, step, known)


def _children(draft: Draft, step: PlannedStep, known: frozenset[str]) -> frozenset[str]:
    found = known
    for part in (step.steps, step.rescue, step.always, step.undo):
        for child in part:
            seen = known if isinstance(step.action, ParallelAction) else found
            found |= _check(draft, child, seen | (frozenset({step.register}) if part is step.undo else frozenset()))
    return found


def _expression_names(expression: str) -> frozenset[str]:
    return names_in_expression(expression) if expression else frozenset()
