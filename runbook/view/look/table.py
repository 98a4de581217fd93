"""Columns of a list: which of them there is room for, how wide each is, and rows laid into them.

When cells are short, whole columns go, the least wanted first; a name or a state is never cut for an owner.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from runbook.view.look.cells import cells, clipped
from runbook.view.look.part import Part, Row

GAP = 2


class Column(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    """Its title, and how rows name it."""
    width: int
    rank: int = 0
    """0 never goes; of the others the highest goes first."""
    right: bool = False
    grows: bool = False
    """It takes what is left over."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that are shown, in cells."""

    columns: tuple[Column, ...]
    cut: str = "~"

    def titles(self) -> Row:
        """The names of the columns."""
        return self.row({column.name: Part(column.name, "dim") for column in self.columns})

    def row(self, given: Mapping[str, Part | Row]) -> Row:
        """A row; what is not given is blank."""
        parts: list[Part] = []
        for number, column in enumerate(self.columns):
            found = given.get(column.name, Part(""))
            parts.append(Part(" " * (GAP if number else 0)))
            parts += _laid((found,) if isinstance(found, Part) else found, column, self.cut)
        return tuple(part for part in parts if part.text)


def table(columns: tuple[Column, ...], width: int, cut: str = "~") -> Table:
    """As many of the columns as fit, the growing one as wide as the rest allows."""
    kept = list(columns)
    while _cells(kept) > width and (worst := max(kept, key=lambda column: column.rank)).rank:
        kept.remove(worst)
    spare = max(0, width - _cells(kept))
    grown = [Column(one.name, one.width + spare, one.rank, one.right) if one.grows else one for one in kept]
    return Table(columns=tuple(grown), cut=cut)


def _cells(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _laid(parts: Row, column: Column, cut: str) -> list[Part]:
    """Pieces in exactly as many cells as the column has."""
    room, kept = column.width, []
    for part in parts:
        if cells(part.text) > room:
            kept.append(part._replace(text=f"{clipped(part.text, max(0, room - 1))}{cut}" if room else ""))
            room = 0
            break
        kept.append(part)
        room -= cells(part.text)
    blank = Part(" " * room)
    return [blank, *kept] if column.right else [*kept, blank]
