"""Hiding secrets in values that go on record: every text in them, and nothing of their shape.

Masking the JSON of a value would also mask its field names and tags, and somebody whose password is "command" could not
be helped at 03:00. So the walk is over the values themselves; words that a field takes from a closed list stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec

from runbook.core.intent import Intent

Mask = Callable[[str], str]
V = TypeVar("V")

_BY_HAND = ("reason", "text", "value")
"""Fields of intents that people fill in freely; the others are names that must be met exactly."""


def masked(value: V, mask: Mask) -> V:
    """The same value with every text in it masked."""
    return _masked(value, mask)  # type: ignore[no-any-return]  # a walk over any value keeps its type


def masked_intent(intent: Intent, mask: Mask) -> Intent:
    """What a person asks for, before it is decided: who pastes a secret into a remark must not find it on record."""
    free = {name: masked(getattr(intent, name), mask) for name in _BY_HAND if name in intent.__struct_fields__}
    return msgspec.structs.replace(intent, **free) if free else intent


def _masked(value: Any, mask: Mask) -> Any:
    match value:
        case str() if type(value) is str:
            return mask(value)
        case msgspec.Struct():
            closed = _closed(type(value))
            names = (name for name in value.__struct_fields__ if name not in closed)
            return msgspec.structs.replace(value, **{name: _masked(getattr(value, name), mask) for name in names})
        case dict():
            return {key: _masked(each, mask) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_masked(each, mask) for each in value)
        case _:
            return value


@cache
def _closed(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Fields that take one of a few words, none of which is anybody's secret."""
    return frozenset(name for name, hint in get_type_hints(kind).items() if get_origin(hint) is Literal)
