"""A report as Markdown: for tickets, wikis and reading in a terminal.

All text is escaped, so that a host name cannot become a link and a reason cannot break a table. The dialect is
CommonMark with GitHub's tables.
"""

from __future__ import annotations

import re
from typing import assert_never

from runbook.report.blocks import Block, Cell, Facts, Figure, Listing, Paragraph, Section, Table, Verdict, Word
from runbook.report.model import Report
from runbook.report.sections import sections
from runbook.view.sanitize import safe
from runbook.view.timeline import Timeline, draw
from runbook.view.words import duration

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&!])")
_CELLS = 60
_NAME = 28


def markdown(report: Report) -> str:
    """The whole report, ending in a line feed."""
    parts = [f"# {escaped(safe(report.identity.title))}", *(_section(section) for section in sections(report))]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows letter for letter. A bare address may become a link to itself, which hides nothing."""
    return _SPECIAL.sub(r"\\\1", text)


def _section(section: Section) -> str:
    return "\n\n".join([f"## {escaped(section.title)}", *(_block(block) for block in section.blocks)])


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return escaped(block.text)
        case Verdict() | Facts():
            return _table(("", ""), block.rows)
        case Table():
            return _table(block.head, block.rows) if block.rows else escaped(block.empty)
        case Listing():
            return f"**{escaped(block.caption)}**\n\n{fenced(block.lines)}"
        case Figure():
            return f"**{escaped(block.caption)}**\n\n{fenced(_drawn(block.timeline))}"
        case _:
            assert_never(block)


def _table(head: tuple[str, ...], rows: tuple[tuple[Cell, ...], ...]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_cell(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    return f"**{escaped(cell.text)}**" if isinstance(cell, Word) else escaped(cell)


def fenced(lines: tuple[str, ...]) -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _drawn(axis: Timeline) -> tuple[str, ...]:
    rows = [f"{f'{row.id} {row.name}'[:_NAME]:<{_NAME}} [{draw(row, axis, _CELLS)}]" for row in axis.rows]
    foot = f"{'':<{_NAME}}  0:00{duration(axis.end):>{_CELLS - 4}}"
    return (*rows, foot, "= work  . waiting for people  g gate  A answer  X failure  ! objective lapses")
