"""The register as a table, for terminals and in Markdown. Pure; for machines there are the entries themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from runbook.calendar.saying import date_words, distance
from runbook.register.entry import Entry, coverage
from runbook.register.measures import Spread
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured, plural

HEAD = (
    "service", "tier", "scenario", "method", "runbook", "where", "readiness", "RTO", "RTA", "over runs", "RPO", "RPA",
    "tested", "by", "why",
)  # fmt: skip
_TURN = 0.5
"""Seconds a run below which a trend is none."""


def cells(entries: Iterable[Entry]) -> list[tuple[str, ...]]:
    """A table's lines; every cell is safe to show."""
    return [tuple(safe(cell) or "-" for cell in _cells(one)) for one in entries]


def markdown(entries: Sequence[Entry]) -> Iterator[str]:
    """The same as a table in Markdown, with the coverage below."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    yield from (f"| {' | '.join(map(_cell, line))} |" for line in cells(entries))
    yield ""
    yield from (f"- {line}" for line in coverage_lines(entries))


def coverage_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """How much of each tier is verified, and where one person alone carries a service."""
    for one in coverage(entries):
        missing = f", {one.without_runbook} without a runbook" if one.without_runbook else ""
        yield f"tier {one.tier}: {one.verified} of {plural(one.scenarios, 'scenario')} verified{missing}"
    for alone in entries:
        if len(alone.people) == 1:
            yield f"{safe(alone.service)}, {safe(alone.scenario)}: only {safe(alone.people[0])} has ever done it"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _cells(one: Entry) -> tuple[str, ...]:
    return (
        one.service,
        str(one.tier),
        one.scenario,
        one.method,
        one.runbook,
        one.environment,
        one.readiness,
        _promised(one.rto),
        _measured(one.rta.last),
        _over_runs(one.rta),
        _promised(one.rpo),
        _measured(one.rpa),
        _tested(one),
        ", ".join(one.people),
        f"{one.because}{_when(one)}" if one.readiness == "verified" else one.because,
    )


def _when(one: Entry) -> str:
    moment = datetime.fromisoformat(one.last_good).replace(tzinfo=UTC) if one.last_good else None
    return f" ({date_words(moment, 'UTC')})" if moment else ""


def _tested(one: Entry) -> str:
    """How often in a year, and the longest time without, against how often it must be."""
    if one.gap is None:
        return "never"
    wanted = f" of {distance(timedelta(seconds=one.every))}" if one.every else ""
    return f"{one.rehearsals}x, gap {distance(timedelta(seconds=one.gap))}{wanted}"


def _over_runs(rta: Spread) -> str:
    if not rta.count:
        return ""
    parts = [f"n {rta.count}"]
    parts += [f"p50 {measured(rta.p50)}"] if rta.p50 is not None else []
    parts += [f"p95 {measured(rta.p95)}"] if rta.p95 is not None else []
    parts += [f"max {measured(rta.longest)}"] if rta.longest is not None and rta.p95 is None else []
    parts += [_trend(rta.trend)] if rta.trend is not None else []
    return ", ".join(parts)


def _trend(slope: float) -> str:
    if abs(slope) < _TURN:
        return "steady"
    return f"{'slower' if slope > 0 else 'faster'} by {measured(abs(slope))} a run"


def _promised(seconds: float | None) -> str:
    return duration(seconds) if seconds is not None else ""


def _measured(seconds: float | None) -> str:
    return measured(seconds) if seconds is not None else ""
