"""From nodes to typed values, driven by the annotations of the structs themselves.

One reader serves every struct of the vocabulary, so a message about a wrong type reads the same everywhere and a new
field needs no reading code. It collects: a value that cannot be read becomes `INVALID`, its problem is noted with
file:line:col, and reading goes on, so that a file's mistakes are all told at once. It refuses to know what the values
mean; rules across keys are in `value_rules.py` and, once hosts and parameters are known, in the compiler.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, assert_never

import msgspec
import msgspec.inspect as mi

from runbook.core.milestone_name import Seconds
from runbook.core.written.runbook import Date, Runbook, Section, Step, Written
from runbook.document import scalars
from runbook.document.foreign import ours_for
from runbook.document.source import Entry, ListNode, MapNode, Node, ScalarNode, plain
from runbook.document.value_rules import broken_rules
from runbook.document.vocabulary import NOT_KEYS, SHORTHANDS, Shorthand
from runbook.problem import Problem, Where, nearest


class Invalid(enum.Enum):
    """The type of the one value below."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID
"""What stands for a value that could not be read; its problem has been noted."""

LARGEST = 2**53
"""The largest number that every reader of JSON gives back as it was written (RFC 8259, section 6)."""

_SECONDS = mi.type_info(Seconds)
_DATE = mi.type_info(Date)
_ONE_VALUE = (mi.StrType, mi.IntType, mi.FloatType, mi.BoolType, mi.LiteralType, mi.EnumType)

_OF_A_RUNBOOK = (Runbook, Section, Step)
"""What another tool's words are written into."""

_WORDS: Mapping[type, str] = MappingProxyType(
    {
        mi.StrType: "text",
        mi.IntType: "a whole number",
        mi.FloatType: "a number",
        mi.BoolType: "true or false",
        mi.NoneType: "nothing",
        mi.EnumType: "one of the known words",
    }
)

Special = Callable[["Reader", Node], object]
"""Reads a struct whose keys alone do not say how; gives INVALID when it noted a problem."""


@lru_cache(maxsize=256)
def struct_type(cls: type[msgspec.Struct]) -> mi.StructType:
    """The declared fields of a struct, resolved once."""
    described = _parts_of_a_runbook().get(cls) or mi.type_info(cls)
    if not isinstance(described, mi.StructType):
        raise TypeError(cls)
    return described


@lru_cache(maxsize=1)
def _parts_of_a_runbook() -> Mapping[type, mi.StructType]:
    """Every struct that a runbook may hold, resolved together: alone, each would resolve all of its own parts again."""
    found: dict[type, mi.StructType] = {}
    waiting: list[mi.Type] = [mi.type_info(Runbook)]
    while waiting:
        match waiting.pop():
            case mi.StructType() as part if part.cls not in found:
                found[part.cls] = part
                waiting += (field.type for field in part.fields)
            case mi.Metadata() as marked:
                waiting.append(marked.type)
            case mi.UnionType() as union:
                waiting += union.types
            case mi.VarTupleType() as many:
                waiting.append(many.item_type)
            case mi.DictType() as mapping:
                waiting.append(mapping.value_type)
            case _:
                pass
    return MappingProxyType(found)


def keys_of(cls: type[msgspec.Struct]) -> dict[str, mi.Field]:
    """The keys that YAML may write for a struct, by the name written."""
    hidden = NOT_KEYS.get(cls, frozenset())
    return {field.encode_name: field for field in struct_type(cls).fields if field.name not in hidden}


