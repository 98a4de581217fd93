"""Ansible's INI inventory: `[group]`, `[group:children]`, `[group:vars]`, hosts with `key=value` behind them.

It resembles INI and is not: a host line is split as a shell would split it, a `:vars` line at its first `=`, and the
values of both are Python literals where they can be (`5`, `True`, `['a']`), else text. `ast.literal_eval` reads
literals and runs nothing. Every line is judged by itself, so that one reading reports every bad one.
Specification: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_inventory.html
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings

from runbook.core.host import Json
from runbook.inventory.draft import UNGROUPED, InventoryDraft, Setting, undefined_group, written
from runbook.inventory.host_expression import expand
from runbook.problem import Problem, Problems, Where, nearest

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_KINDS = ("hosts", "children", "vars")
_COMMENTS = ("#", ";")

_MAX_LITERAL = 65_536
"""Characters; a longer value is kept as text, because Python's own reader recurses on what it reads."""
_DEEPEST = 50
"""As deep as a YAML document may nest."""
_LARGEST = 2**63
"""Beyond 64 bits a number cannot travel in a record; it is kept as text."""


def read_ini(text: str, file: str, draft: InventoryDraft) -> None:
    """Add what an INI inventory says to the draft; what is wrong with it goes to `draft.problems`."""
    _IniReader(file, draft).read(text)


class _IniReader:
    """Walks the lines once; remembers what is spoken of before it is defined."""

    def __init__(self, file: str, draft: InventoryDraft) -> None:
        self._file = file
        self._draft = draft
        self._group = UNGROUPED
        self._kind = "hosts"
        self._edges: list[tuple[str, str, Where]] = []
        self._defined = set(draft.groups)
        self._assigned: dict[str, Where] = {}

    def read(self, text: str) -> None:
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip()
            if stripped and not stripped.startswith(_COMMENTS):
                self._read_line(stripped, Where(self._file, number))
        self._join()

    def _read_line(self, line: str, where: Where) -> None:
        if line.startswith("[") and (line.endswith("]") or _SECTION.fullmatch(line)):
            self._read_section(line, where)
        elif self._kind == "hosts":
            self._read_host(line, where)
        elif self._kind == "vars":
            self._read_variable(line, where)
        else:
            self._read_child(line, where)

    def _read_section(self, line: str, where: Where) -> None:
        match = _SECTION.fullmatch(line)
        kind = (match[2] or "hosts") if match else ""
        if match is None:
            self._bad(f"{line} is no section", "Write [group], [group:children] or [group:vars], no spaces.", where)
        elif kind not in _KINDS:
            self._bad(f'section {line} has the unknown kind "{kind}"', nearest(kind, _KINDS), where)
        else:
            self._group, self._kind = match[1], kind
            self._draft.add_group(self._group, where)
            if kind == "vars":
                self._assigned.setdefault(self._group, where)
            else:
                self._defined.add(self._group)

    def _read_host(self, line: str, where: Where) -> None:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            self._bad("a quotation is not closed", "Add the missing quotation mark.", where)
            return
        try:
            expression = expand(words[0], where)
        except Problems as refused:
            self._draft.problems += refused.problems
            return
        settings = self._read_assignments(words[1:], where)
        for name in expression.names:
            self._draft.add_host(name, self._group, port=expression.port, where=where)
            for variable, setting in settings.items():
                self._draft.set_host(name, variable, setting)

    def _read_assignments(self, words: list[str], where: Where) -> dict[str, Setting]:
        settings = {}
        for word in words:
            variable, equals, value = word.partition("=")
            if equals and variable:
                settings[variable] = written(_literal(value), where)
            else:
                self._bad(f'"{word}" stands behind a host', "Write key=value, without spaces around the =.", where)
        return settings

    def _read_variable(self, line: str, where: Where) -> None:
        variable, equals, value = line.partition("=")
        if equals and variable.strip():
            self._draft.set_group(self._group, variable.strip(), written(_literal(value.strip()), where))
        else:
            self._bad(f'"{line}" sets no variable', "Write key = value.", where)

    def _read_child(self, line: str, where: Where) -> None:
        match = _GROUP.fullmatch(line)
        if match is None:
            self._bad(f'"{line}" is no group name', "Write one group name a line.", where)
        else:
            self._edges.append((self._group, match[1], where))

    def _join(self) -> None:
        """Children and variables may name groups that come later, so they are judged at the end."""
        for group, where in self._assigned.items():
            if group not in self._defined:
                self._draft.problems.append(undefined_group(group, known=self._defined, where=where))
        for parent, child, where in self._edges:
            if child in self._defined:
                self._draft.add_child(parent, child, where=where)
            else:
                self._draft.problems.append(undefined_group(child, known=self._defined, where=where))

    def _bad(self, what: str, fix: str, where: Where) -> None:
        self._draft.problems.append(Problem(what=what, fix=fix, where=where, code="bad-line"))


def _literal(text: str) -> Json:
    """The value that a Python literal stands for; the text itself when it is none."""
    if len(text) > _MAX_LITERAL:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # an odd escape in somebody's value is not our news
            return _plain(ast.literal_eval(text), text, depth=0)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _plain(value: object, text: str, *, depth: int) -> Json:
    """A literal as JSON could say it: sets and tuples are lists, and what JSON lacks stays text.

    Raises:
        ValueError: It nests too deep for those who will walk it.
    """
    if depth > _DEEPEST:
        raise ValueError(depth)
    match value:
        case bool() | str() | None:
            return value
        case int() if abs(value) < _LARGEST:
            return value
        case float() if value - value == 0:  # neither infinite nor NaN
            return value
        case list() | tuple() | set():
            return [_plain(item, repr(item), depth=depth + 1) for item in value]
        case dict():
            return {str(key): _plain(item, repr(item), depth=depth + 1) for key, item in value.items()}
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return "..." if value is ... else text
