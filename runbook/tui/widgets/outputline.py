"""One line of output as cells: its time and stream, its text cut or broken to the window, what was searched for marked.

Apart from the view that scrolls, because this is arithmetic on text: wide characters are counted in cells, and a cut
never leaves half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from rich.cells import cell_len, chop_cells

from runbook.feed.feed import OutputLine
from runbook.tui.widgets.rows import Part, Row
from runbook.view.sanitize import safe_row

HEAD = 17
"""Cells in front of the text: time, stream and a space."""

_FOUND = ("reverse", "underline")
"""A line that is reversed as a whole still shows by the underline what was found in it."""

Spans = tuple[tuple[int, int], ...]
"""First and last character of each place that is marked."""


@lru_cache(maxsize=512)
def shown(data: bytes) -> str:
    """A line's bytes as text for a terminal. The cache holds a few screens, so repainting costs no sanitising."""
    return safe_row(data)


Stamp = Callable[[float], str]
"""Seconds since the run was opened, as they are written in front of a line: at most 12 cells."""


def run_time(at: float) -> str:
    """Seconds since the run was opened as `1:02.3`; a run of hours has minutes above 60."""
    minutes, seconds = divmod(int(max(0.0, at) * 10), 600)
    return f"{minutes}:{seconds // 10:02}.{seconds % 10}"


def head(line: OutputLine, stamp: Stamp = run_time) -> Row:
    """Time and stream, in `HEAD` cells."""
    time = Part(f"{stamp(line.at):>12} ", "dim")
    return (time, Part("ERR ", "bad", ("bold",))) if line.stream == "err" else (time, Part("out ", "dim"))


def cut_line(line: OutputLine, spans: Spans, width: int, *, start: int, stamp: Stamp = run_time) -> Row:
    """In one row of so many cells, the text from cell `start` on."""
    text = shown(line.data)
    gone, rest = _split(text, start)
    half = ""
    if rest and (lacking := start - cell_len(gone)) > 0:  # a wide character stands across the edge
        half = " " * (cell_len(rest[0]) - lacking)
        gone, rest = gone + rest[0], rest[1:]
    inside, _ = _split(rest, max(0, width - HEAD - len(half)))
    return (*head(line, stamp), Part(half), *_marked(inside, spans, len(gone), _look(line)))


def wrapped_line(line: OutputLine, spans: Spans, width: int, stamp: Stamp = run_time) -> tuple[Row, ...]:
    """In as many rows as it takes, those after the first beginning below the text."""
    room = max(2, width - HEAD)
    first = 0
    rows: list[Row] = []
    for piece in _broken(shown(line.data), room):
        front = (Part(" " * HEAD),) if rows else head(line, stamp)
        rows.append((*front, *_marked(piece, spans, first, _look(line))))
        first += len(piece)
    return tuple(rows)


def rows_of(line: OutputLine, width: int) -> int:
    """How many rows it takes when it is wrapped."""
    text = shown(line.data)
    room = max(2, width - HEAD)
    return max(1, -(-len(text) // room)) if text.isascii() else len(_broken(text, room))


def _broken(text: str, room: int) -> list[str]:
    """Text in pieces of at most so many cells, at least one."""
    if text.isascii():
        return [text[start : start + room] for start in range(0, len(text), room)] or [""]
    return chop_cells(text, room) or [""]


def cell_of(text: str, position: int) -> int:
    """The cell at which a character of a line stands."""
    return cell_len(text[:position])


def _look(line: OutputLine) -> Part:
    """What is said on standard error stands out without shouting: the word in front is red, the text bold."""
    return Part("", "strong", ("bold",)) if line.stream == "err" else Part("")


def _marked(text: str, spans: Iterable[tuple[int, int]], first: int, look: Part) -> Row:
    """A piece of a line that begins at character `first` of it, with what was found in it standing out."""
    parts: list[Part] = []
    done = 0
    for start, end in spans:
        start, end = max(done, start - first), min(len(text), end - first)  # noqa: PLW2901 - in this piece
        if start < end:
            parts += [look._replace(text=text[done:start]), Part(text[start:end], "live", _FOUND)]
            done = end
    return (*parts, look._replace(text=text[done:]))


def _split(text: str, cells: int) -> tuple[str, str]:
    """Text that fills at most so many cells, and the rest."""
    if cells <= 0:
        return "", text
    if text.isascii():
        return text[:cells], text[cells:]
    used = 0
    for position, char in enumerate(text):
        used += cell_len(char)
        if used > cells:
            return text[:position], text[position:]
    return text, ""
