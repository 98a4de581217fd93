"""What time it is in a live run, between two of its events.

A folded run knows the time of its newest event; a countdown must also move while nothing happens. So the moment is
that event's time plus what has passed since it was seen. The first sight of a run that has been silent for a while is
corrected by wall time, which is good enough to show and is never written down.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Protocol

from runbook.core.run import Run


class Clock(Protocol):
    """The part of a clock that a countdown needs."""

    def monotonic(self) -> float:
        """Seconds, from any origin."""

    def wall(self) -> float:
        """Seconds since the epoch."""


class Moment:
    """Follows a run and says how many seconds it has been open."""

    def __init__(self, clock: Clock) -> None:
        """Nothing has been seen yet."""
        self._clock = clock
        self._run: Run | None = None
        self._origin = 0.0

    def saw(self, run: Run) -> None:
        """A newer state has come. Time never goes back by it."""
        mono = self._clock.monotonic()
        if self._run is None:
            self._origin = mono - max(run.now, self._since(run.started))
        elif run.seq != self._run.seq:
            self._origin = min(self._origin, mono - run.now)
        self._run = run

    @property
    def now(self) -> float:
        """Seconds since the run was opened; stands still once it has ended."""
        if self._run is None:
            return 0.0
        return self._run.now if self._run.has_ended else max(self._run.now, self._clock.monotonic() - self._origin)

    def _since(self, started: str) -> float:
        """Seconds since a wall time; 0 where the label cannot be read or lies ahead of us."""
        try:
            return max(0.0, self._clock.wall() - datetime.fromisoformat(started).timestamp())
        except (ValueError, OverflowError):
            return 0.0


def seconds_of(text: str) -> float | None:
    """A time as it is shown, `1:02.3` or `1:02:03` or plain seconds, as seconds; None for anything else."""
    total = 0.0
    for number, piece in enumerate(text.strip().split(":")):
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", piece) or number > 2:  # noqa: PLR2004 - hours, minutes, seconds
            return None
        total = total * 60 + float(piece)
    return total
