"""The filters and tests of templates: Jinja2's where they are good, ours where they must differ, every one paid for.

The vocabulary is closed: what is not here does not exist. A filter pays for what it looks at before it is called and
for what it makes, so none can be the one call that never comes back. Filters that go through a list as it is asked for
pay by the turn; the others are given a list and not a stream.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, Undefined
from jinja2.tests import TESTS
from jinja2.utils import pass_context

from runbook.core.host import Host
from runbook.core.planned.command import MASK, Secret
from runbook.template.allowance import STEP, Allowance
from runbook.template.scope import RegisteredName

Filter = Callable[..., Any]

_AT_A_GLANCE = ("abs", "count", "d", "default", "first", "float", "int", "items", "length")
_OF_TEXT = ("capitalize", "lower", "string", "title", "trim", "upper", "urlencode")
_OF_LISTS = ("last", "list", "max", "min", "reverse", "sort", "unique")
_BY_TURNS = ("map", "reject", "rejectattr", "select", "selectattr")

_LONGEST_NUMBER = 4300
"""Characters that are read as a number: as many as Python reads as a whole one."""

_LARGEST_NUMBER = 1 << 14
"""Bits of a whole number that may be reckoned with."""

_DEAR = 16
"""Times that making a URL of a text costs more than reading it."""


class Raw(str):
    """Text that goes into a shell as it is."""

    __slots__ = ()


def allowance_of(context: Context) -> Allowance:
    """What is left to the rendering."""
    return context["_allowance"]  # type: ignore[no-any-return]  # put there by `template.py`, under no name of anybody's


def filters() -> dict[str, Filter]:
    """Every filter by its name."""
    own: dict[str, Filter] = {"join": _join, "lines": _lines, "quote": _quote, "raw": _raw, "replace": _replace}
    own |= {"round": _round, "sum": _sum, "tojson": _tojson}
    made = {name: make(FILTERS[name]) for make, names in _MAKERS.items() for name in names}
    return {**made, **own}


def tests() -> dict[str, Filter]:
    """Every test by its name."""
    return {name: _test(cast("Filter", test)) for name, test in TESTS.items()}


def spelled(value: object, allowance: Allowance, between: str) -> str:
    """A value as it is written out; the parts of a list with `between` between them."""
    match value:
        case str():
            allowance.look(value)
            return value
        case Secret():
            return value.reveal() if allowance.reveal else MASK
        case RegisteredName():
            return spelled(value.shown(), allowance, between)
        case Host():
            return value.name
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case list() | tuple():
            return _joined([spelled(each, allowance, between) for each in allowance.all_of(value)], between, allowance)
        case Mapping():
            return as_json(value, allowance)
        case _:
            return _plainly(value, allowance)


def as_text(value: object, allowance: Allowance) -> str:
    """A value as Jinja2's filters of text take it."""
    match value:
        case str():
            return value
        case RegisteredName():
            return spelled(value, allowance, ", ")
        case _:
            return _plainly(value, allowance)


def as_json(value: object, allowance: Allowance) -> str:
    """A value as JSON; what JSON has no word for as its text."""
    allowance.look(value, inside=True)
    return msgspec.json.encode(value, enc_hook=lambda odd: dict(odd) if isinstance(odd, Mapping) else str(odd)).decode()


def is_reckonable(value: object) -> bool:
    """Whether arithmetic with it ends soon."""
    return not isinstance(value, int) or value.bit_length() <= _LARGEST_NUMBER


def _plainly(value: object, allowance: Allowance) -> str:
    if not isinstance(value, Undefined):  # whose text is an error with a hint
        allowance.look(value, inside=True)
    return str(value)


