"""What was read to measure data loss, where no canary is written: a part of the closed union of events.

A position counts a history up: bytes of a log, transactions, messages. Two sides are asked, that which may be lost and
that which takes its place. Of a restored set its newest content is asked, once the service is back. Only what was said
is here; what it comes to is folded from it (`fold/recovery_point.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Side = Literal["source", "recovered"]
"""Whose position: of what may be lost, or of what takes its place."""


class _PointEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Tagged as every event is."""


class PositionRead(_PointEvent, frozen=True, kw_only=True, tag="PositionRead"):
    """How far a side has come."""

    side: Side
    ok: bool
    took: float
    """Seconds between asking and knowing; it was so at some moment of these."""
    position: int = 0
    detail: str = ""
    """Why there is none."""


class BackupRead(_PointEvent, frozen=True, kw_only=True, tag="BackupRead"):
    """When the newest content of a restored set was written."""

    ok: bool
    took: float
    """Seconds."""
    age: float = 0.0
    """Seconds from that moment to knowing of it, by our clock: what the host said, set right by how far it is ahead."""
    error: float = 0.0
    """The clock that stamped it is known to so many seconds, either way."""
    detail: str = ""
    """What was said, or why there is nothing."""


PointEvent = PositionRead | BackupRead
"""All of them."""
