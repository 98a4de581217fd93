"""What a list of runs shows about one of them, from the first and the last line of its journal and nothing between.

The verdicts are not here: they are computed by folding the whole record, and a list must not take a minute. The first
line holds the plan, which can be large, so only the few names wanted are decoded from it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from runbook.record.codec import is_whole
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


class _LastEvent(msgspec.Struct):
    type: str = ""
    reason: str = ""


class _Last(msgspec.Struct):
    wall: str = ""
    event: _LastEvent = msgspec.field(default_factory=_LastEvent)

    @property
    def ended(self) -> bool:
        """True when it is a run's last for good."""
        return self.event.type == "RunEnded"


_first = msgspec.json.Decoder(_First)
_last = msgspec.json.Decoder(_Last)


def summarise(folder: Path) -> RunSummary:
    """The row for a record; a record that cannot be read gives a row that says so."""
    path = folder / JOURNAL
    size, live = _size(folder), is_locked(path)
    try:
        first, last = _ends(path)
        opening = _first.decode(first).event
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return RunSummary(run=folder.name, folder=folder, live=live, size=size, damaged=not live)
    closing = _closing(last)
    return RunSummary(
        run=opening.run,
        folder=folder,
        runbook=opening.plan.runbook,
        title=opening.plan.title,
        kind=opening.plan.kind,
        environment=opening.plan.environment.name,
        operator=opening.operator.name,
        started=opening.started,
        ended=closing.wall if closing.ended else "",
        reason=closing.event.reason if closing.ended else "",
        live=live,
        size=size,
        damaged=not (live or (is_whole(first) and is_whole(last))),
    )


def _closing(line: bytes) -> _Last:
    """What the last line says; nothing when it is torn, as it may be for a moment in a live run."""
    try:
        return _last.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Last()


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first line and the last, however long they are.

    Raises:
        OSError: when the journal is not there any more.
    """
    with path.open("rb") as file:
        first = file.readline()
        size, wanted = file.seek(0, os.SEEK_END), _TAIL
        while True:
            file.seek(max(0, size - wanted))
            tail = file.read(wanted)
            start = tail.rfind(b"\n", 0, len(tail) - 1) + 1
            if start or wanted >= size:
                return first, tail[start:]
            wanted *= 8


def _size(folder: Path) -> int:
    found = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in found if path.is_file())
