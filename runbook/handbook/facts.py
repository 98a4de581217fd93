"""Everything that the handbook is made from, already read, and how a cell is made of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from runbook.core.finding import Finding
from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.core.written.service import Service
from runbook.handbook.model import (
    Bullets,
    Cell,
    Day,
    Length,
    Many,
    Source,
    Stated,
    Table,
    Text,
    Unstated,
    Value,
)
from runbook.handbook.page import Page, Passage
from runbook.problem import Where
from runbook.record.summary import RunSummary
from runbook.register.entry import Entry
from runbook.schedule.agenda import Item

PAGES = "handbook"
"""The folder of what is written by hand."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One file, or one place in it, as whoever fills cells from it sees it."""

    file: str
    source: Source

    def text(self, value: str, key: str) -> Cell:
        """Words; empty is a gap."""
        return self.stated(Text(value)) if value else Unstated(self.file, key)

    def many(self, values: Iterable[str], key: str) -> Cell:
        """Names; none is a gap."""
        found = tuple(values)
        return self.stated(Many(found)) if found else Unstated(self.file, key)

    def length(self, seconds: float | None, key: str) -> Cell:
        """A promised length; none and 0 are a gap."""
        return self.stated(Length(seconds)) if seconds else Unstated(self.file, key)

    def day(self, day: str, key: str) -> Cell:
        """A date."""
        return self.stated(Day(day)) if day else Unstated(self.file, key)

    def stated(self, value: Value) -> Cell:
        """A value that is known to be there."""
        return Stated(value, (self.source,))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was read of a workspace."""

    now: datetime
    services: tuple[Service, ...] = ()
    books: tuple[Runbook, ...] = ()
    places: tuple[Inventory, ...] = ()
    items: tuple[Item, ...] = ()
    entries: tuple[Entry, ...] = ()
    findings: dict[str, Finding] = field(default_factory=dict)
    runs: tuple[RunSummary, ...] = ()
    """The newest first."""
    pages: dict[str, Page] = field(default_factory=dict)
    root: str = ""
    """What every file's name begins with, and the reader need not see."""
    days: dict[str, str] = field(default_factory=dict)
    """When each file was last written, by its name below the root."""
    digest: str = ""

    def of(self, where: Where) -> Origin:
        """The origin of what stands in a place."""
        file = where.file.removeprefix(f"{self.root}/")
        shown = f"{file}:{where.line}" if where.line else file
        return Origin(file, Source(shown, self.days.get(file, "")))

    def place_of(self, inventory: Inventory) -> Origin:
        """The origin of what an environment says."""
        named = next((name for name in inventory.files if name.endswith("environment.yaml")), "")
        file = named.removeprefix(f"{self.root}/") or f"inventories/{inventory.name}/environment.yaml"
        return Origin(file, Source(file, self.days.get(file, "")))

    def run(self, run: str, day: str) -> Origin:
        """The origin of what a run measured."""
        return Origin(f"run {run}", Source(f"run {run}", day[:10]))

    def kind(self, *kinds: str) -> list[Runbook]:
        """The runbooks of some kinds."""
        return [book for book in self.books if book.kind in kinds]

    def passage(self, slug: str, heading: str) -> tuple[Passage, Origin]:
        """What is written by hand below a heading; an empty passage where nothing is."""
        page = self.pages.get(slug, Page(slug=slug))
        passage = page.passages.get(heading, Passage(line=0))
        return passage, self.of(Where(f"{PAGES}/{slug}.md", passage.line))

    def by_hand(self, slug: str, heading: str) -> Cell:
        """The text that somebody wrote below a heading."""
        passage, origin = self.passage(slug, heading)
        return origin.text(passage.text, heading)

    def points(self, slug: str, *headings: str) -> Bullets:
        """Points that only people can write."""
        return Bullets(tuple((heading, self.by_hand(slug, heading)) for heading in headings))

    def cell(self, slug: str, heading: str, row: str, column: str) -> Cell:
        """One cell of a table that is completed by hand: the row of that first cell, the column of that name."""
        passage, origin = self.passage(slug, heading)
        number = passage.head.index(column) if column in passage.head else len(passage.head)
        found = next((one for one in passage.rows if one[0] == row and len(one) > number), None)
        return origin.text(found[number] if found else "", f"{heading} → {row} → {column}")

    def table(self, slug: str, heading: str, head: Sequence[str], rows: Iterable[tuple[Cell, ...]] = ()) -> Table:
        """A table of what is known and of what is written by hand below its heading."""
        passage, origin = self.passage(slug, heading)
        known = tuple(rows)
        names = {words for row in known if (words := first_words(row[0]))}
        own = tuple(
            tuple(
                origin.text(one[at] if at < len(one) else "", f"{heading} → {one[0]} → {head[at]}")
                for at in range(len(head))
            )
            for one in passage.rows
            if one[0] not in names
        )
        return Table(tuple(head), (*known, *own), Unstated(origin.file, heading))


def first_words(cell: Cell) -> str:
    """The name that a row goes by; empty where it has none."""
    return cell.value.text if isinstance(cell, Stated) and isinstance(cell.value, Text) else ""
