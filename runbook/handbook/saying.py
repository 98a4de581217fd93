"""The words for cells, the same in Markdown and on the page; every text is safe to show, and none is markup yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from runbook.handbook.model import Amount, Cell, Day, Length, Many, Share, Source, Stated, Text, Unstated, Value
from runbook.view.sanitize import safe, safe_lines
from runbook.view.words import duration, measured, plural

SOURCE = "Source"
"""The column that says where a row is from."""


def words(cell: Cell) -> str:
    """What a cell says."""
    return safe(_of(cell.value)) if isinstance(cell, Stated) else gap(cell)


def lines(cell: Cell) -> tuple[str, ...]:
    """What was written on several lines, without the fences that its author put around them; none of a single line."""
    if not isinstance(cell, Stated) or not isinstance(cell.value, Text) or "\n" not in cell.value.text:
        return ()
    return tuple(line for line in safe_lines(cell.value.text) if not line.startswith(("```", "~~~")))


def gap(cell: Unstated) -> str:
    """What would fill it."""
    return safe(f"not stated: {cell.file} → {cell.key}")


def origins(cells: Iterable[Cell]) -> str:
    """Where cells are from, each place once."""
    sources = dict.fromkeys(one for cell in cells if isinstance(cell, Stated) for one in cell.sources)
    return safe("; ".join(map(_source, sources)))


def _source(one: Source) -> str:
    return f"{one.where} ({one.day})" if one.day else one.where


def _of(value: Value) -> str:
    match value:
        case Text():
            return value.text
        case Length():
            return measured(value.seconds) if value.is_measured else duration(value.seconds)
        case Day():
            return value.day
        case Amount():
            return f"{value.number:,g} {value.unit}".rstrip()
        case Share():
            return f"{value.part} of {plural(value.whole, value.noun)}"
        case Many():
            return "; ".join(value.texts)
        case _:
            assert_never(value)
