"""What nobody can compute, written by hand: `handbook/SLUG.md`, one page for each subject of the document. Pure.

Below a heading of the document stands what belongs there: a text for a point, a table for a table. A row whose first
cell is one that the handbook fills by itself completes that row; any other is a row of its own. Above the first heading
stand `owner`, `reviewed` and `review_every`, between two lines of `---`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import msgspec

_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
_RULE = re.compile(r"^[\s|:-]+$")
_DAYS = re.compile(r"^(\d+)d$")
_FENCES = ("```", "~~~")
_KEYS = ("owner", "reviewed", "review_every")


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands below one heading."""

    line: int
    """Of the heading, from 1."""
    text: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    slug: str
    owner: str = ""
    reviewed: str = ""
    review_every: str = ""
    """Whole days, `180d`."""
    passages: dict[str, Passage] = {}
    """By heading."""

    def next_review(self) -> date | None:
        """When somebody has to look at it again; None where nobody said."""
        found = _DAYS.match(self.review_every)
        if found is None or not self.reviewed:
            return None
        try:
            return date.fromisoformat(self.reviewed) + timedelta(days=int(found[1]))
        except (ValueError, OverflowError):
            return None


def read_page(slug: str, text: str) -> Page:
    """A page from its text; what is no known key above the first heading says nothing."""
    lines = text.splitlines()
    said, begin = _front(lines)
    passages: dict[str, Passage] = {}
    fenced = _fenced(lines)
    places = [at for at in range(begin, len(lines)) if not fenced[at] and _HEADING.match(lines[at])]
    for place, end in zip(places, [*places[1:], len(lines)], strict=True):
        found = _HEADING.match(lines[place])
        if found is not None:
            passages[found[1]] = _passage(place + 1, lines[place + 1 : end])
    return Page(slug=slug, passages=passages, **{key: said.get(key, "") for key in _KEYS})


def _front(lines: list[str]) -> tuple[dict[str, str], int]:
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return {}, 0
    end = lines.index("---", 1)
    pairs = (line.partition(":") for line in lines[1:end])
    return {key.strip(): value.strip() for key, _, value in pairs}, end + 1


def _fenced(lines: list[str]) -> list[bool]:
    """Which lines stand between fences: a remark in a configuration is no heading, and a bar no table."""
    found, inside = [], False
    for line in lines:
        is_fence = line.lstrip().startswith(_FENCES)
        found.append(inside or is_fence)
        inside = inside != is_fence
    return found


def _passage(line: int, below: list[str]) -> Passage:
    rows = [row.strip().startswith("|") and not kept for row, kept in zip(below, _fenced(below), strict=True)]
    piped = [row.strip() for row, is_row in zip(below, rows, strict=True) if is_row]
    cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in piped if not _RULE.match(row)]
    text = "\n".join(row for row, is_row in zip(below, rows, strict=True) if not is_row).strip()
    return Passage(line=line, text=text, head=cells[0] if cells else (), rows=tuple(cells[1:]))
