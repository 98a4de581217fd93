"""A moment as somebody types it, for verbs that tell how things would stand then."""

from __future__ import annotations

from datetime import UTC, datetime

from runbook.engine.clock import SystemClock
from runbook.problem import problem


def instant(text: str) -> datetime:
    """The moment that is meant; now for an empty text, and UTC where no offset is said.

    Raises:
        Problems: It is none.
    """
    if not text:
        return datetime.fromtimestamp(SystemClock().wall(), UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fix = "Write it as 2026-12-24T02:00+01:00, or with a Z for UTC."
        raise problem(f'"{text}" is no moment', fix=fix, code="bad-time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
