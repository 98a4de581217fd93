"""YAML as nodes that know where they stand: the only file that imports yaml.

It reads the parser's events, never its objects, so nothing in a document can name a Python type, nest deep enough to
exhaust the stack or expand aliases without bound. Scalars follow YAML 1.2's core schema: `on`, `yes` and `2026-11-01`
are text, and the raw spelling is kept for readers that expect text or, as inventories do, older rules. It refuses to
know any vocabulary: what a key means is the business of the readers above.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, assert_never

import msgspec
import yaml

from runbook.core.host import Json, Scalar
from runbook.document.core_schema import scalar_of
from runbook.document.encoding import yaml_text
from runbook.document.unquoted import with_quotes
from runbook.document.yaml_fault import Complaint, Spot, fault
from runbook.problem import Problem, Problems, Where, problem

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_TEXT_TAGS = {"", "!", f"{_CORE_TAG}str"}

_BRACKET = re.compile(r"[\[\]{}]")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a document may ask of us. A document beyond them is a mistake or an attack."""

    size: int = 1 << 20
    """Bytes."""
    depth: int = 50
    nodes: int = 50_000
    """Counted after aliases are expanded."""


class ScalarNode(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf."""

    where: Where
    value: Scalar
    """By the core schema; text whenever it was quoted or carries a tag."""
    raw: str
    """As written, without its quotes."""
    quoted: bool = False
    tag: str = ""
    """A tag that is not of the core schema, such as `!vault`; readers that know none refuse it."""


class ListNode(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence."""

    where: Where
    items: tuple[Node, ...]
    tag: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key with its value."""

    key: ScalarNode
    value: Node

    @property
    def name(self) -> str:
        """The key as written: `on` is "on" and `1` is "1"."""
        return self.key.raw


class MapNode(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping, in the order written; merge keys are expanded behind the keys that the mapping writes itself."""

    where: Where
    entries: tuple[Entry, ...]
    tag: str = ""

    def get(self, name: str) -> Node | None:
        """The value of that key; None when the key was not written."""
        return next((entry.value for entry in self.entries if entry.name == name), None)


Node = ScalarNode | ListNode | MapNode
"""The closed union."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was read: what it says, and the digest of its exact bytes for the record."""

    file: str
    sha256: str
    root: Node
    warnings: tuple[Problem, ...] = ()
    """Keys that were written twice, where the last one wins."""


def read_source(path: Path, *, limits: Limits | None = None) -> Source:
    """Read one file.

    Raises:
        Problems: it cannot be read, is no UTF-8 text, no YAML, or goes beyond the limits.
    """
    limits = limits or Limits()
    try:
        with path.open("rb") as file:
            data = file.read(limits.size + 1)
    except OSError as error:
        why = error.strerror or str(error)
        fix = "Check the name, the folder and who may read it."
        raise problem(f"cannot read {path}", why=why, fix=fix, where=Where(str(path)), code="unreadable") from error
    return parse_source(data, str(path), limits=limits)


def parse_source(data: bytes, file: str, *, limits: Limits | None = None, last_key_wins: bool = False) -> Source:
    """Read bytes; `file` is the name that problems give as their place.

    A key that is written twice is a problem, or with `last_key_wins`, as Ansible reads, a warning.

    Raises:
        Problems: it is no UTF-8 text, no YAML, or goes beyond the limits.
    """
    limits = limits or Limits()
    if len(data) > limits.size:
        what = f"{file} is larger than {limits.size:,} bytes"
        fix = "Split it; long scripts belong in files of their own."
        raise problem(what, fix=fix, where=Where(file), code="too-large")
    text = yaml_text(data, file)
    composer = _Composer(file=file, limits=limits, last_key_wins=last_key_wins)
    try:
        root = composer.document(text)
    except Problems as wrong:
        raise Problems(with_quotes(wrong.problems, text)) from wrong
    digest = hashlib.sha256(data).hexdigest()
    return Source(file=file, sha256=digest, root=root, warnings=tuple(composer.warnings))


def plain(node: Node, *, keep_spelling: bool = False) -> Json:
    """The bare value, its places forgotten.

    With `keep_spelling` a number that would not be spelled the same again stays text: release 1.10 is not 1.1.
    """
    match node:
        case ScalarNode(value=float()) if keep_spelling:
            return node.value if str(node.value) == node.raw else node.raw
        case ScalarNode():
            return node.value
        case ListNode():
            return [plain(item, keep_spelling=keep_spelling) for item in node.items]
        case MapNode():
            return {entry.name: plain(entry.value, keep_spelling=keep_spelling) for entry in node.entries}
        case _:
            assert_never(node)


class _Open(msgspec.Struct):
    """A collection whose end has not been met."""

    where: Where
    mapping: bool
    anchor: str
    tag: str
    before: int
    """Nodes counted before it: the difference at its end is what an alias to it costs."""
    children: list[Node]


class _Composer:
    """Turns events into nodes, with a stack of its own so that depth is a number and not a crash."""

    def __init__(self, *, file: str, limits: Limits, last_key_wins: bool) -> None:
        self.warnings: list[Problem] = []
        self._last_key_wins = last_key_wins
        self._file = file
        self._limits = limits
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._stack: list[_Open] = []
        self._count = 0
        self._problems: list[Problem] = []

    def document(self, text: str) -> Node:
        """The one document in the text; an empty text is a null."""
        root: Node | None = None
        for event in self._events(text):
            match event:
                case yaml.DocumentStartEvent() if root is not None:
                    self._stop(event, "several-documents", "a second document begins", "Write one document per file.")
                case yaml.ScalarEvent() | yaml.AliasEvent() | yaml.CollectionStartEvent() | yaml.CollectionEndEvent():
                    done = self._node(event)
                    root = done if done is not None and not self._stack else root
                case _:
                    pass
        if self._problems:
            raise Problems(self._problems)
        return root if root is not None else ScalarNode(where=Where(self._file, 1, 1), value=None, raw="")

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            self._stop_where_too_deep(text[: error.problem_mark.index] if error.problem_mark else text)
            raise Problems([*self._problems, _syntax(error, text, self._file)]) from error
        except yaml.YAMLError as error:
            raise problem("not YAML", why=str(error), where=Where(self._file), code="bad-yaml") from error

    def _stop_where_too_deep(self, text: str) -> None:
        """Refuse by our own limit what the fast parser refused by one of its own, before we heard of any bracket."""
        if _open_brackets(text) <= self._limits.depth:
            return
        level = 0
        with contextlib.suppress(yaml.YAMLError):  # the mistake is told in the words of the parser that met it first
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if level > self._limits.depth:
                    self._stop_too_deep(event)

    def _stop_too_deep(self, event: yaml.Event) -> NoReturn:
        what = f"nested deeper than {self._limits.depth} levels"
        self._stop(event, "too-deep", what, "Split it, or call another runbook.")

    def _node(self, event: yaml.Event) -> Node | None:
        """The node that this event completes; None while a collection is open."""
        match event:
            case yaml.ScalarEvent():
                return self._close(self._scalar(event), anchor=event.anchor or "", cost=1)
            case yaml.AliasEvent():
                node, cost = self._alias(event)
                return self._close(node, anchor="", cost=cost)
            case yaml.CollectionStartEvent():
                self._open(event)
                return None
            case _:
                return self._end()

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._stack) >= self._limits.depth:
            self._stop_too_deep(event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        where, anchor, tag = self._where(event), event.anchor or "", _tag(event.tag)
        before = self._count
        self._add(1, event)
        self._stack.append(_Open(where, mapping, anchor, tag, before, []))

    def _end(self) -> Node | None:
        opened = self._stack.pop()
        node = self._mapping(opened) if opened.mapping else _list(opened)
        if opened.anchor:
            self._anchors[opened.anchor] = (node, self._count - opened.before)
        return self._attach(node)

    def _close(self, node: Node, *, anchor: str, cost: int) -> Node | None:
        if anchor:
            self._anchors[anchor] = (node, cost)
        return self._attach(node)

    def _attach(self, node: Node) -> Node | None:
        if self._stack:
            self._stack[-1].children.append(node)
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        self._add(1, event)
        tag = _tag(event.tag)
        quoted = event.style in {"'", '"', "|", ">"}
        text = quoted or tag != "" or (event.tag or "") in _TEXT_TAGS - {""}
        value = event.value if text else scalar_of(event.value)
        return ScalarNode(where=self._where(event), value=value, raw=event.value, quoted=quoted, tag=tag)

    def _alias(self, event: yaml.AliasEvent) -> tuple[Node, int]:
        known = self._anchors.get(event.anchor or "")
        if known is None:
            inside = any(opened.anchor == event.anchor for opened in self._stack)
            what = f"alias *{event.anchor} stands inside itself" if inside else f"alias *{event.anchor} has no anchor"
            self._stop(event, "bad-alias", what, f"Write &{event.anchor} before it, or repeat the value.")
        self._add(known[1], event)
        return known

    def _add(self, count: int, event: yaml.Event) -> None:
        self._count += count
        if self._count > self._limits.nodes:
            what = f"more than {self._limits.nodes:,} values, with aliases expanded"
            self._stop(event, "too-many-values", what, "Split it, or use fewer aliases.")

    def _mapping(self, opened: _Open) -> MapNode:
        entries: dict[str, Entry] = {}
        merged: list[Entry] = []
        for key, value in zip(opened.children[::2], opened.children[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self._note(key.where, "bad-key", "a key that is not text", 'Quote text that begins with "{" or "[".')
            elif key.raw == _MERGE and not key.quoted:
                merged += self._merge(value)
            elif key.raw in entries:
                self._twice(entries, key, value)
            else:
                entries[key.raw] = Entry(key=key, value=value)
        for entry in merged:
            entries.setdefault(entry.name, entry)
        return MapNode(where=opened.where, entries=tuple(entries.values()), tag=opened.tag)

    def _twice(self, entries: dict[str, Entry], key: ScalarNode, value: Node) -> None:
        what = f'key "{key.raw}" is already on line {entries[key.raw].key.where.line}'
        if not self._last_key_wins:
            self._note(key.where, "duplicate-key", what, "Keep one of them.")
            return
        entries[key.raw] = Entry(key=key, value=value)
        why, fix = "the last one counts, as in Ansible", "Keep one of them."
        twice = Problem(what=what, why=why, fix=fix, where=key.where, code="duplicate-key", warning=True)
        self.warnings.append(twice)

    def _merge(self, value: Node) -> list[Entry]:
        sources = value.items if isinstance(value, ListNode) else (value,)
        maps = [source for source in sources if isinstance(source, MapNode)]
        if len(maps) < len(sources):
            self._note(
                value.where, "bad-merge", '"<<" takes a mapping or a list of mappings', "Write an alias such as *name."
            )
        return [entry for source in maps for entry in source.entries]

    def _where(self, event: yaml.Event) -> Where:
        mark = event.start_mark
        return Where(self._file, mark.line + 1, mark.column + 1) if mark is not None else Where(self._file)

    def _note(self, where: Where, code: str, what: str, fix: str) -> None:
        self._problems.append(Problem(what=what, fix=fix, where=where, code=code))

    def _stop(self, event: yaml.Event, code: str, what: str, fix: str) -> NoReturn:
        last = Problem(what=what, fix=fix, where=self._where(event), code=code)
        raise Problems([*self._problems, last])


def _open_brackets(text: str) -> int:
    """How many brackets may stand open at once, at most: those in quotes are counted too, which costs only time."""
    deepest = level = 0
    for mark in _BRACKET.findall(text):
        level += 1 if mark in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def _list(opened: _Open) -> ListNode:
    return ListNode(where=opened.where, items=tuple(opened.children), tag=opened.tag)


def _tag(tag: str | None) -> str:
    """A tag of the core schema says nothing new (its scalars are typed by their spelling), others are kept."""
    known = (
        tag is None
        or tag == "!"
        or tag.removeprefix(_CORE_TAG) in {"str", "int", "float", "bool", "null", "seq", "map"}
    )
    return "" if known else str(tag)


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    said = Complaint(error.problem or "", error.context or "", _spot(error.problem_mark), _spot(error.context_mark))
    return fault(said, text, file)


def _spot(mark: yaml.Mark | None) -> Spot | None:
    return None if mark is None else Spot(mark.line, mark.column)
