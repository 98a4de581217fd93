"""Printing data: the only way from a value to standard output, as one JSON document or as a table for people.

JSON goes out with its exact values: what a terminal could take for an order is written as an escape that every reader
of JSON turns back. Cells of a table are for people and have been made safe by whoever filled them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import click
import msgspec

_DOUBTFUL = re.compile(r"[^\n\x20-\x7e]")
"""Everything but the characters that are printable without asking."""

Row = Sequence[str]


def print_json(value: object) -> None:
    """Print one JSON document; nothing in it can move a cursor."""
    click.echo(json_text(value))


def json_text(value: object) -> str:
    """The document, indented and escaped."""
    return escaped(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def escaped(document: str) -> str:
    """The same JSON with control, invisible and order-changing characters written as escapes."""
    return _DOUBTFUL.sub(lambda found: found[0] if found[0].isprintable() else _escape(found[0]), document)


def _escape(char: str) -> str:
    """JSON escapes of one character: a pair beyond the basic plane (RFC 8259, section 7)."""
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def print_table(head: Row, rows: Sequence[Row]) -> None:
    """Print rows under their heads; the last column is as wide as it likes."""
    for line in table_lines(head, rows):
        click.echo(line)


def table_lines(head: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """The lines of a table; columns are as wide as their widest cell."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return tuple("  ".join(cells).rstrip() for cells in padded)
