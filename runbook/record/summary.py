"""What a list of runs shows about one of them, from the first and the last line of its journal and nothing between.

The verdicts are not here: they are computed by folding the whole record, and a list must not take a minute. The first
line holds the plan, which can be large, so only the few names wanted are decoded from it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from runbook.core.event import RunEnded
from runbook.problem import Problems
from runbook.record.codec import decode
from runbook.record.disk import is_locked
from runbook.record.journal import JOURNAL

_TAIL = 64 * 1024


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list of runs."""

    run: str
    """Its id; the folder's name when the first line cannot be read."""
    folder: Path
    runbook: str = ""
    title: str = ""
    kind: str = ""
    environment: str = ""
    operator: str = ""
    started: str = ""
    """Wall time, ISO 8601 UTC; empty when the first line cannot be read."""
    ended: str = ""
    """Wall time of the run's own end; empty while it is live, and for ever when its runner died and nobody resumed."""
    reason: str = ""
    """Why it ended, as `RunEnded` says."""
    live: bool = False
    """A runner holds the journal now."""
    size: int = 0
    """Bytes of all files in the record."""
    damaged: bool = False
    """The first or the last line is not what was written. False proves nothing: only `verify` reads all of it."""


class _Named(msgspec.Struct):
    name: str = ""


class _PlanNames(msgspec.Struct):
    runbook: str = ""
    title: str = ""
    kind: str = ""
    environment: _Named = msgspec.field(default_factory=_Named)


class _Opening(msgspec.Struct):
    run: str
    started: str = ""
    operator: _Named = msgspec.field(default_factory=_Named)
    plan: _PlanNames = msgspec.field(default_factory=_PlanNames)


class _First(msgspec.Struct):
    event: _Opening


class _End(msgspec.Struct, frozen=True):
    """What the last line says."""

    ended: str = ""
    reason: str = ""
    damaged: bool = False


_first = msgspec.json.Decoder(_First)


def summarise(folder: Path) -> RunSummary:
    """The row for a record; a record that cannot be read gives a row that says so."""
    path = folder / JOURNAL
    size, live = _size(folder), is_locked(path)
    try:
        with path.open("rb") as file:
            opening = _first.decode(file.readline()).event
            end = _end(_last_line(path))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return RunSummary(run=folder.name, folder=folder, live=live, size=size, damaged=not live)
    return RunSummary(
        run=opening.run,
        folder=folder,
        runbook=opening.plan.runbook,
        title=opening.plan.title,
        kind=opening.plan.kind,
        environment=opening.plan.environment.name,
        operator=opening.operator.name,
        started=opening.started,
        ended=end.ended,
        reason=end.reason,
        live=live,
        size=size,
        damaged=end.damaged and not live,
    )


def _last_line(path: Path) -> bytes:
    """From the last line feed but one to the end, however long it is."""
    size, wanted = path.stat().st_size, _TAIL
    with path.open("rb") as file:
        while True:
            file.seek(max(0, size - wanted))
            tail = file.read()
            start = tail.rfind(b"\n", 0, len(tail) - 1) + 1
            if start or wanted >= size:
                return tail[start:]
            wanted *= 8


def _end(line: bytes) -> _End:
    try:
        entry, _ = decode(line)
    except Problems as damage:
        return _End(damaged=damage.problems[0].code != "journal-unknown")
    if isinstance(entry.event, RunEnded):
        return _End(ended=entry.wall, reason=entry.event.reason)
    return _End()


def _size(folder: Path) -> int:
    return sum(
        (Path(place) / name).stat(follow_symlinks=False).st_size
        for place, _, names in os.walk(folder)
        for name in names
    )