class Reader:
    """Reads one document; `problems` holds what was wrong so far, in reading order."""

    def __init__(self, special: Mapping[type, Special] | None = None) -> None:
        """`special` names the structs that are read by a function of their own."""
        self.problems: list[Problem] = []
        self._special = special or {}

    def note(self, where: Where, code: str, what: str, fix: str = "", why: str = "") -> Invalid:
        """Keep a problem; returns INVALID so that a reader can end with it."""
        self.problems.append(Problem(what=what, why=why, fix=fix, where=where, code=code))
        return INVALID

    def value(self, node: Node, expected: mi.Type) -> object:
        """The value as that type, or INVALID."""
        if node.tag:
            return self.note(node.where, "unknown-tag", f"tag {node.tag} means nothing here", "Remove it.")
        match expected:
            case mi.Metadata():
                return self._marked(node, expected)
            case mi.StructType():
                return self.struct_or_shorthand(node, expected.cls)
            case mi.UnionType():
                return self._union(node, expected)
            case mi.VarTupleType() | mi.TupleType():
                return self._tuple(node, expected)
            case mi.DictType():
                return self._dict(node, expected)
            case mi.AnyType():
                return self._anything(node)
            case _:
                return self._scalar(node, expected)

    def struct_or_shorthand(self, node: Node, cls: type[msgspec.Struct], *, beside: Iterable[Entry] = ()) -> object:
        """A struct from its mapping or from what may stand for it; `beside` are keys written next to it."""
        if cls in self._special:
            return self._special[cls](self, node)
        entries = _spread(node, cls)
        short = SHORTHANDS.get(cls, Shorthand())
        if not entries and not (isinstance(node, MapNode) and short.mapping):
            return self.note(node.where, "wrong-type", f"{_shown(node)} where {_describe_struct(cls)} is expected")
        return self.struct(MapNode(where=node.where, entries=(*entries, *beside)), cls)

    def struct(
        self,
        node: MapNode,
        cls: type[msgspec.Struct],
        *,
        given: Mapping[str, object] | None = None,
        elsewhere: Iterable[str] = (),
    ) -> object:
        """A struct from a mapping. `given` are fields read already, `elsewhere` keys that somebody else reads."""
        keys = keys_of(cls)
        values: dict[str, object] = dict(given or {})
        elsewhere = frozenset(elsewhere)
        for entry in node.entries:
            if entry.name in keys:
                values[keys[entry.name].name] = self.value(entry.value, keys[entry.name].type)
            elif entry.name not in elsewhere:
                foreign = ours_for(entry.name) if cls in _OF_A_RUNBOOK else ""
                fix = foreign or _nearest_key(entry.name, {*keys, *elsewhere})
                self.note(entry.key.where, "unknown-key", f'unknown key "{entry.name}"', fix)
        for name, field in keys.items():
            if field.required and field.name not in values:
                values[field.name] = self.note(node.where, "missing-key", f'key "{name}" is missing', f"Add {name}.")
        return self._build(node, cls, values)

    def _build(self, node: MapNode, cls: type[msgspec.Struct], values: dict[str, object]) -> object:
        if any(value is INVALID for value in values.values()):
            return INVALID
        if issubclass(cls, Written):
            values |= {"where": node.where, "places": {entry.name: entry.value.where for entry in node.entries}}
        built = cls(**values)
        broken = broken_rules(built)
        for rule in broken:
            value = node.get(rule.key)
            self.note(value.where if value is not None else node.where, rule.code, rule.what, rule.fix, rule.why)
        return INVALID if broken else built

    def _marked(self, node: Node, expected: mi.Metadata) -> object:
        if expected == _SECONDS:
            return self._parsed(node, scalars.seconds, "duration", "bad-duration")
        if expected == _DATE:
            return self._parsed(node, lambda text: scalars.date(text).isoformat(), "date", "bad-date")
        inner = expected.type
        value = self.value(node, inner)
        if value is INVALID or not isinstance(inner, mi.StrType) or inner.pattern is None:
            return value
        return value if _matches(inner.pattern, str(value)) else self._malformed(node, expected)

    def _malformed(self, node: Node, expected: mi.Metadata) -> Invalid:
        said = (expected.extra_json_schema or {}).get("description", "")
        return self.note(node.where, "bad-value", f"{_shown(node)} is not allowed here", f"Expected: {said}")

    def _parsed(self, node: Node, parse: Callable[[str], object], noun: str, code: str) -> object:
        if not isinstance(node, ScalarNode) or node.value is None or isinstance(node.value, bool):
            return self.note(node.where, "wrong-type", f"{_shown(node)} where a {noun} is expected")
        try:
            return parse(node.raw)
        except ValueError as error:
            return self.note(node.where, code, f"{_shown(node)} is no {noun}", str(error))

    def _union(self, node: Node, expected: mi.UnionType) -> object:
        members = [member for member in expected.types if _fits(node, member)]
        if not members:
            words = " or ".join(
                dict.fromkeys(describe(member) for member in expected.types if not isinstance(member, mi.NoneType))
            )
            return self.note(node.where, "wrong-type", f"{_shown(node)} where {words} is expected")
        if len(members) > 1 and isinstance(node, ScalarNode):
            single = [member for member in members if not isinstance(member, mi.VarTupleType)]
            return self.value(node, single[0]) if len(single) == 1 else self._anything(node)
        return self.value(node, members[0])

    def _tuple(self, node: Node, expected: mi.VarTupleType | mi.TupleType) -> object:
        nodes = node.items if isinstance(node, ListNode) else (node,)
        if isinstance(expected, mi.TupleType):
            if len(nodes) != len(expected.item_types):
                return self.note(node.where, "wrong-type", f"{_shown(node)} where {describe(expected)} is expected")
            values = [self.value(each, kind) for each, kind in zip(nodes, expected.item_types, strict=True)]
        elif isinstance(node, ListNode) or _one_for_many(node, expected):
            values = [self.value(each, expected.item_type) for each in nodes]
        else:
            return self.note(node.where, "wrong-type", f"{_shown(node)} where {describe(expected)} is expected")
        return INVALID if any(value is INVALID for value in values) else tuple(values)

    def _dict(self, node: Node, expected: mi.DictType) -> object:
        if not isinstance(node, MapNode):
            return self.note(node.where, "wrong-type", f"{_shown(node)} where a mapping is expected")
        pairs = [(self.value(e.key, expected.key_type), self.value(e.value, expected.value_type)) for e in node.entries]
        return INVALID if any(INVALID in pair for pair in pairs) else dict(pairs)

    def _scalar(self, node: Node, expected: mi.Type) -> object:
        wrong = f"{_shown(node)} where {describe(expected)} is expected"
        if not isinstance(node, ScalarNode):
            return self.note(node.where, "wrong-type", wrong)
        if isinstance(expected, mi.IntType | mi.FloatType) and _is_too_large(node.value):
            return self.note(node.where, "bad-value", f"{_shown(node)} is larger than anything that is counted here")
        match expected:
            case mi.LiteralType():
                allowed = {str(value): value for value in expected.values}
                return allowed[node.raw] if node.raw in allowed else self._not_one_of(node, allowed)
            case mi.EnumType():
                names = {str(member.value): member for member in expected.cls}
                return names[node.raw] if node.raw in names else self._not_one_of(node, names)
            case mi.StrType():
                return node.raw if node.value is not None else self.note(node.where, "wrong-type", wrong, "Write text.")
            case mi.FloatType() if isinstance(node.value, int | float) and not isinstance(node.value, bool):
                return float(node.value)
            case _ if _fits(node, expected) and not isinstance(expected, mi.FloatType):
                return node.value
            case _:
                return self.note(node.where, "wrong-type", wrong)

    def _anything(self, node: Node) -> object:
        """A value of whatever shape; numbers in it must survive the record as they are."""
        if isinstance(node, ScalarNode) and _is_too_large(node.value):
            return self.note(
                node.where, "bad-value", f"{_shown(node)} is too large for a number", "Quote it as a text."
            )
        inside = node.items if isinstance(node, ListNode) else ()
        inside = tuple(entry.value for entry in node.entries) if isinstance(node, MapNode) else inside
        bad = [each for each in inside if self._anything(each) is INVALID]
        return INVALID if bad else plain(node, keep_spelling=True)

    def _not_one_of(self, node: ScalarNode, allowed: Iterable[str]) -> Invalid:
        choices = ", ".join(allowed)
        guess = nearest(node.raw, allowed)
        fix = guess if guess.startswith("Did") else ""
        return self.note(node.where, "bad-choice", f"{_shown(node)} is not one of {choices}", fix)


