"""Findings on disk: one line a fact, beside the records that they came to light in, added under a lock.

Names are numbers in the order of opening, so that people can say them; two who write at one moment get two.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from runbook.core.events.policy_event import RuleOverridden
from runbook.core.finding import Closed, Finding, FindingFact, Opened, findings, why_not_closed
from runbook.problem import Exit, Problems, Where, problem

_FILE = Path(".findings") / "findings.jsonl"
_REVIEW = timedelta(days=5)
"""Until when somebody else has looked at it."""
_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_decoder = msgspec.json.Decoder(FindingFact)


def read_findings(recordings: Path) -> dict[str, Finding]:
    """What is on disk, by name; a last line that was cut is none.

    Raises:
        Problems: `bad-findings`: a line is no fact.
    """
    try:
        data = (recordings / _FILE).read_bytes()
    except FileNotFoundError:
        return {}
    return findings(_facts(recordings / _FILE, data))


def _facts(path: Path, data: bytes) -> Iterator[FindingFact]:
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            yield _decoder.decode(line)
        except msgspec.MsgspecError as wrong:
            raise problem(
                "the findings hold something that is none",
                why=str(wrong),
                fix="Bring the file back from a copy.",
                where=Where(str(path), number),
                code="bad-findings",
                exit=Exit.FAILED,
            ) from wrong


def open_finding(recordings: Path, make: Callable[[str], Opened]) -> Opened:
    """Write one down; `make` is told its name."""
    with _alone(recordings) as file:
        opened = make(f"F-{len(read_findings(recordings)) + 1:04}")
        _append(file, recordings, opened)
    return opened


def reviewing(name: str, broken: RuleOverridden, run: str, wall: float) -> Opened:
    """What is to be looked at because somebody overrode a rule."""
    now = datetime.fromtimestamp(wall, UTC)
    return Opened(
        finding=name,
        at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        by=broken.by,
        title=f"{broken.by.name} overrode the rule {broken.rule}: {broken.reason}",
        severity="high",
        due=str((now + _REVIEW).date()),
        category="break-glass",
        run=run,
    )


def close_finding(recordings: Path, closing: Closed) -> None:
    """Close one.

    Raises:
        Problems: There is none of that name, it is closed, or whoever it is may not.
    """
    with _alone(recordings) as file:
        refused = why_not_closed(read_findings(recordings), closing)
        if refused is not None:
            raise Problems([refused])
        _append(file, recordings, closing)


@contextmanager
def _alone(recordings: Path) -> Iterator[int]:
    """The file, while nobody else writes."""
    path = recordings / _FILE
    path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _append(file: int, recordings: Path, fact: FindingFact) -> None:
    # A line that somebody's crash cut short was never a fact, and must not be joined to this one.
    data = (recordings / _FILE).read_bytes()
    os.ftruncate(file, data.rfind(b"\n") + 1)
    os.write(file, msgspec.json.encode(fact) + b"\n")
    os.fsync(file)
