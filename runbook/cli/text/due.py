"""What is due, in the formats that people and machines take: a table, Markdown, CSV. Pure; JSON is the row itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from runbook.calendar.saying import date_words
from runbook.schedule.row import DueRow
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured

HEAD = ("state", "service", "tier", "runbook", "where", "last good", "RTO", "RTA", "RPO", "RPA", "date", "why")


def cells(rows: Iterable[DueRow]) -> list[tuple[str, ...]]:
    """A table's lines; every cell is safe to show."""
    return [tuple(safe(cell) or "-" for cell in _cells(row)) for row in rows]


def markdown(rows: Iterable[DueRow]) -> Iterator[str]:
    """The same as a table in Markdown."""
    yield _piped(HEAD)
    yield _piped(["---"] * len(HEAD))
    yield from (_piped([cell.replace("|", "\\|") for cell in line]) for line in cells(rows))


def comma_separated(rows: Sequence[DueRow]) -> str:
    """Every field of every row, as RFC 4180 has it; what a table program would run as a formula is kept from that."""
    names = [field.name for field in msgspec.structs.fields(DueRow)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([[_plain(getattr(row, name)) for name in names] for row in rows])
    return text.getvalue()


def _cells(row: DueRow) -> tuple[str, ...]:
    name = row.runbook if row.schedule == "schedule" else f"{row.runbook} ({row.schedule})"
    return (
        row.state,
        row.service,
        row.tier,
        name,
        row.environment,
        _day(row.last_good),
        _seconds(row.rto),
        measured(row.rta) if row.rta is not None else "",
        _seconds(row.rpo),
        measured(row.rpa) if row.rpa is not None else "",
        _day(row.day),
        row.because,
    )


def _day(text: str) -> str:
    return date_words(datetime.fromisoformat(text).replace(tzinfo=UTC), "UTC") if text else ""


def _seconds(length: float | None) -> str:
    return duration(length) if length is not None else ""


def _piped(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = safe(str(value))
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(value, float) else text