def describe(expected: mi.Type) -> str:
    """The type in an operator's words, with its article."""
    match expected:
        case mi.Metadata():
            return "a duration" if expected == _SECONDS else describe(expected.type)
        case mi.VarTupleType():
            return f"a list ({describe(expected.item_type)} each)"
        case mi.TupleType():
            return f"a list of {len(expected.item_types)}"
        case mi.StructType():
            return _describe_struct(expected.cls)
        case mi.LiteralType():
            return " or ".join(map(str, expected.values))
        case _:
            return _WORDS.get(type(expected), "a mapping")


def _nearest_key(name: str, known: set[str]) -> str:
    """The likeliest key; where none is likely, all when they are few and the manual when they are many."""
    guess = nearest(name, known)
    few = len(known) <= 12  # noqa: PLR2004 - what fits on a line
    return guess if few or guess.startswith("Did") else "docs/format.md lists the keys that may stand here."


def _describe_struct(cls: type[msgspec.Struct]) -> str:
    short = SHORTHANDS.get(cls)
    ways = ["text"] * bool(short and short.text) + ["a list"] * bool(short and short.items)
    ways += ["a mapping"] * bool(short and short.whole)
    if short is None or short.mapping:
        required = [name for name, field in keys_of(cls).items() if field.required]
        ways.append("a mapping" + (f" with {', '.join(required)}" if required else ""))
    return " or ".join(ways)


