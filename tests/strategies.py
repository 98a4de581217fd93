"""Hypothesis strategies for what travels in a record, made from the declarations themselves.

Every struct of the core is built from its own type hints, so a new event or a new field is covered the day it is
declared. JSON numbers stay within 64 bits and floats finite, as in anything that YAML, a host or a probe can say.
"""

from __future__ import annotations

import typing

import msgspec
from hypothesis import strategies as st

from runbook.core.events.entry import Entry
from runbook.core.events.event import Event, Unknown
from runbook.core.planned.plan import PlannedStep

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | integers | floats | texts
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
)


def structs(kind: type[msgspec.Struct], depth: int = 2) -> st.SearchStrategy:
    """Values of a struct; nested steps are generated only `depth` levels deep."""
    hints = typing.get_type_hints(kind)
    fields = {name: _of(hints[name], depth) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


def _of(hint: object, depth: int) -> st.SearchStrategy:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _of(args[0], depth)
    if origin is tuple and args[-1] is Ellipsis:
        if args[0] is PlannedStep and depth == 0:
            return st.just(())
        inner = depth - 1 if args[0] is PlannedStep else depth
        return st.lists(_deferred(args[0], inner), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(_of(arg, depth) for arg in args))
    if origin is dict:
        return st.dictionaries(texts, _deferred(args[1], depth), max_size=2)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if args:
        return st.one_of(*(_of(arg, depth) for arg in args))
    return _plain(hint, depth)


def _plain(hint: object, depth: int) -> st.SearchStrategy:
    leaves = {str: texts, int: integers, float: floats, bool: st.booleans(), type(None): st.none(), typing.Any: jsons}
    if hint in leaves:
        return leaves[hint]
    if hint is msgspec.UnsetType:
        return st.just(msgspec.UNSET)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return structs(hint, depth)
    return st.sampled_from(list(hint))  # an enumeration


def _deferred(hint: object, depth: int) -> st.SearchStrategy:
    return st.deferred(lambda: _of(hint, depth))


unknown = st.builds(
    lambda name, said: Unknown(name=name, raw=msgspec.json.encode({"type": name, **said})),
    texts.map(lambda text: f"New{text}"),
    st.dictionaries(texts.map(lambda text: f"new {text}"), jsons, max_size=3),
)
"""What a newer version told."""

KNOWN: tuple[type[msgspec.Struct], ...] = tuple(kind for kind in typing.get_args(Event) if kind is not Unknown)
"""Every kind of event that this version writes."""

events = st.one_of(unknown, *(structs(kind) for kind in KNOWN))
"""Any event at all, in no sensible order."""

entries = st.builds(
    lambda seq, at, wall, event: Entry(seq=seq, at=at, wall=wall, event=event),
    st.integers(0, 2**53),
    st.floats(0, 1e9),
    texts,
    events,
)
"""Any event with a place and a time."""
