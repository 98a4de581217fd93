"""What an attempt gave back: the value that tolerances judge, that `register` keeps and that templates name.

Apart from the events because step kinds and templates speak of results and know nothing of events.
"""

from __future__ import annotations

import msgspec

from runbook.core.host import Json


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt gave back for tolerances and for `register`; text is masked and cut to 64 KiB."""

    rc: int | None = None
    stdout: str = ""
    stderr: str = ""
    status: int | None = None
    """HTTP status."""
    value: Json = None
    """JSON, an answer, or whatever else is not text."""
    duration: float = 0.0
    """Seconds, monotonic."""