def _spread(node: Node, cls: type) -> tuple[Entry, ...]:
    """The keys of a struct's mapping, or the one key that a shorthand stands for; none when it is neither."""
    short = SHORTHANDS.get(cls, Shorthand())
    match node:
        case ScalarNode() if short.text and node.value is not None:
            return (_entry(short.text, node),)
        case ListNode() if short.items:
            return (_entry(short.items, node),)
        case MapNode() if short.whole:
            return (_entry(short.whole, node),)
        case MapNode() if short.mapping:
            return node.entries
        case ScalarNode() | ListNode() | MapNode():
            return ()
        case _:
            assert_never(node)


def _entry(key: str, value: Node) -> Entry:
    return Entry(key=ScalarNode(where=value.where, value=key, raw=key), value=value)


def _fits(node: Node, expected: mi.Type) -> bool:
    """Whether the node has the shape of that type; its content may still be wrong."""
    match expected:
        case mi.Metadata() if expected == _SECONDS:
            return isinstance(node, ScalarNode) and node.value is not None
        case mi.Metadata():
            return _fits(node, expected.type)
        case mi.StructType():
            return isinstance(node, MapNode) or bool(_spread(node, expected.cls))
        case mi.VarTupleType():
            return isinstance(node, ListNode) or _one_for_many(node, expected)
        case mi.TupleType():
            return isinstance(node, ListNode)
        case mi.DictType():
            return isinstance(node, MapNode)
        case _:
            return isinstance(node, ScalarNode) and _holds(node.value, expected)


def _holds(value: object, expected: mi.Type) -> bool:
    match expected:
        case mi.NoneType():
            return value is None
        case mi.BoolType():
            return isinstance(value, bool)
        case mi.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case mi.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case mi.LiteralType():
            return value in expected.values
        case _:
            return value is not None


def _one_for_many(node: Node, expected: mi.VarTupleType) -> bool:
    """A single value stands for a list of one where the items are single values."""
    item = expected.item_type
    item = item.type if isinstance(item, mi.Metadata) else item
    return isinstance(node, ScalarNode) and node.value is not None and isinstance(item, _ONE_VALUE)


def _is_too_large(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) > LARGEST


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    # In JSON Schema (ECMA 262) `$` is the end of the text; in Python it would let a last newline through.
    return re.compile(pattern.replace("$", r"\Z"))


def _shown(node: Node) -> str:
    match node:
        case ScalarNode(value=None):
            return "an empty value"
        case ScalarNode():
            # 40 characters keep the message on one line of a terminal.
            text = node.raw if len(node.raw) <= 40 else f"{node.raw[:37]}..."  # noqa: PLR2004 - said above
            return '"' + text.replace("\n", " ") + '"'
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping"
        case _:
            assert_never(node)
