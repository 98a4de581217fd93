"""JSON Schema (2020-12) of a runbook, made from the same declarations that the reader obeys.

For editors that complete and check while typing. It says what can be said without hosts and parameters, and is never
stricter than the reader: what it refuses the reader refuses, while rules between values (`value_rules.py`) and names
are the reader's and the compiler's alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import msgspec.inspect as mi

from runbook.core.host import Json
from runbook.core.milestone_name import Seconds
from runbook.core.written.runbook import Probe, Runbook, Step
from runbook.document.fields import keys_of
from runbook.document.vocabulary import KINDS, PROBE_KINDS, SHORTHANDS, Kind, Shorthand

Schema = dict[str, Json]

_SECONDS = mi.type_info(Seconds)
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""Where text is expected a number or a boolean is taken as it is written."""
_BEARERS: dict[type, tuple[Kind, ...]] = {Step: KINDS, Probe: PROBE_KINDS}


def runbook_schema() -> Schema:
    """The schema of a runbook's file."""
    maker = _Maker()
    root = maker.reference(Runbook)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A runbook",
        **root,
        "$defs": dict(sorted(maker.definitions.items())),
    }


class _Maker:
    """Collects a definition for every struct that is met."""

    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}

    def reference(self, cls: type[msgspec.Struct]) -> Schema:
        """A `$ref` to the struct's definition, which is made when it is first asked for."""
        name = cls.__name__
        if name not in self.definitions:
            self.definitions[name] = None  # taken, so that a struct that contains itself ends here
            self.definitions[name] = self._struct(cls)
        return {"$ref": f"#/$defs/{name}"}

    def of(self, kind: mi.Type) -> Schema:
        """The schema of one type."""
        match kind:
            case mi.Metadata():
                return self._marked(kind)
            case mi.StructType():
                return self.reference(kind.cls)
            case mi.UnionType():
                return {"anyOf": [self.of(member) for member in kind.types]}
            case mi.VarTupleType():
                items = self.of(kind.item_type)
                many: Schema = {"type": "array", "items": items}
                return {"anyOf": [many, items]} if _is_single(kind.item_type) else many
            case mi.TupleType():
                each: list[Json] = [self.of(item) for item in kind.item_types]
                return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
            case mi.DictType():
                names = self.of(kind.key_type)
                return {"type": "object", "propertyNames": names, "additionalProperties": self.of(kind.value_type)}
            case _:
                return _single(kind)

    def _marked(self, kind: mi.Metadata) -> Schema:
        said: Schema = dict(kind.extra_json_schema or {})
        if kind == _SECONDS:
            spelled: Schema = {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?(ms|[smhd])?)+\s*$"}
            return {**said, "anyOf": [{"type": "number", "minimum": 0}, spelled]}
        return {**said, **self.of(kind.type)}

    def _struct(self, cls: type[msgspec.Struct]) -> Schema:
        short = SHORTHANDS.get(cls, Shorthand())
        keys = keys_of(cls)
        ways: list[Schema] = []
        if short.text:
            ways.append({"allOf": [self.of(keys[short.text].type), {"not": {"type": ["object", "array", "null"]}}]})
        if short.items:
            ways.append({"allOf": [self.of(keys[short.items].type), {"type": "array"}]})
        if short.whole:
            ways.append({"allOf": [self.of(keys[short.whole].type), {"type": "object"}]})
        if short.mapping:
            ways.append(self._mapping(cls))
        said = {"description": " ".join((cls.__doc__ or "").split("\n\n")[0].split())}
        return {**said, **(ways[0] if len(ways) == 1 else {"anyOf": list(ways)})}

    def _mapping(self, cls: type[msgspec.Struct]) -> Schema:
        keys = keys_of(cls)
        properties: Schema = {name: self.of(field.type) for name, field in keys.items()}
        kinds = _BEARERS.get(cls, ())
        beside = {key for kind in _written_beside(cls) for key in kind.siblings}
        schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": [name for name, field in keys.items() if field.required and name not in beside],
            "additionalProperties": False,
        }
        if kinds:
            properties |= self._kinds(cls, kinds)
            schema |= {"oneOf": [_chosen(kind, kinds) for kind in kinds], **_siblings_need_their_kind(cls, kinds)}
        return schema

    def _kinds(self, cls: type[msgspec.Struct], kinds: tuple[Kind, ...]) -> Schema:
        """A property for each kind and for what may stand beside it."""
        found: Schema = {kind.word: self.reference(kind.action) for kind in kinds}
        own = keys_of(cls)
        for kind in kinds:
            fields = keys_of(kind.action)
            for key in kind.siblings:
                if key not in own:
                    known = found.get(key)
                    said = self.of(fields[key].type)
                    found[key] = {"anyOf": [known, said]} if known and known != said else said
        return found


def _chosen(kind: Kind, kinds: tuple[Kind, ...]) -> Schema:
    """That this kind is the one: `manual` gives way to a kind that a machine can do."""
    fields = keys_of(kind.action) if kind.siblings else {}
    inside = SHORTHANDS.get(kind.action, Shorthand()).mapping
    beside = [] if inside else [key for key in kind.siblings if fields[key].required]
    chosen: Schema = {"required": [kind.word, *beside]}
    others: list[Json] = [{"required": [each.word]} for each in kinds if each.automates]
    return {**chosen, "not": {"anyOf": others}} if kind.word == "manual" else chosen


def _siblings_need_their_kind(cls: type[msgspec.Struct], kinds: tuple[Kind, ...]) -> Schema:
    owners: dict[str, list[Json]] = {}
    for kind in kinds:
        for key in kind.siblings:
            owners.setdefault(key, []).append({"required": [kind.word]})
    own = keys_of(cls)
    needed: Schema = {key: {"anyOf": each} for key, each in owners.items() if key not in own}
    return {"dependentSchemas": needed} if needed else {}


def _written_beside(cls: type) -> Iterable[Kind]:
    """The kinds whose keys may stand beside the word instead of inside."""
    return (kind for kind in KINDS if kind.action is cls)


def _is_single(kind: mi.Type) -> bool:
    inner = kind.type if isinstance(kind, mi.Metadata) else kind
    return isinstance(inner, mi.StrType | mi.IntType | mi.FloatType | mi.BoolType | mi.LiteralType | mi.EnumType)


def _single(kind: mi.Type) -> Schema:
    match kind:
        case mi.StrType(pattern=None):
            return dict(_TEXT)
        case mi.StrType():
            pattern = kind.pattern or ""
            spelled: Schema = {"type": "string", "pattern": pattern}
            numbers: list[Json] = [spelled, {"type": "integer", "minimum": 0}]
            return {"anyOf": numbers} if re.search(pattern, "1") else spelled
        case mi.IntType():
            return {"type": "integer"}
        case mi.FloatType():
            return {"type": "number"}
        case mi.BoolType():
            return {"type": "boolean"}
        case mi.NoneType():
            return {"type": "null"}
        case mi.LiteralType():
            return {"enum": list(kind.values)}
        case mi.EnumType():
            return {"enum": [member.value for member in kind.cls]}
        case _:
            return {}
