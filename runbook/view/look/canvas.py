"""A row under construction: pieces are put at cells, in any order, and the last one wins.

Rows of the time axis are many things on top of each other (a strip, the line of the outage, the limit, now), and each
of them knows its own cells only. What comes out is an ordinary row.
"""

from __future__ import annotations

from itertools import groupby

from runbook.view.look.cells import cells
from runbook.view.look.part import Part, Row

_BLANK = Part(" ")


class Canvas:
    """So many cells, blank at first."""

    def __init__(self, width: int) -> None:
        """Begin blank."""
        self.width = max(0, width)
        self._cells: list[Part] = [_BLANK] * self.width

    def put(self, column: int, text: str, role: str = "text", attributes: tuple[str, ...] = ()) -> Canvas:
        """Write text from a cell on; what would stand outside is left out."""
        for char in text:
            width = cells(char)
            if column >= 0 and column + width <= self.width and width:
                self._cells[column] = Part(char, role, attributes)
                for covered in range(column + 1, column + width):
                    self._cells[covered] = Part("", role, attributes)
            column += width
        return self

    def lay(self, column: int, *parts: Part) -> Canvas:
        """Write pieces one behind the other."""
        for part in parts:
            self.put(column, part.text, part.role, part.attributes)
            column += cells(part.text)
        return self

    def right(self, column: int, *parts: Part) -> Canvas:
        """Write pieces so that they end before a cell."""
        return self.lay(column - sum(cells(part.text) for part in parts), *parts)

    def is_blank(self, start: int, end: int) -> bool:
        """True when nothing stands in these cells, and all of them are there."""
        return start >= 0 and end <= self.width and all(cell.text == " " for cell in self._cells[start:end])

    def row(self) -> Row:
        """What was written; blanks at the end are left out."""
        runs = groupby(self._cells, key=lambda cell: (cell.role, cell.attributes))
        parts = [Part("".join(cell.text for cell in run), *look) for look, run in runs]
        while parts and not parts[-1].text.strip() and not parts[-1].attributes:
            parts.pop()
        return tuple(parts)
