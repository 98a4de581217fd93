"""What only the entries know: one pass over a record for the facts that a folded run does not keep.

A run folds a lost link away once the host is back, and keeps of output only how much there is. A report must not, so
the entries are read once more, in constant memory for each host and step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from runbook.core.actor import Actor
from runbook.core.entry import Entry
from runbook.core.event import (
    AttemptEnded,
    FailureResolved,
    GateAnswered,
    HaltRequested,
    HostExcluded,
    HostKeyAccepted,
    Jumped,
    MilestoneMarked,
    NoteAdded,
    OutputArrived,
    RollbackStarted,
    RunContinued,
    RunnerStarted,
    RunOpened,
    RunPaused,
    SessionLost,
    SessionOpened,
    WaitCut,
)
from runbook.core.plan import StepId
from runbook.view.sanitize import safe
from runbook.view.telling import spaced


class OutputFacts(msgspec.Struct, frozen=True):
    """Where a step's output on a host lies in the record."""

    file: str
    offset: int
    """Of its first byte."""
    length: int
    """Bytes, all streams together."""


class Facts:
    """Filled by one pass; afterwards only read."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Read all entries, in their order."""
        self.opened: RunOpened | None = None
        self.last_wall = ""
        self.sessions: dict[str, SessionOpened] = {}
        self.links_lost: dict[str, int] = {}
        self.outputs: dict[tuple[StepId, str], OutputFacts] = {}
        self.failed_tries: dict[StepId, list[AttemptEnded]] = {}
        self.keys_accepted: list[HostKeyAccepted] = []
        self.resumes: list[tuple[float, RunnerStarted]] = []
        self.decisions: dict[StepId, list[tuple[float, FailureResolved]]] = {}
        self.deeds: dict[tuple[str, bool], dict[str, None]] = {}
        for entry in entries:
            self.last_wall = entry.wall
            self._note(entry)
            self._note_deed(entry)

    def _note(self, entry: Entry) -> None:
        match entry.event:
            case RunOpened() as event:
                self.opened = self.opened or event
            case SessionOpened() as event:
                self.sessions[event.host] = event
            case SessionLost(host=host):
                self.links_lost[host] = self.links_lost.get(host, 0) + 1
            case OutputArrived() as event:
                self._note_output(event)
            case HostKeyAccepted() as event:
                self.keys_accepted.append(event)
            case RunnerStarted(resumed=True) as event:
                self.resumes.append((entry.at, event))
            case AttemptEnded(step=step) as event if event.outcome.is_error:
                self.failed_tries.setdefault(step, []).append(event)
            case FailureResolved(step=step) as event:
                self.decisions.setdefault(step, []).append((entry.at, event))
            case _:
                pass

    def _note_output(self, event: OutputArrived) -> None:
        key = (event.step, event.host)
        known = self.outputs.get(key, OutputFacts(event.file, event.offset, 0))
        self.outputs[key] = OutputFacts(known.file, known.offset, known.length + event.length)

    def _note_deed(self, entry: Entry) -> None:
        actor, deed = _deed(entry)
        if actor is not None:
            self.deeds.setdefault((actor.name, actor.machine), {})[deed] = None


def _deed(entry: Entry) -> tuple[Actor | None, str]:  # noqa: C901, PLR0911 - one line for each thing a person can do
    match entry.event:
        case RunOpened(operator=actor):
            return actor, "started the run"
        case RunnerStarted(resumed=True, by=actor):
            return actor, "resumed the run"
        case GateAnswered(by=actor, gate=gate, answer=answer):
            return actor, f"answered {answer} at gate {gate}"
        case FailureResolved(by=actor, step=step, choice=choice):
            return actor, f"{spaced(choice)} after step {step}"
        case Jumped(by=actor, source=source, target=target):
            return actor, f"went from step {source} to {target}"
        case HostExcluded(by=actor, host=host):
            return actor, f"excluded host {host}"
        case MilestoneMarked(by=actor, milestone=milestone):
            return actor, f"marked {spaced(milestone)}"
        case WaitCut(by=actor, step=step):
            return actor, f"cut the wait of step {step} short"
        case HaltRequested(by=actor):
            return actor, "halted the run"
        case RollbackStarted(by=actor):
            return actor, "had the run rolled back"
        case RunPaused(by=actor):
            return actor, "paused the run"
        case RunContinued(by=actor):
            return actor, "let the run go on"
        case NoteAdded(by=actor):
            return actor, "wrote notes"
        case _:
            return None, ""


def time_label(started: str, at: float) -> str:
    """`HH:MM:SS` UTC of a moment, from the wall time of the opening; empty where that cannot be read.

    A label: a clock that was set during the run does not show in it, durations never come from it.
    """
    try:
        moment = datetime.fromisoformat(started) + timedelta(seconds=at)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%H:%M:%S}"


def wall_label(wall: str) -> str:
    """A wall time as `2026-11-23 04:12:00 UTC`; as it stands where it is something else."""
    try:
        return f"{datetime.fromisoformat(wall):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return safe(wall)
