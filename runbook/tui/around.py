"""What a screen needs of the program around it, as a protocol.

The app knows its screens; were they to know the app, seven files would be one. `app.py` keeps this promise.
"""

from __future__ import annotations

from typing import Protocol

from runbook.tui.moment import Clock


class Around(Protocol):
    """The app, as far as a screen may use it."""

    @property
    def clock(self) -> Clock:
        """Where the time of day comes from."""

    @property
    def lock_seconds(self) -> float:
        """Seconds that a new question takes no keys."""
