"""What is known of data loss: of marks that are gone, of positions, and of a restored set; folded from events."""

from __future__ import annotations

import msgspec
from immutables import Map

from runbook.core.events.point_event import Side


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What one interruption cost, told by the newest mark that could be read after it."""

    lost: int
    """Acknowledged marks that were not there any more."""
    seconds: float
    """From the newest mark that survived to the first write that failed: the widest reading."""
    error: float
    """The true loss is at most this much less: nothing was written in this span, so nothing could be seen."""
    first_lost_at: float = 0.0
    """When the first of the lost marks was written."""
    in_flight: int = 0
    """Writes of which nobody knows whether they were promised: they were begun, and no answer came."""
    kept: int = 0
    """How many of these are there all the same."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """When a side was seen at one position."""

    asked: float
    """`at` when the newest answer that gave it was asked for: then it had not gone past it."""
    known: float
    """`at` when the first of them was known: by then it had come so far."""


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """When the newest content of a restored set was written."""

    at: float
    """By our clock, since the run was opened; below zero for what is older than the run."""
    error: float
    """Seconds, either way."""


class PointState(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read."""

    source: Map[int, Sighting] = Map()
    recovered: Map[int, Sighting] = Map()
    silent: frozenset[Side] = frozenset()
    """Sides that did not answer the newest question."""
    newest: Newest | None = None
    """None while no restored set has said it."""
    tries: int = 0
    """How often it was asked for in vain."""
