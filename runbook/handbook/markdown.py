"""The handbook as Markdown: every text escaped, so that nothing that somebody wrote becomes a link or breaks a table.

Tables get one column more than in the document, which says where each row is from. Pictures are lists here.
"""

from __future__ import annotations

from typing import assert_never

from runbook.handbook.model import Block, Bullets, Cell, Graph, Handbook, Part, Prose, Table, Trend, Year
from runbook.handbook.saying import SOURCE, gap, lines, origins, words
from runbook.report.markdown import escaped, fenced
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured


def markdown(book: Handbook, mark: str) -> str:
    """The whole document, ending in a line feed; `mark` is the line by which it is later held against its sources."""
    parts = [*map(_part, book.parts), "---", _bullets(book.closing), f"<!-- {mark} -->"]
    return "\n\n".join(parts) + "\n"


def _part(part: Part) -> str:
    return "\n\n".join([f"{'#' * part.level} {part.title}", *filter(None, map(_block, part.blocks))])


def _block(block: Block) -> str:
    match block:
        case Prose():
            return _prose(block)
        case Bullets():
            return _bullets(block)
        case Table():
            return _table(block)
        case Trend():
            return _trend(block)
        case Year():
            return _year(block)
        case Graph():
            return "\n".join(f"- {_text(one)} needs {_text(other)}" for one, other in block.edges)
        case _:
            assert_never(block)


def _prose(block: Prose) -> str:
    """Several lines are shown as they stand, so that a configuration stays one."""
    several = lines(block.said)
    if not several:
        return _said(block.said)
    return f"{escaped(origins([block.said]))}\n\n{fenced(several)}"


def _said(cell: Cell) -> str:
    source = origins([cell])
    return f"{escaped(words(cell))}{f' ({escaped(source)})' if source else ''}"


def _bullets(block: Bullets) -> str:
    if not block.rows and block.gap is not None:
        return escaped(gap(block.gap))
    marks = (f"{number}." if block.is_numbered else "-" for number in range(1, len(block.rows) + 1))
    return "\n".join(
        f"{mark} **{_text(name)}:** {_said(cell)}" for mark, (name, cell) in zip(marks, block.rows, strict=True)
    )


def _table(block: Table) -> str:
    if not block.rows:
        return f"{_row((*block.head, SOURCE))}\n{_row(['---'] * (len(block.head) + 1))}\n\n{escaped(gap(block.gap))}"
    rows = (_row([*(escaped(words(cell)) for cell in row), escaped(origins(row)) or "-"]) for row in block.rows)
    return "\n".join([_row((*block.head, SOURCE)), _row(["---"] * (len(block.head) + 1)), *rows])


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _trend(block: Trend) -> str:
    promised = f", promised {duration(block.promised)}" if block.promised is not None else ""
    points = (f"- {point.day}: {measured(point.seconds)} (run {_text(point.run)})" for point in block.points)
    return "\n".join([f"**Time to recover, {_text(block.name)}{promised}**", "", *points])


def _year(block: Year) -> str:
    told_of = []
    for lane in block.lanes:
        told = [f"{moment.day} {moment.what}" for moment in lane.moments]
        more = f" and {len(told) - 12} more" if len(told) > 12 else ""  # noqa: PLR2004 - what fits on a line or two
        told_of.append(f"- {_text(lane.name)}: {', '.join(told[:12]) or 'nothing'}{more}")
    return "\n".join([f"**The year from {block.begin} to {block.end}**", "", *told_of])


def _text(text: str) -> str:
    return escaped(safe(text))
