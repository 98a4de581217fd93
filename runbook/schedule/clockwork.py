"""Whether the clock on the wall can be believed: it is held against one that never jumps.

A scheduler lives by the wall, and a wall clock is set by people, by programs and by a laptop that wakes in another
country. Where it has moved by itself for more than a minute nothing begins for a while; and what counts as looked at
without a break ends where nobody looked for longer than was meant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runbook.schedule.deciding import Times

JUMP = 60.0
"""Seconds by which the two clocks may differ between two looks: more is no drift."""
STEADY = 300.0
"""Seconds that the clock must have gone well before anything begins again."""
BREAK = 180.0
"""Seconds without a look after which nobody can say what would have begun meanwhile."""


class Clockwork:
    """Two clocks, as they were at the last look."""

    def __init__(self, wall: float, steady: float) -> None:
        """Begin to watch, at a moment at which the clock is believed."""
        self._wall, self._steady = wall, steady
        self._jumped_at: float | None = None
        self._awake_since = wall

    def look(self, wall: float, steady: float) -> float:
        """Look at both; gives by how many seconds the wall clock has moved by itself, 0 where it has not."""
        passed = steady - self._steady
        moved = (wall - self._wall) - passed
        self._wall, self._steady = wall, steady
        if abs(moved) > JUMP:
            self._jumped_at = steady
            self._awake_since += moved
            return moved
        if passed > BREAK:
            self._awake_since = wall
        return 0.0

    def times(self) -> Times:
        """What is known now."""
        is_steady = self._jumped_at is None or self._steady - self._jumped_at >= STEADY
        return Times(now=_instant(self._wall), awake_since=_instant(self._awake_since), is_steady=is_steady)


def _instant(wall: float) -> datetime:
    """To the second, as a ledger has it."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(wall))
