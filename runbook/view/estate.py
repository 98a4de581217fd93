"""The state of recovery as far as records can tell: what was tried, when, by whom, and whether it kept its promise.

A drill that nobody ever ran proves nothing, and a recovery that only one person has ever led is a risk; both are said
as loudly as a missed objective. What is due comes from the runbooks themselves; where they say nothing, nothing is due.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from runbook.view.look.canvas import Canvas
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import lasting
from runbook.view.look.part import Part, Row
from runbook.view.sanitize import safe

_DAY = 86400.0
YEAR = 365 * _DAY
_SOON = 30.0
"""Days before a date in which something is called due."""
_BAR = 5
"""Cells of a bar."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One run that ended."""

    at: float
    """Seconds since the epoch."""
    day: str
    seconds: float | None = None
    promised: float | None = None
    verdict: str = ""
    objective: str = ""
    led_by: str = ""

    @property
    def is_met(self) -> bool:
        """It kept its promise."""
        return self.objective == "met" and self.verdict != "failed"


class Recoverable(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook that recovers something, with its runs."""

    name: str
    service: str = ""
    tier: str = ""
    promised: float | None = None
    every: float = 0.0
    """Seconds within which it is to be tried again; 0 where nothing says so."""
    tries: tuple[Tried, ...] = ()
    """The newest first."""

    def days_left(self, now: float) -> float:
        """Days until it is to be tried again, negative when it is late; endless where nothing says so."""
        if not self.every:
            return float("inf")
        return -1.0 if not self.tries else (self.every - (now - self.tries[0].at)) / _DAY

    def led(self, now: float) -> tuple[tuple[str, int], ...]:
        """Who has led it within a year and how often, the most often first."""
        names = [one.led_by for one in self.tries if now - one.at <= YEAR]
        counted = ((name, names.count(name)) for name in dict.fromkeys(names))
        return tuple(sorted(counted, key=lambda one: (-one[1], one[0])))

    def risk(self, now: float) -> str:
        """`NOBODY`, `ONE PERSON`, or how many."""
        led = self.led(now)
        return "NOBODY" if not led else "ONE PERSON" if len(led) == 1 else str(len(led))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How many of all are where."""

    all: int
    in_date: int
    due: int
    late: int
    never: int


def standing(found: Iterable[Recoverable], now: float) -> Standing:
    """Count them; one that was never tried counts as that, whatever is due."""
    estate = list(found)
    never = [one for one in estate if not one.tries]
    days = [one.days_left(now) for one in estate if one.tries]
    late, due = sum(day < 0 for day in days), sum(0 <= day <= _SOON for day in days)
    return Standing(all=len(estate), in_date=len(days) - late - due, due=due, late=late, never=len(never))


def year_rows(found: Iterable[Recoverable], now: float, glyphs: Glyphs) -> tuple[Row, ...]:
    """The last twelve months: how many runs, how they came out, and a cell for each."""
    tries = sorted((one for each in found for one in each.tries if now - one.at <= YEAR), key=_worst)
    met = sum(one.is_met for one in tries)
    failed = sum(one.verdict in {"failed", "aborted"} for one in tries)
    missed = sum(one.objective == "missed" and one.verdict not in {"failed", "aborted"} for one in tries)
    rest = len(tries) - met - failed - missed
    said = [Part(f"{len(tries)}", "strong", ("bold",)), Part(" runs  "), Part(f"{met} MET", "ok")]
    for count, word, role in ((missed, "MISSED", "bad"), (failed, "FAILED", "bad"), (rest, "UNPROVEN", "unk")):
        said += [Part(f"  {count} {word}", role, ("bold",))] if count else []
    return (Part("LAST 12 MONTHS", "dim"),), tuple(said), tuple(_cell(one, glyphs) for one in tries[:60])


def _worst(one: Tried) -> int:
    return 0 if one.is_met else 2 if one.objective == "missed" else 3 if one.verdict == "failed" else 1


def _cell(one: Tried, glyphs: Glyphs) -> Part:
    if one.is_met:
        return Part(glyphs.few, "ok")
    if one.verdict in {"failed", "aborted"}:
        return Part("X", "bad", ("pill",))
    return Part(glyphs.bad, "bad") if one.objective == "missed" else Part(glyphs.unknown, "unk")


def bars(one: Recoverable, width: int, height: int, glyphs: Glyphs) -> tuple[Row, ...]:
    """What each of its recoveries took, as bars from zero under the limit; the oldest at the left."""
    shown = [each for each in reversed(one.tries) if each.seconds is not None][-max(1, (width - 10) // (_BAR + 1)) :]
    if not shown or height < 4:  # noqa: PLR2004 - a bar, its number and its date
        return ((Part("Nothing of it was measured yet.", "dim"),),)
    top = max([one.promised or 0.0, *(each.seconds or 0.0 for each in shown)]) * 1.1 or 1.0
    rows = [Canvas(width) for _ in range(height - 1)]
    limit = None if not one.promised else round((1 - one.promised / top) * (len(rows) - 1))
    if limit is not None:
        rows[limit].put(1, f"{lasting(one.promised or 0.0):>7} ", "bad", ("bold",))
        rows[limit].put(9, glyphs.waited * (width - 10), "bad")
    days = Canvas(width)
    for place, each in enumerate(shown):
        column = 10 + place * (_BAR + 1)
        _bar(rows, column, each, top, glyphs)
        days.put(column, each.day[2:7], "dim")
    return (*(row.row() for row in rows), days.row())


def _bar(rows: list[Canvas], column: int, one: Tried, top: float, glyphs: Glyphs) -> None:
    """One bar with its number inside its top."""
    role = "ok" if one.is_met else "bad"
    full = (one.seconds or 0.0) / top * len(rows)
    first = len(rows) - max(1, round(full))
    for row in rows[first:]:
        row.put(column, glyphs.levels[-1] * _BAR, role)
    number = f"{lasting(one.seconds or 0.0):>{_BAR}}"[:_BAR]
    rows[min(first + 1, len(rows) - 1)].put(column, number, role, ("pill", "bold"))


def people_words(found: Iterable[Recoverable], now: float) -> tuple[str, ...]:
    """What happens when somebody is away."""
    alone: dict[str, list[str]] = {}
    for one in found:
        led = one.led(now)
        if len(led) == 1:
            alone.setdefault(led[0][0], []).append(one.name)
    told = sorted((name, ", ".join(names)) for name, names in alone.items())
    return tuple(safe(f"If {name} is away, {names} has nobody.") for name, names in told)
