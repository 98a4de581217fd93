"""The mistake that everybody makes once: a value that begins with `{{` and has no quotes around it.

YAML reads `{{ x }}` as a mapping in a mapping, and what its parser then says (a key that is no text, a missing bracket)
helps nobody. Here such a complaint is replaced by the one that does, with the line as it should be written. Pure text,
asked only after a document could not be read: a template inside a text that does not begin with it needs no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from runbook.problem import Problem, Where

_BLOCK = re.compile(r"^(?P<before>\s*(?:- +)*(?:[^\s#'\"{\[][^:#]*: +)?)(?P<value>\{[{%].*?)(?P<comment>\s+#.*)?$")
"""A value in block style that begins with a template: behind `key: ` or `- `."""

_LONGEST_LINE = 500
"""Characters of a line that somebody has written by hand. The patterns take a time that grows faster than these."""

_BACK = 2
"""Lines up to a complaint about brackets in which the cause is looked for."""

_FLOW = re.compile(r"(?<=[\[,:{ ])\{\{[^'\"]*?\}\}[^,\]}'\"]*")
"""A template among the items of `[...]` or `{...}`."""


def with_quotes(problems: Iterable[Problem], text: str) -> tuple[Problem, ...]:
    """The problems, those that only the missing quotes have caused said once and in plain words."""
    lines = text.split("\n")
    told = (_unquoted(problem, lines) or problem for problem in problems)
    return tuple(dict.fromkeys(told))


def _unquoted(problem: Problem, lines: list[str]) -> Problem | None:
    where = problem.where
    if where is None or problem.code not in {"bad-key", "bad-yaml"} or not 0 < where.line <= len(lines):
        return None
    # A bracket that is never closed is missed by the parser only on a line further down.
    back = _BACK if "flow mapping" in problem.why else 1
    for number in range(where.line, max(0, where.line - back), -1):
        line = lines[number - 1].rstrip("\r")
        right = quoted(line)
        if right is not None:
            column = re.search(r"\{[{%]", line)
            return Problem(
                what="a template without quotes around its value",
                why='YAML takes a value that begins with "{" for a mapping of its own',
                fix=f"Quote it: `{right.strip()}`",
                where=Where(where.file, number, column.start() + 1 if column else 1),
                code="unquoted-template",
            )
    return None


def quoted(line: str) -> str | None:
    """The line with quotes where they are missing; None where no value begins with a template."""
    if len(line) > _LONGEST_LINE:
        return None
    block = _BLOCK.match(line)
    if block is not None and block["before"].strip():
        return f"{block['before']}{_in_quotes(block['value'].rstrip())}{block['comment'] or ''}"
    if line.lstrip().startswith("{{"):
        return None  # a key, or a line of a text that goes on
    right = _FLOW.sub(lambda found: _in_quotes(found[0].rstrip()), line)
    return right if right != line else None


def _in_quotes(value: str) -> str:
    """In double quotes where nothing has to be escaped in them, else in single ones (YAML 1.2.2, 7.3)."""
    if '"' in value or "\\" in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'