def _joined(texts: list[str], between: str, allowance: Allowance) -> str:
    allowance.write(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _called(function: Filter, context: Context, *given: object, **named: object) -> Any:
    """A filter of Jinja2's, with what it wants to be given first."""
    wanted = getattr(getattr(function, "jinja_pass_arg", None), "name", "")
    first = {"context": (context,), "eval_context": (context.eval_ctx,), "environment": (context.environment,)}
    return function(*first.get(wanted, ()), *given, **named)


def _listed(value: object, allowance: Allowance) -> object:
    """A stream as a list; everything else as it is."""
    return list(allowance.all_of(value)) if isinstance(value, Iterator) else value


def _at_a_glance(function: Filter) -> Filter:
    @pass_context
    def glancing(context: Context, value: object, *given: object, **named: object) -> Any:
        allowance_of(context).look((*given, *named.values()))
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER and function in {FILTERS["int"], FILTERS["float"]}:
            raise SecurityError(f"a number of more than {_LONGEST_NUMBER:,} characters")
        return _called(function, context, value, *given, **named)

    return glancing


def _of_text(function: Filter) -> Filter:
    price = _DEAR if function is FILTERS["urlencode"] else 1

    @pass_context
    def reading(context: Context, value: object, *given: object, **named: object) -> Any:
        allowance = allowance_of(context)
        text = value if function is FILTERS["urlencode"] else as_text(value, allowance)
        for _ in range(price):
            allowance.look(text)
        extra = sum(len(each) for each in (*given, *named.values()) if isinstance(each, str))
        allowance.spend((len(text) if isinstance(text, str) else 0) * extra)
        return _called(function, context, text, *given, **named)

    return reading


def _of_lists(function: Filter) -> Filter:
    @pass_context
    def gathering(context: Context, value: object, *given: object, **named: object) -> Any:
        allowance = allowance_of(context)
        value = _listed(value, allowance)
        allowance.look(value)
        extra = sum(len(each) for each in (*given, *named.values()) if isinstance(each, str))
        allowance.spend((len(value) if isinstance(value, list | tuple | str | Mapping) else 0) * (1 + extra))
        return _called(function, context, value, *given, **named)

    return gathering


def _by_turns(function: Filter) -> Filter:
    @pass_context
    def going(context: Context, value: object, *given: object, **named: object) -> Iterator[object]:
        allowance = allowance_of(context)
        allowance.look((*given, *named.values()))
        extra = sum(len(each) for each in (*given, *named.values()) if isinstance(each, str))
        items = allowance.all_of(value, STEP + extra) if isinstance(value, Iterable) else value
        return iter(_called(function, context, items, *given, **named))

    return going


_MAKERS = {_at_a_glance: _AT_A_GLANCE, _of_text: _OF_TEXT, _of_lists: _OF_LISTS, _by_turns: _BY_TURNS}


def _test(function: Filter) -> Filter:
    @pass_context
    def testing(context: Context, value: object, *given: object) -> Any:
        allowance_of(context).look((value, *given))
        return _called(function, context, value, *given)

    return testing


@pass_context
def _raw(context: Context, value: object) -> object:
    """`x | raw`: into the shell as it is. A secret stays a secret; `check` points at both."""
    return value if isinstance(value, Secret) else Raw(_masked(value, context))


@pass_context
def _quote(context: Context, value: object) -> Raw:
    return Raw(shlex.quote(_masked(value, context)))


def _masked(value: object, context: Context) -> str:
    """Spelled for everybody to see, whatever the rendering is for."""
    allowance = allowance_of(context)
    reveal, allowance.reveal = allowance.reveal, False
    try:
        return spelled(value, allowance, " ")
    finally:
        allowance.reveal = reveal


@pass_context
def _join(context: Context, value: Any, d: str = "", attribute: object = None) -> str:
    allowance = allowance_of(context)
    items = value if attribute is None else _called(FILTERS["map"], context, value, attribute=attribute)
    texts = [each if isinstance(each, str) else as_text(each, allowance) for each in allowance.all_of(items)]
    return _joined(texts, as_text(d, allowance), allowance)


@pass_context
def _lines(context: Context, value: object) -> list[str]:
    """`x | lines`: the lines of a text that hold more than space, as a list."""
    allowance = allowance_of(context)
    text = as_text(value, allowance)
    allowance.write(len(text))
    return [line.rstrip() for line in text.split("\n") if line.strip()]


@pass_context
def _sum(context: Context, value: Any, attribute: object = None, start: Any = 0) -> Any:
    """Of numbers, and of lists with `start=[]`, which makes one list of them."""
    allowance = allowance_of(context)
    items = value if attribute is None else _called(FILTERS["map"], context, value, attribute=attribute)
    if isinstance(start, list):
        return [*start, *(each for part in allowance.all_of(items) for each in allowance.all_of(part))]  # type: ignore[arg-type]  # what is no list says so
    for each in allowance.all_of(items):
        if isinstance(each, str) or not is_reckonable(start):
            raise SecurityError("a sum of something else than numbers")
        start = start + each
    return start


@pass_context
def _replace(context: Context, value: object, old: str, new: str) -> str:
    allowance = allowance_of(context)
    text, old, new = as_text(value, allowance), as_text(old, allowance), as_text(new, allowance)
    allowance.look(text)
    allowance.write(text.count(old) * max(0, len(new) - len(old)) + len(text))
    return text.replace(old, new)


@pass_context
def _round(context: Context, value: float, digits: int = 0) -> float:
    allowance_of(context).spend(STEP)
    # 15 digits are all that a float has.
    return round(value, max(-15, min(15, digits))) if digits else round(value)


@pass_context
def _tojson(context: Context, value: object) -> str:
    return as_json(value, allowance_of(context))
