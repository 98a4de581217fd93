"""Times and counts as the screen writes them: one way each, so that columns stand and nothing is read twice.

Lengths are `m:ss` and never turn to milliseconds in a column; differences are always signed; wall time is always UTC
and says so with a `Z`. A number that cannot be known is not written at all, which is why nothing here takes None.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR
NOTICEABLE = 5.0
"""Seconds of difference that are worth a place on the screen."""


def lasting(seconds: float) -> str:
    """A length of time: `0:00`, `2:07`, `1:02:03`, `41 d`. Whole seconds that have passed; never negative."""
    if not math.isfinite(seconds):
        return "-"
    whole = max(0, int(seconds))
    if whole >= 2 * _DAY:
        return f"{whole // _DAY} d"
    hours, rest = divmod(whole, _HOUR)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def aged(seconds: float, step: float = 1.0) -> str:
    """An age: from one minute on it goes in steps, because a screen that waits should not be sent every second."""
    return lasting(seconds if seconds < _MINUTE else seconds // step * step)


def signed(seconds: float) -> str:
    """A difference: `+0:34`, `-0:13`."""
    return f"{'-' if seconds < 0 else '+'}{lasting(abs(round(seconds)))}"


def left_of(promised: float, used: float) -> int:
    """Whole seconds left, negative when it is over: with `lasting(used)` they always add up to what was promised."""
    return math.floor(promised) - int(used)


class Wall:
    """Wall times of a run: from the label that its record gives the moment 0, never from a clock of ours."""

    def __init__(self, started: str) -> None:
        """Read the label; one that cannot be read is the beginning of 1970, which nobody takes for today."""
        try:
            read = datetime.fromisoformat(started)
        except ValueError:
            read = datetime.fromtimestamp(0, UTC)
        self.origin = read if read.tzinfo else read.replace(tzinfo=UTC)

    def at(self, seconds: float) -> datetime:
        """The moment so many seconds after the opening; its end where a record's number leads out of all calendars."""
        try:
            return (self.origin + timedelta(seconds=seconds)).astimezone(UTC)
        except (OverflowError, ValueError):
            return datetime.max.replace(tzinfo=UTC)

    def minutes(self, seconds: float) -> str:
        """`03:12`."""
        return f"{self.at(seconds):%H:%M}"

    def seconds(self, seconds: float) -> str:
        """`03:12:44`."""
        return f"{self.at(seconds):%H:%M:%S}"

    def millis(self, seconds: float) -> str:
        """`03:12:44.096`."""
        return f"{self.at(seconds):%H:%M:%S.%f}"[:-3]

    def date(self, seconds: float) -> str:
        """`2026-11-27`."""
        return f"{self.at(seconds):%Y-%m-%d}"
