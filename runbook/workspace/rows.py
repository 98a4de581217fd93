"""What lists and forms are made of: a runbook, a run, a parameter, each as one row of plain values.

Rows are facts for whoever shows them; how they are found is `local.py`'s business, how they look the screen's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runbook.problem import Problem
from runbook.view.story.waiting import Waiting

_NOBODY = Waiting()

FORM = "form"
"""Where values were given that somebody filled into a form."""


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
    steps: int = 0
    """Steps that stand in the file; 0 where they are not counted."""
    promised: float | None = None
    """Seconds within which it is to recover; None without an objective."""
    every: float = 0.0
    """Seconds within which it is to be run again; 0 where nothing says so."""
    last_worst: str = ""
    """The word of its gravest verdict, which colours it."""
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
    """`completed`, `completed with deviations`, `failed`, `aborted`, `interrupted`, `live`, `damaged`."""
    rta: float | None
    """Seconds by the widest reading; by the narrowest where that is all that is known, and `rta_at_least` is true."""
    objective: str
    live: bool
    duration: float
    rta_at_least: bool = False
    reason: str = ""
    """Why it did not go through all of its steps; empty where it did."""
    worst: str = ""
    """The word of the gravest of its verdicts, which colours it."""
    rollback: str = ""
    """What became of its rollback: `none`, `running`, `held`, `empty`, `stopped`, `failed`."""
    faults_live: int = 0
    """Faults of it that may be live."""
    environment: str = ""
    colour: str = ""
    """Of the environment."""
    promised: float | None = None
    """Seconds within which it was to recover; None without an objective."""
    waiting: Waiting = _NOBODY
    """How far it is, and whom it waits for."""
    problem: Problem | None = None
    """Why it is damaged; the other fields then hold what is known."""

    @property
    def is_rolled_back(self) -> bool:
        """A rollback was begun, whatever became of it."""
        return self.rollback not in {"", "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check of a record."""

    name: str
    state: Literal["ok", "note", "excepted", "newer", "missing", "altered"]
    detail: str
    """What was compared, or what is wrong and what that proves."""
    line: int = 0
    """Of the journal, where it shows first; 0 when it belongs to no line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """Whether a record can be believed."""

    run: str
    grade: str
    """`SOUND`, `EXCEPTED`, `INCOMPLETE`, `ALTERED`, `NEWER`; `LIVE` while it is still written."""
    lines: int = 0
    """Good lines of the journal."""
    first_bad: int = 0
    """The first line that a failed check points at; 0 when none does."""
    head: str = ""
    """SHA-256 of the last good line."""
    why: str = ""
    """Why it could not be checked."""
    checks: tuple[CheckRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterField:
    """A parameter as a form asks for it."""

    name: str
    type: str
    help: str
    default: str
    required: bool
    """Without a value there is no run: it has a star."""
    choices: tuple[str, ...]
    """One of these is picked; empty where anything may be typed, or several may be picked."""
    secret: bool
    """Typed unseen, kept nowhere."""
    origin: str = ""
    """Where a secret comes from when it is not typed; empty where nobody but a person has it."""
    bounds: str = ""
    """What the value has to be like, in a few words."""

    @property
    def kind(self) -> str:
        """Its type and its bounds, for a person."""
        return f"{self.type}, {self.bounds}" if self.bounds else self.type
