"""Printing data: the only way from a value to standard output, as one JSON document or as a table for people.

JSON goes out with its exact values: what a terminal could take for an order is written as an escape that every reader
of JSON turns back. Cells of a table are for people and have been made safe by whoever filled them.
"""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from runbook.view.sanitize import escaped_json

Row = Sequence[str]


def print_json(value: object) -> None:
    """Print one JSON document; nothing in it can move a cursor."""
    click.echo(json_text(value))


def json_text(value: object) -> str:
    """The document, indented and escaped."""
    return escaped_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(head: Row, rows: Sequence[Row]) -> None:
    """Print rows under their heads; the last column is as wide as it likes."""
    for line in table_lines(head, rows):
        click.echo(line)


def table_lines(head: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """The lines of a table; columns are as wide as their widest cell."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return tuple("  ".join(cells).rstrip() for cells in padded)
