"""The time axis of a report as SVG inside the page: bars of work and of waiting, marks, and where the objective lapses.

Places, lengths and colours are attributes, never styles: the page's policy allows no style but its sheet, and a picture
that is cut out of the page keeps its looks. Names are escaped; everything else is a number that was computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from runbook.view.timeline import Timeline, TimeMark, TimeRow
from runbook.view.words import duration, measured

_NAMES = 260
_WIDTH = 1000
_HEIGHT = 20
_BAR = 10
_LONGEST_NAME = 36
_FONT = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11" fill="#1d2126"'
_FILL = {"work": "#0072b2", "wait": "#e0b400", "failure": "#a63c00", "gate": "#1d2126"}
_STROKE = {
    "axis": 'stroke="#d5d9de"',
    "limit": 'stroke="#a63c00" stroke-dasharray="4 3"',
    "milestone": 'stroke="#00684c" stroke-dasharray="1 3"',
}


def picture(axis: Timeline) -> str:
    """An `svg` element, one line of bars a step."""
    height = _HEIGHT * (len(axis.rows) + 2)
    inside = "".join((*_ticks(axis, height), *_milestones(axis, height), *_rows(axis), *_limit(axis, height)))
    label = f"{len(axis.rows)} steps over {duration(axis.end)}"
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" {_FONT} aria-label="{escape(label)}">{inside}</svg>'


def _x(at: float, axis: Timeline) -> float:
    share = max(0.0, min(1.0, at / axis.end)) if axis.end > 0 else 0.0
    return round(_NAMES + share * (_WIDTH - _NAMES - 10), 1)


def _rows(axis: Timeline) -> Iterator[str]:
    for number, row in enumerate(axis.rows, 1):
        top = number * _HEIGHT
        name = f"{row.id} {row.name}"
        short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
        yield f'<text x="0" y="{top + _BAR}">{escape(short)}</text>'
        yield from _bars(row, axis, top)
        yield from (_mark(mark, axis, top) for mark in row.marks)


def _bars(row: TimeRow, axis: Timeline, top: int) -> Iterator[str]:
    for span in row.spans:
        left, right = _x(span.start, axis), _x(span.end, axis)
        width = max(1.5, right - left)
        title = escape(f"{row.name}: {'waiting' if span.kind == 'wait' else 'work'} {duration(span.end - span.start)}")
        yield (
            f'<rect fill="{_FILL[span.kind]}" x="{left}" y="{top + 2}" width="{width:.1f}" height="{_BAR}">'
            f"<title>{title}</title></rect>"
        )


def _mark(mark: TimeMark, axis: Timeline, top: int) -> str:
    colour = _FILL["failure" if mark.kind == "failure" else "gate"]
    middle = _x(mark.at, axis)
    title = escape(f"{duration(mark.at)} {mark.text}")
    return f'<circle fill="{colour}" cx="{middle}" cy="{top + 7}" r="3"><title>{title}</title></circle>'


def _milestones(axis: Timeline, height: int) -> Iterator[str]:
    for mark in axis.milestones:
        x = _x(mark.at, axis)
        yield _line("milestone", x, _HEIGHT, height - _HEIGHT, f"{duration(mark.at)} {mark.text}")


def _limit(axis: Timeline, height: int) -> Iterator[str]:
    if axis.limit is not None and axis.limit <= axis.end:
        x = _x(axis.limit, axis)
        yield _line("limit", x, 8, height - _HEIGHT, "objective lapses")


def _line(kind: str, x: float, top: int, bottom: int, title: str) -> str:
    place = f'x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"'
    return f"<line {_STROKE[kind]} {place}><title>{escape(title)}</title></line>"


def _ticks(axis: Timeline, height: int) -> Iterator[str]:
    for part in range(5):
        at = axis.end * part / 4
        x = _x(at, axis)
        anchor = "end" if part == 4 else "middle"  # noqa: PLR2004 - the last of the five stands at the edge
        yield _line("axis", x, _HEIGHT, height - _HEIGHT, duration(at))
        yield f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{escape(measured(at))}</text>'
