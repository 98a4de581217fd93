"""The texts and expressions inside an action: which they are, what they need, and the action with all of them rendered.

The one place that knows in which fields a shell reads a text, which hold expressions, and which hold values that keep
their type. Whatever an action's texts are asked for, it is asked of all of them here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from runbook.core.host import Json
from runbook.core.planned.action import (
    Action,
    AssertAction,
    BranchAction,
    CommandAction,
    LoopAction,
    ScriptAction,
    SetAction,
    WaitForAction,
    Way,
)
from runbook.problem import Problem, Where, problem
from runbook.template.scope import Scope
from runbook.template.template import faults_in, faults_in_expression, names_in, names_in_expression, render, value_of

A = TypeVar("A", bound=msgspec.Struct)

_SHELL_FIELDS = {(CommandAction, "shell"), (ScriptAction, "text"), (WaitForAction, "command")}
_EXPRESSIONS = {(AssertAction, "that"), (Way, "when")}


class FieldText(NamedTuple):
    """A text inside an action."""

    text: str
    shell: bool
    """It is given to a shell, so values are quoted."""


def expressions_of(action: msgspec.Struct) -> tuple[str, ...]:
    """What an action asks of the values that there are, when its turn has come."""
    match action:
        case AssertAction():
            return (action.that,)
        case BranchAction():
            return tuple(way.when for way in action.ways if way.when)
        case _:
            return ()


def replace_expressions(action: Action, replace: Callable[[str], str]) -> Action:
    """The action with each of `expressions_of` replaced."""
    match action:
        case AssertAction():
            return AssertAction(that=replace(action.that))
        case BranchAction():
            ways = (msgspec.structs.replace(way, when=way.when and replace(way.when)) for way in action.ways)
            return BranchAction(ways=tuple(ways))
        case _:
            return action


def faults_in_action(action: Action) -> tuple[Problem, ...]:
    """Everything that is wrong with the texts and expressions of an action."""
    found = [each for field in texts_of(action) for each in faults_in(field.text)]
    return (*found, *(each for expression in expressions_of(action) for each in faults_in_expression(expression)))


def names_in_action(action: Action) -> frozenset[str]:
    """The names that all texts and expressions of an action need."""
    found = [names_in(each.text) for each in texts_of(action)]
    return frozenset().union(*found, *map(names_in_expression, expressions_of(action)))


def render_action(action: Action, scope: Scope, *, reveal: bool = False, where: Where | None = None) -> Action:
    """The same action with every text rendered; an action without templates is returned as it is.

    Raises:
        Problems: as `render`.
    """
    if isinstance(action, SetAction):
        return msgspec.structs.replace(action, values=_valued(action.values, scope, where))
    if isinstance(action, LoopAction):
        return msgspec.structs.replace(action, items=_items(action, scope, where)) if action.waits else action
    return replace_texts(action, lambda field: render(field.text, scope, shell=field.shell, reveal=reveal, where=where))


def texts_of(action: msgspec.Struct) -> Iterator[FieldText]:
    """Every text of an action that may hold a template, with whether a shell will read it."""
    for name in action.__struct_fields__:
        if (type(action), name) not in _EXPRESSIONS:
            yield from _texts(getattr(action, name), shell=(type(action), name) in _SHELL_FIELDS)


def replace_texts(action: A, replace: Callable[[FieldText], str]) -> A:
    """The action with each text of `texts_of` replaced."""
    changes: dict[str, object] = {}
    for name in action.__struct_fields__:
        old = getattr(action, name)
        if (type(action), name) not in _EXPRESSIONS:
            new = _replaced(old, replace, shell=(type(action), name) in _SHELL_FIELDS)
            changes |= {name: new} if new != old else {}
    return msgspec.structs.replace(action, **changes) if changes else action


def _items(loop: LoopAction, scope: Scope, where: Where | None) -> tuple[Json, ...]:
    """What a loop goes through.

    Raises:
        Problems: it is no list, or longer than the plan has turns.
    """
    items = _valued(loop.source, scope, where)
    if not isinstance(items, list):
        what = f"a loop over {type(items).__name__}, which is no list"
        raise problem(
            what, fix="Write a list, or {{ x | lines }} for what a command printed.", where=where, code="no-list"
        )
    if loop.at_most and len(items) > loop.at_most:
        what = f"{len(items)} items, and the plan has {loop.at_most} turns for them"
        raise problem(what, fix="Raise at_most of the loop.", where=where, code="too-many-items")
    return tuple(items)


def _valued(value: Json, scope: Scope, where: Where | None) -> Json:
    """Every text in a value as what it stands for."""
    match value:
        case str():
            return value_of(value, scope, where=where)
        case list():
            return [_valued(each, scope, where) for each in value]
        case dict():
            return {key: _valued(each, scope, where) for key, each in value.items()}
        case _:
            return value


def _texts(value: object, *, shell: bool) -> Iterator[FieldText]:
    match value:
        case str():
            yield FieldText(value, shell)
        case msgspec.Struct():
            yield from texts_of(value)
        case tuple() | list():
            for each in value:
                yield from _texts(each, shell=shell)
        case dict():
            for each in value.values():
                yield from _texts(each, shell=shell)
        case _:
            return


def _replaced(value: object, replace: Callable[[FieldText], str], *, shell: bool) -> object:
    match value:
        case str():
            return replace(FieldText(value, shell))
        case msgspec.Struct():
            return replace_texts(value, replace)
        case tuple():
            return tuple(_replaced(each, replace, shell=shell) for each in value)
        case list():
            return [_replaced(each, replace, shell=shell) for each in value]
        case dict():
            return {key: _replaced(each, replace, shell=shell) for key, each in value.items()}
        case _:
            return value
