"""Where a `goto` leads, and where an `end` may stand: names and ids of steps, resolved once every step has an id.

A target is a step that stands directly in a section of the same runbook, or of one around it. Into a block, a loop or a
parallel nothing jumps, nor from outside into a nested runbook: what such a step relies on is set up by its container. A
section in waves has each step once a wave, and a jump stays in it. Whatever may not be left by a jump has no `end`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from runbook.core.planned.action import (
    Action,
    BranchAction,
    ChooseAction,
    EndAction,
    NestedAction,
    Option,
    ParallelAction,
    Way,
)
from runbook.core.planned.plan import OnFailure, PlannedSection, PlannedStep, StepId
from runbook.planning.draft import Draft
from runbook.problem import Where, nearest

Steps = tuple[PlannedStep, ...]
Sections = tuple[PlannedSection, ...]
W = TypeVar("W", Option, Way)

_TO_THE_END = "rollback and always run to their end"


class _From(NamedTuple):
    """Where a jump starts."""

    section: str
    books: tuple[StepId, ...] = ("",)
    """The nested runbooks around it, outermost first; empty stands for the whole."""
    is_inside: bool = False
    """A container of the same runbook stands around it."""
    closed: str = ""
    """Why nothing may jump out of here; empty when it may."""


class _Target(NamedTuple):
    """Where one may lead."""

    book: StepId
    section: str
    id: StepId


def resolve_labels(draft: Draft, sections: Sections) -> Sections:
    """The sections with every goto as an id; labels that lead nowhere are noted."""
    resolver = _Resolver(draft, sections)
    return tuple(
        msgspec.structs.replace(part, steps=tuple(resolver.step(each, _From(part.id)) for each in part.steps))
        for part in sections
    )


def resolve_outside(draft: Draft, sections: Sections, steps: Steps) -> Steps:
    """The same for rollback and closing steps, which no jump may leave."""
    resolver = _Resolver(draft, sections)
    return tuple(resolver.step(each, _From("", closed=_TO_THE_END)) for each in steps)


class _Resolver:
    """Names to ids, for one plan."""

    def __init__(self, draft: Draft, sections: Sections) -> None:
        self._draft = draft
        self._named: dict[str, list[_Target]] = {}
        self._inside: set[str] = set()
        for section in sections:
            for step in section.steps:
                self._name(step, "", section.id)
                self._inside |= {label for each in _below(step) for label in (each.name, each.id)}
                for each in step.walk():
                    for child in each.steps if isinstance(each.action, NestedAction) else ():
                        self._name(child, each.id, child.section)

    def _name(self, step: PlannedStep, book: StepId, section: str) -> None:
        for label in dict.fromkeys((step.name, step.id)):
            self._named.setdefault(label, []).append(_Target(book, section, step.id))

    def step(self, step: PlannedStep, start: _From) -> PlannedStep:
        """The step and everything in it with ids for labels."""
        deeper = start._replace(is_inside=True)
        undo = start._replace(closed=_TO_THE_END)
        return msgspec.structs.replace(
            step,
            goto=self._resolved(step, step.goto, start, key="on_failure") if step.goto else "",
            action=self._action(step, start),
            on_failure=self._after_end(step, start) if isinstance(step.action, EndAction) else step.on_failure,
            steps=tuple(self.step(each, _into(step, each, deeper)) for each in step.steps),
            rescue=tuple(self.step(each, deeper) for each in step.rescue),
            always=tuple(self.step(each, deeper) for each in step.always),
            undo=tuple(self.step(each, undo) for each in step.undo),
        )

    def _action(self, step: PlannedStep, start: _From) -> Action:
        match step.action:
            case ChooseAction() as action:
                return msgspec.structs.replace(action, options=self._ways(step, action.options, start, key="choose"))
            case BranchAction() as action:
                return BranchAction(ways=self._ways(step, action.ways, start, key="branch"))
            case _ as action:
                return action

    def _ways(self, step: PlannedStep, ways: Iterable[W], start: _From, *, key: str) -> tuple[W, ...]:
        return tuple(
            msgspec.structs.replace(each, goto=self._resolved(step, each.goto, start, key=key)) if each.goto else each
            for each in ways
        )

    def _after_end(self, step: PlannedStep, start: _From) -> OnFailure:
        """What follows where the runbook ends and has failed: outside another one, what its author said."""
        where = self._draft.written[step.id].at("end")
        failed = isinstance(step.action, EndAction) and step.action.verdict == "failed"
        if start.closed:
            self._draft.note(where, "misplaced-end", f'no runbook ends at "{step.name}"', why=start.closed)
        if len(start.books) == 1 or not failed:
            return step.on_failure
        if start.is_inside:
            fix = "Let it stand directly in a section, and go to it with a branch."
            self._draft.note(where, "misplaced-end", "a nested runbook that fails inside a container", fix)
        return "propagate"

    def _resolved(self, step: PlannedStep, label: str, start: _From, *, key: str) -> StepId:
        where = self._draft.written[step.id].at(key)
        near = self._near(label, start)
        if start.closed:
            self._draft.note(where, "unreachable-goto", f'nothing can jump from "{step.name}"', why=start.closed)
        elif not near:
            self._unknown(label, where)
        elif len(near) > 1:
            what = f'"{label}" names {len(near)} steps'
            self._draft.note(where, "ambiguous-goto", what, f"Write one of their ids: {', '.join(near)}.")
        return near[0] if near else ""

    def _near(self, label: str, start: _From) -> list[StepId]:
        """The steps of that name in the nearest runbook that has one, those of the same section before others."""
        for book in reversed(start.books):
            found = [target for target in self._named.get(label, ()) if target.book == book]
            if found:
                same = [target.id for target in found if target.section == start.section]
                return same or [target.id for target in found]
        return []

    def _unknown(self, label: str, where: Where) -> None:
        if label in self._inside:
            fix = "Go to the step that contains it."
            self._draft.note(where, "unreachable-goto", f'"{label}" stands inside another step', fix)
            return
        self._draft.note(where, "unreachable-goto", f'there is no step "{label}"', nearest(label, self._named))


def _into(step: PlannedStep, child: PlannedStep, deeper: _From) -> _From:
    """Where a jump starts from a child of a container."""
    match step.action:
        case ParallelAction():
            return deeper._replace(closed="a parallel ends with all its steps")
        case NestedAction():
            return deeper._replace(section=child.section, books=(*deeper.books, step.id), is_inside=False)
        case _:
            return deeper


def _below(step: PlannedStep) -> Iterator[PlannedStep]:
    whole = step.walk()
    next(whole)
    yield from whole
