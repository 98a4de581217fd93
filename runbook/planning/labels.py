"""Where a `goto` leads: names and ids of steps, resolved to ids once every step has one.

A target is a step that stands directly in a section. Into a block, a parallel or a nested runbook nothing jumps: what
such a step relies on is set up by its container. A section in waves has each step once a wave, and a jump stays in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from runbook.core.action import ChooseAction, Option, ParallelAction
from runbook.core.plan import PlannedSection, PlannedStep, StepId
from runbook.planning.draft import Draft
from runbook.problem import Where, nearest

Steps = tuple[PlannedStep, ...]
Sections = tuple[PlannedSection, ...]

_TO_THE_END = "rollback and always run to their end"


class _From(NamedTuple):
    """Where a jump starts."""

    section: str
    closed: str = ""
    """Why nothing may jump out of here; empty when it may."""


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
    return tuple(resolver.step(each, _From("", _TO_THE_END)) for each in steps)


class _Resolver:
    """Names to ids, for one plan."""

    def __init__(self, draft: Draft, sections: Sections) -> None:
        self._draft = draft
        self._named: dict[str, list[tuple[str, StepId]]] = {}
        self._inside: set[str] = set()
        for section in sections:
            for step in section.steps:
                for label in dict.fromkeys((step.name, step.id)):
                    self._named.setdefault(label, []).append((section.id, step.id))
                self._inside |= {label for each in _below(step) for label in (each.name, each.id)}

    def step(self, step: PlannedStep, start: _From) -> PlannedStep:
        """The step and everything in it with ids for labels."""
        together = isinstance(step.action, ParallelAction)
        inner = start._replace(closed="a parallel ends with all its steps") if together else start
        undo = start._replace(closed=_TO_THE_END)
        return msgspec.structs.replace(
            step,
            goto=self._resolved(step, step.goto, start, key="on_failure") if step.goto else "",
            action=self._choices(step, start) if isinstance(step.action, ChooseAction) else step.action,
            steps=tuple(self.step(each, inner) for each in step.steps),
            rescue=tuple(self.step(each, start) for each in step.rescue),
            always=tuple(self.step(each, start) for each in step.always),
            undo=tuple(self.step(each, undo) for each in step.undo),
        )

    def _choices(self, step: PlannedStep, start: _From) -> ChooseAction:
        action = step.action
        assert isinstance(action, ChooseAction)  # noqa: S101 - its only caller has looked
        options = tuple(
            Option(label=each.label, goto=self._resolved(step, each.goto, start, key="choose") if each.goto else "")
            for each in action.options
        )
        return msgspec.structs.replace(action, options=options)

    def _resolved(self, step: PlannedStep, label: str, start: _From, *, key: str) -> StepId:
        where = self._draft.written[step.id].at(key)
        found = self._named.get(label, [])
        near = [target for section, target in found if section == start.section] or [target for _, target in found]
        if start.closed:
            self._draft.note(where, "unreachable-goto", f'nothing can jump from "{step.name}"', why=start.closed)
        elif not found:
            self._unknown(label, where)
        elif len(near) > 1:
            what = f'"{label}" names {len(near)} steps'
            self._draft.note(where, "ambiguous-goto", what, f"Write one of their ids: {', '.join(near)}.")
        return near[0] if near else ""

    def _unknown(self, label: str, where: Where) -> None:
        if label in self._inside:
            fix = "Go to the step that contains it."
            self._draft.note(where, "unreachable-goto", f'"{label}" stands inside another step', fix)
            return
        self._draft.note(where, "unreachable-goto", f'there is no step "{label}"', nearest(label, self._named))


def _below(step: PlannedStep) -> Iterator[PlannedStep]:
    whole = step.walk()
    next(whole)
    yield from whole
