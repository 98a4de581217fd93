"""The handbook as values: parts in the order of the document, and every cell with where it comes from.

No cell is ever blank. It is stated, with its source and the day of that, or it is a gap that names the file and the key
that would fill it. Words are the renderers' own: a length is seconds here, and a day is a date.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Source(msgspec.Struct, frozen=True):
    """Where something was read."""

    where: str
    """`file:line` below the workspace, or `run NAME`."""
    day: str = ""
    """When that file was last written, or the run ended: `2026-11-27`; empty where nobody knows."""


class Text(msgspec.Struct, frozen=True, tag=True):
    """Words that somebody wrote, or a name."""

    text: str


class Length(msgspec.Struct, frozen=True, tag=True):
    """A length of time."""

    seconds: float
    is_measured: bool = False
    """By a run; else it was promised or planned."""


class Day(msgspec.Struct, frozen=True, tag=True):
    """A date, `2026-11-27`."""

    day: str


class Amount(msgspec.Struct, frozen=True, tag=True):
    """A number with its unit: `420 EUR`, `4 hosts`."""

    number: float
    unit: str = ""


class Share(msgspec.Struct, frozen=True, tag=True):
    """So many of so many: a percentage of few would say more than is known."""

    part: int
    whole: int
    noun: str = ""


class Many(msgspec.Struct, frozen=True, tag=True):
    """Names or phrases, side by side."""

    texts: tuple[str, ...]


Value = Text | Length | Day | Amount | Share | Many


class Stated(msgspec.Struct, frozen=True, tag=True):
    """What is known, and from where."""

    value: Value
    sources: tuple[Source, ...]


class Unstated(msgspec.Struct, frozen=True, tag=True):
    """What nobody has written: the key of the file that would say it, or the heading of a page."""

    file: str
    key: str


Cell = Stated | Unstated


class Prose(msgspec.Struct, frozen=True, tag=True):
    """Running text."""

    said: Cell


class Bullets(msgspec.Struct, frozen=True, tag=True):
    """Names and what they are; numbered where the order matters."""

    rows: tuple[tuple[str, Cell], ...]
    is_numbered: bool = False
    gap: Unstated | None = None
    """What is said where there is no row; None where there always is one."""


class Table(msgspec.Struct, frozen=True, tag=True):
    """Rows under a head; every row is as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    gap: Unstated
    """What would give it its first row."""


class Recovery(msgspec.Struct, frozen=True):
    """What one run measured."""

    run: str
    day: str
    seconds: float


class Trend(msgspec.Struct, frozen=True, tag=True):
    """Recovery times of a scenario's rehearsals against what was promised, the oldest first."""

    name: str
    promised: float | None
    points: tuple[Recovery, ...]


class Moment(msgspec.Struct, frozen=True):
    """Something of the year: it happened, or it is to happen."""

    day: str
    what: Literal["done", "failed", "planned"]


class Lane(msgspec.Struct, frozen=True):
    """One runbook's year."""

    name: str
    moments: tuple[Moment, ...]


class Year(msgspec.Struct, frozen=True, tag=True):
    """Half a year back and half a year ahead."""

    begin: str
    end: str
    today: str
    lanes: tuple[Lane, ...]


class Graph(msgspec.Struct, frozen=True, tag=True):
    """What needs what: `edges` go from who needs to what is needed."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]


Block = Prose | Bullets | Table | Trend | Year | Graph


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One heading of the document, and what stands below it."""

    title: str
    level: Literal[1, 2, 3]
    blocks: tuple[Block, ...] = ()


class Handbook(msgspec.Struct, frozen=True, kw_only=True):
    """The whole document."""

    parts: tuple[Part, ...]
    closing: Bullets
    """Who answers for it, and when it is looked at again."""
    digest: str
    """SHA-256 of everything that it was made from."""
