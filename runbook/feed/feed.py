"""What a view holds: a run that advances, the output that goes with it, and (when it is live) a way to ask for things.

The screen, the line mode and the replay are written against these protocols and never learn whether events come from a
runner's socket or from a file of last year. A feed hands out whole folded runs, not events: nobody downstream folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from runbook.core.events.entry import Entry
from runbook.core.intent import Intent
from runbook.core.run import Run
from runbook.problem import Problem


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One line of a host's output as it lies in the record: masked, and not sanitised."""

    number: int
    """0-based, over all of the host's output in this run."""
    data: bytes
    """Without its newline; cut to `MAX_LINE` bytes."""
    stream: Literal["out", "err"]
    step: str
    """Id of the step that wrote it."""
    at: float
    """Seconds since the run was opened, when its chunk was recorded."""


MAX_LINE = 8192
"""Bytes of one line that are ever handed to a view; the whole line stays in the record."""


class Output(Protocol):
    """Lines of output, read from the record's files as they are asked for. Cheap: holds offsets, never text."""

    def hosts(self) -> tuple[str, ...]:
        """Hosts that have written anything so far."""

    def count(self, host: str) -> int:
        """Lines known of a host at the feed's present moment."""

    def lines(self, host: str, start: int, count: int) -> tuple[OutputLine, ...]:
        """A viewport. Out of range gives what there is."""

    def text(self, host: str, start: int, size: int) -> bytes:
        """Whole lines from `start` on in about `size` bytes, each with a line feed behind it: to look for something.

        A line that is longer is cut to `size`. Empty where nothing follows.
        """


class Feed(Protocol):
    """A run that can be watched."""

    @property
    def run(self) -> Run:
        """The newest folded run."""

    @property
    def output(self) -> Output:
        """Its output, up to the same moment."""

    @property
    def is_live(self) -> bool:
        """True when intents are accepted: a runner is there."""

    @property
    def damage(self) -> Problem | None:
        """Why the record cannot be followed further; None while it is sound."""

    async def wait_changed(self) -> Run:
        """Return when the run has advanced (many entries may have come at once), or when nothing more will come."""

    async def send(self, intent: Intent) -> Problem | None:
        """Ask for something; the refusal, or None when it was granted."""

    async def close(self) -> None:
        """Stop watching. The run goes on."""


class Replay(Feed, Protocol):
    """A recorded run on its own time axis. `wait_changed` follows `play`; `seek` moves at once."""

    @property
    def position(self) -> float:
        """Seconds since the run was opened, of the moment shown."""

    @property
    def length(self) -> float:
        """`at` of the last good entry."""

    @property
    def total(self) -> int:
        """Good entries in the record."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, for a timeline and its marks."""

    @property
    def playing(self) -> bool:
        """True while time runs."""

    @property
    def speed(self) -> float:
        """Recorded seconds for each second of the viewer."""

    def seek(self, at: float) -> Run:
        """Show the moment `at`; clamped. At most 100 ms for a million entries."""

    def step(self, count: int) -> Run:
        """Show the moment `count` entries on (or back)."""

    def play(self, *, speed: float | None = None) -> None:
        """Let time run, from the start again when it is at its end."""

    def pause(self) -> None:
        """Stop time."""
