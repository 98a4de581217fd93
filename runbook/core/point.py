"""What is known of positions and of a restored set, folded from `point_event`."""

from __future__ import annotations

import msgspec
from immutables import Map

from runbook.core.point_event import Side


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
