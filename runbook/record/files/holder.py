"""Who has a run, by its record alone: the user whose runner took it last, and where that runner listens.

A client must know this before it calls anybody, also in a record of a million lines, so only the lines that can tell
are decoded. The chain is not checked here: whoever can write to the record of a run is its owner already.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

_TELLING = b'"RunnerStarted"'
"""Stands in no other line: a quote inside of a text is written with a backslash."""


class _Somebody(msgspec.Struct):
    uid: int


class _Event(msgspec.Struct):
    operator: _Somebody | None = None
    by: _Somebody | None = None
    pid: int = 0
    door: str = ""


class _Line(msgspec.Struct):
    event: _Event


_decoder = msgspec.json.Decoder(_Line)


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a run."""

    uid: int
    """Of the runner: its operator's, or of whoever resumed it last."""
    pid: int
    """Of the runner that took it last; 0 before one has. It may be dead, and the number used again."""
    door: str
    """The path of its socket; empty in records that do not say."""


def holder_among(lines: Iterable[bytes]) -> Holder | None:
    """Who has the run whose journal these lines are, from the first on; what cannot be read says nothing."""
    found: Holder | None = None
    for number, line in enumerate(lines):
        if number == 0 or _TELLING in line:
            try:
                found = _told(line, found)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return found
    return found


def _told(line: bytes, before: Holder | None) -> Holder | None:
    event = _decoder.decode(line).event
    taker = event.by or event.operator
    uid = taker.uid if taker else before.uid if before else None
    return None if uid is None else Holder(uid=uid, pid=event.pid, door=event.door)
