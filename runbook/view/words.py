"""The words, shapes and numbers that every face of a run shows alike: screen, line mode and report.

A state is a word first, then an ASCII shape, then a colour, then an attribute, so that nothing is lost on a serial
console, in a screen reader or for the eye that cannot tell red from green. This file names roles and knows no colour:
which one a role has (and whether one is wanted at all) is a theme's business.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

import msgspec
from immutables import Map

from runbook.core.host import Json
from runbook.core.outcome import Outcome


class Status(StrEnum):
    """What a row is marked with; the gravest first, which is the order in which rows are listed."""

    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    UNREACHABLE = "unreachable"
    ABORTED = "aborted"
    WAITING = "waiting"
    """For people; nothing happens until somebody answers."""
    RUNNING = "running"
    QUEUED = "queued"
    """Will start by itself: its wave, its turn or its next try has not come."""
    PENDING = "pending"
    IGNORED = "ignored"
    """It failed, and the run went on."""
    SKIPPED = "skipped"
    OK = "ok"

    @property
    def gravity(self) -> int:
        """0 for what a person must see first."""
        return list(Status).index(self)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How a status looks."""

    word: str
    """At most five letters, so that a column of them never shifts."""
    shape: str
    """One ASCII character."""
    role: str
    """What it plays on the screen: one of `look/part.py`."""
    attributes: tuple[str, ...] = ()
    """Of `bold`, `dim`, `italic`, `pill`: what is left where there is no colour."""


MARKS: Map[Status, Mark] = Map(
    {
        Status.FAILED: Mark(word="FAIL", shape="x", role="bad", attributes=("bold", "pill")),
        Status.IN_DOUBT: Mark(word="DOUBT", shape="#", role="unk", attributes=("bold",)),
        Status.UNREACHABLE: Mark(word="UNRCH", shape="?", role="unk", attributes=("bold",)),
        Status.ABORTED: Mark(word="ABRT", shape="#", role="bad", attributes=("bold",)),
        Status.WAITING: Mark(word="WAIT", shape="!", role="you", attributes=("bold",)),
        Status.RUNNING: Mark(word="RUN", shape=">", role="live", attributes=("bold",)),
        Status.QUEUED: Mark(word="QUE", shape="~", role="dim"),
        Status.PENDING: Mark(word="-", shape=".", role="dim"),
        Status.IGNORED: Mark(word="IGN", shape="%", role="slip"),
        Status.SKIPPED: Mark(word="SKIP", shape="/", role="dim"),
        Status.OK: Mark(word="OK", shape="+", role="ok"),
    }
)

_OF_OUTCOME: Map[Outcome, Status] = Map(
    {
        Outcome.SUCCEEDED: Status.OK,
        Outcome.FAILED: Status.FAILED,
        Outcome.SKIPPED: Status.SKIPPED,
        Outcome.UNREACHABLE: Status.UNREACHABLE,
        Outcome.TIMED_OUT: Status.FAILED,
        Outcome.CANCELLED: Status.ABORTED,
        Outcome.IN_DOUBT: Status.IN_DOUBT,
        Outcome.NOT_REACHED: Status.PENDING,
    }
)

VERDICT_ROLES: Map[str, str] = Map(
    {
        "met": "ok", "verified": "ok", "held": "ok", "completed": "text", "none": "text", "live": "live",
        "running": "live", "completed with deviations": "slip", "empty": "slip", "inconclusive": "unk",
        "not_measured": "unk", "interrupted": "unk", "aborted": "bad", "deviated": "bad", "missed": "bad",
        "failed": "bad", "unverified": "bad", "stopped": "bad", "damaged": "bad",
    }
)  # fmt: skip
"""The word of a run's gravest verdict to the role that the run is shown in."""

_MINUTE = 60
_HOUR = 3600
_FOLDABLE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def verdict_role(worst: str, objective: str = "") -> str:
    """The role of a run by its gravest verdict. Green is for what was promised and kept, and for nothing else."""
    role = VERDICT_ROLES.get(worst, "dim")
    return "ok" if role == "text" and objective == "met" else role


def status_of(outcome: Outcome) -> Status:
    """The status that an ending is shown as."""
    return _OF_OUTCOME[outcome]


def outcome_words(outcome: Outcome) -> str:
    """An outcome in a sentence: `timed out`, `in doubt`."""
    return outcome.value.replace("_", " ")


def value_words(value: Json | tuple[object, ...]) -> str:
    """A value as people write it: the items of a list between commas."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def duration(seconds: float) -> str:
    """A length of time as a clock shows it: `340 ms`, `0:41`, `2:07`, `1:02:03`. Negative ones carry a minus."""
    if not math.isfinite(seconds):
        return "-"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if 0 < seconds < 0.9995:  # noqa: PLR2004 - above it, a rounded number of milliseconds would be 1000
        return f"{seconds * 1000:.0f} ms"
    whole = round(seconds)
    hours, rest = divmod(whole, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def measured(seconds: float, error: float = 0.0, *, at_least: bool = False) -> str:
    """A measurement with its error bound: `12.4 s (up to 0.6 s less)`, `2:07.3 (up to 0.5 s less)`.

    The bound is one-sided because a recovery time is always given by its widest reading. `at_least` is for one whose
    beginning nobody saw: its narrowest reading is all that is known, `≥ 11.8 s`.
    """
    if not math.isfinite(seconds):
        return "-"
    if at_least:
        return f"≥ {measured(max(0.0, seconds - error))}"
    tenths = round(seconds, 1)
    minutes = f"{duration(int(tenths))}.{f'{tenths:.1f}'[-1]}"
    text = f"{tenths:.1f} s" if abs(tenths) < _MINUTE else minutes
    return f"{text} (up to {error:.1f} s less)" if round(error, 1) > 0 else text


def plural(count: int, noun: str, many: str = "") -> str:
    """A number with its noun: `1 host`, `3 hosts`."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def fold_hosts(names: Iterable[str]) -> str:
    """Host names as one node set: `db-[01-06],web1`.

    Names that a node set would read as an operator or a range stay as they are, behind the others.
    """
    return _folded(tuple(dict.fromkeys(names)))


@lru_cache(maxsize=256)
def _folded(names: tuple[str, ...]) -> str:
    """Kept, because a screen asks for the same thousand names again and again, and folding them takes 20 ms."""
    plain = [name for name in names if _FOLDABLE.match(name)]
    odd = [name for name in names if not _FOLDABLE.match(name)]
    return ",".join((*_node_set(plain), *odd))


def _node_set(names: list[str]) -> tuple[str, ...]:
    if len(names) < 2:  # noqa: PLR2004 - nothing to fold
        return tuple(names)
    # Late, because it takes 20 ms to load, and most sentences name one host.
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet  # noqa: PLC0415 - said above

    return (str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP)),)


def name_hosts(names: tuple[str, ...], limit: int = 40) -> str:
    """Host names for a sentence: folded, or counted where even that is longer than `limit` characters."""
    folded = fold_hosts(names)
    return folded if len(folded) <= limit or len(names) == 1 else plural(len(names), "host")
