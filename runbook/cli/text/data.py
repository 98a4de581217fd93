"""Printing data: the only way from a value to standard output, as one JSON document or as a table for people.

JSON goes out with its exact values: what a terminal could take for an order is written as an escape that every reader
of JSON turns back. Cells of a table are for people and have been made safe by whoever filled them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import accumulate

import click
import msgspec

from runbook.view.sanitize import escaped_json

Row = Sequence[str]

_GAP, _BELOW = "  ", "    "


def print_json(value: object) -> None:
    """Print one JSON document; nothing in it can move a cursor."""
    click.echo(json_text(value))


def json_text(value: object) -> str:
    """The document, indented and escaped."""
    return escaped_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(head: Row, rows: Sequence[Row]) -> None:
    """Print rows under their heads; the last column is as wide as it likes."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in table_lines(head, rows, room):
        click.echo(line)


def table_lines(head: Row, rows: Sequence[Row], room: int = 0) -> tuple[str, ...]:
    """The lines of a table; columns are as wide as their widest cell.

    Args:
        head: What stands over the columns.
        rows: Of as many cells.
        room: Cells of the terminal. Columns that end behind it, but for the last alone, stand in a line of their own
            below, because a terminal would break an id in two, and it could not be copied. 0 is a pipe: one line a row.
    """
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    ends = list(accumulate(widths, lambda end, width: end + len(_GAP) + width))
    fitting = sum(end <= room for end in ends)
    cut = fitting if room and 0 < fitting < len(head) - 1 else len(head)
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (head, *rows))
    parts = ((_GAP.join(cells[:cut]), _BELOW + _GAP.join(cells[cut:])) for cells in padded)
    return tuple(line.rstrip() for pair in parts for line in pair if line.strip())
