"""An event in its place: what a line of the journal holds, and what every fold is fed with.

Time and order stand here and not on the events, so that an event is the same value wherever it is told.
"""

from __future__ import annotations

import msgspec

from runbook.core.events.event import Event


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the record and on the two clocks."""

    seq: int
    """0 for the first; no gaps."""
    at: float
    """Seconds since the run was opened, monotonic, over resumes too."""
    wall: str
    """ISO 8601 UTC with milliseconds; a label, never used for a duration."""
    event: Event
