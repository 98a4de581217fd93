"""Time as everybody but one file knows it: a protocol, so that time can be injected and a test never sleeps.

`engine/clock.py` is the real one and the only file that may ask the system. Durations come from `monotonic`; `wall` is
a label. It stands in the core because it names no library; the core itself is told the time and never asks.
"""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """What may be known of time, and the one way to wait."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""

    def wall(self) -> float:
        """Seconds since the epoch: a label, and the only thing to compare a host's clock with."""

    async def sleep(self, seconds: float) -> None:
        """Return after so long."""
