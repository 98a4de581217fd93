"""Rows of parts laid out in cells: fitted, broken, compared: what every list does with text before it draws.

Apart from the list, because none of it knows a terminal or a widget.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from rich.cells import cell_len, chop_cells, set_cell_size

from runbook.view.look.part import Part, Row
from runbook.view.sanitize import safe, safe_text
from runbook.view.words import MARKS, Status

_APART = 12
"""Cells between two changes from which they are written apart: a move costs about as much."""


def mark(status: Status, width: int = 5) -> Part:
    """A status as its word, in a column that never shifts."""
    look = MARKS[status]
    return Part(look.word.ljust(width), look.role, look.attributes)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly so many cells: padded, or cut with a `~` at its end."""
    text = safe(text)
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "~"[:width]
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def wrap(row: Row, width: int, *, hang: int = 0) -> tuple[Row, ...]:
    """A row broken at spaces into rows of at most so many cells; those after the first begin `hang` cells in."""
    lines: list[list[Part]] = [[]]
    used = 0
    for part in row:
        for word in re.findall(r"\s+|\S+", safe_cells(part.text)):
            for piece in _pieces(word, max(1, width - hang)):
                if used + cell_len(piece) > width and used > hang:
                    lines.append([Part(" " * hang)])
                    used = hang
                    piece = piece.lstrip()  # noqa: PLW2901 - the space at which it was broken
                lines[-1].append(Part(piece, part.role, part.attributes))
                used += cell_len(piece)
    return tuple(tuple(line) for line in lines)


def _pieces(word: str, width: int) -> list[str]:
    """A word cut where it is longer than a line: what runs must be readable to its last letter."""
    return chop_cells(word, width) if cell_len(word) > width else [word]


def look(part: Part) -> str:
    """A part's look as Textual's own words for it."""
    if "pill" in part.attributes:
        return f"bold $ink-{part.role} on $block-{part.role}"
    return " ".join((*part.attributes, f"$role-{part.role}"))


def safe_cells(text: str) -> str:
    """The sanitiser for text that is laid out already: its spaces are columns and stay."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")


def noted(row: Row, *, here: bool) -> Row:
    """A row with whether it has the cursor, to compare."""
    return (*row, Part("", "here" if here else "text"))


def differences(before: Row | None, after: Row, width: int) -> list[tuple[int, int]]:
    """The cells that differ, as spans; all of them where the cursor came or went, or nothing was drawn yet."""
    if before == after:
        return []
    if before is None or before[-1] != after[-1]:
        return [(0, width)]
    old, new = _letters(before), _letters(after)
    if any(cell_len(letter[0]) != 1 for letter in (*old, *new)):
        return [(0, width)]
    blank = (" ", "", ())
    changed = [
        column
        for column, (was, now) in enumerate(zip_longest(old[:width], new[:width], fillvalue=blank))
        if was != now and not (was[0] == now[0] == " " and not was[2] and not now[2])
    ]
    spans: list[tuple[int, int]] = []
    for column in changed:
        if spans and column - spans[-1][1] < _APART:
            spans[-1] = (spans[-1][0], column + 1)
        else:
            spans.append((column, column + 1))
    return spans


def _letters(row: Row) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(letter, part.role, part.attributes) for part in row for letter in part.text]
