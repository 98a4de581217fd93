"""The few shapes that a report is made of, so that every format tells the same story in the same order.

A closed union: a format that forgets one does not type-check. Cells are plain safe text, or a word with a tone where a
reader should see at a glance whether that is good. No shape carries a colour or a tag.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.view.timeline import Timeline

Tone = Literal["good", "bad", "odd"]
"""`odd` is neither: waiting, skipped, not measured, in doubt."""


class Word(msgspec.Struct, frozen=True):
    """A word that stands for a judgement."""

    text: str
    tone: Tone


Cell = str | Word


class Paragraph(msgspec.Struct, frozen=True, tag=True):
    """Running text."""

    text: str


class Verdict(msgspec.Struct, frozen=True, tag=True):
    """The judgements that come first, side by side and never merged."""

    rows: tuple[tuple[str, Word], ...]


class Facts(msgspec.Struct, frozen=True, tag=True):
    """Names and what they are."""

    rows: tuple[tuple[str, Cell], ...]


class Table(msgspec.Struct, frozen=True, tag=True):
    """Rows under a head; every row is as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "None."
    """What is said instead of a table without rows."""


class Listing(msgspec.Struct, frozen=True, tag=True):
    """Lines to be shown exactly, under a caption."""

    caption: str
    lines: tuple[str, ...]


class Figure(msgspec.Struct, frozen=True, tag=True):
    """The run on its time axis."""

    caption: str
    timeline: Timeline


Block = Paragraph | Verdict | Facts | Table | Listing | Figure


class Section(msgspec.Struct, frozen=True):
    """Blocks under a heading."""

    title: str
    blocks: tuple[Block, ...]
