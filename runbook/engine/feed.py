"""What a view holds: a run that advances, the output that goes with it, and (when it is live) a way to ask for things.

The screen, the line mode and the replay are written against these protocols and never learn whether events come from a
runner's socket or from a file of last year. A feed hands out whole folded runs, not events: nobody downstream folds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from runbook.core.actor import Actor
from runbook.core.entry import Entry
from runbook.core.intent import Intent
from runbook.core.plan import Plan
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """A runbook of the workspace as a list shows it."""

    path: str
    name: str
    title: str
    kind: str
    owner: str
    service: str
    description: str
    tags: tuple[str, ...]
    inventory: str
    reviewed: str
    review: Literal["ok", "overdue", "never"]
    last_run: str
    """Wall time of the newest run of it, or empty."""
    last_verdict: str
    """`completed`, `failed`, `live`, ... or empty."""
    problem: Problem | None = None
    """Why it cannot be read; the other fields then hold what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A record as a list shows it."""

    id: str
    runbook: str
    kind: str
    started: str
    operator: str
    verdict: str
    """`completed`, `failed`, `aborted`, `interrupted`, `live`, `damaged`."""
    rta: float | None
    """Seconds by the widest reading; by the narrowest where that is all that is known, and `rta_at_least` is true."""
    objective: str
    live: bool
    duration: float
    rta_at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterField:
    """A parameter as a form asks for it."""

    name: str
    type: str
    help: str
    default: str
    required: bool
    choices: tuple[str, ...]
    secret: bool


class Workspace(Protocol):
    """What the screen can do besides watching. Implemented by `engine/workspace.py`; any method may raise Problems."""

    def books(self) -> tuple[BookRow, ...]:
        """All runbooks under `drills/`, unreadable ones too."""

    def runs(self) -> tuple[RunRow, ...]:
        """All records, newest first."""

    def parameters(self, path: str) -> tuple[ParameterField, ...]:
        """What a runbook asks for."""

    def plan(
        self, path: str, given: dict[str, str], *, inventory: str = "", agree: Callable[[Path], bool] | None = None
    ) -> Plan:
        """Compile it; connects to nothing. `agree` is asked before a program is run as its inventory."""

    async def start(
        self,
        path: str,
        given: dict[str, str],
        *,
        inventory: str = "",
        step_mode: bool = False,
        digest: str = "",
        agree: Callable[[Path], bool] | None = None,
    ) -> Feed:
        """Start a runner for it and watch it. Refused when what was shown, by its `digest`, is not what it is now."""

    async def attach(self, run: str) -> Feed:
        """Watch a live run."""

    def replay(self, run: str) -> Replay:
        """Open a record."""

    def whoami(self) -> Actor:
        """Who the runner will take this process for."""
