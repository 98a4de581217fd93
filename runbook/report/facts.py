"""What only the entries know: one pass over a record for the facts that a folded run does not keep.

A run folds a lost link away once the host is back, and keeps of output only how much there is. A report must not, so
the entries are read once more, in constant memory for each host and step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
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
from runbook.core.events.policy_event import RuleOverridden
from runbook.core.planned.plan import StepId
from runbook.report.model import Deed, OutputFacts, Person
from runbook.view.sanitize import safe


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
        self.people: list[Person] = []
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
        known = self.outputs.get(key, OutputFacts(file=event.file, offset=event.offset, length=0))
        self.outputs[key] = replace(known, length=known.length + event.length)

    def _note_deed(self, entry: Entry) -> None:
        actor, deed = _deed(entry)
        if actor is None or deed is None:
            return
        place = next((at for at, one in enumerate(self.people) if one.actor.is_same_as(actor)), len(self.people))
        known = self.people[place] if place < len(self.people) else Person(actor=actor, deeds=())
        if deed not in known.deeds:
            self.people[place:] = [replace(known, deeds=(*known.deeds, deed)), *self.people[place + 1 :]]


def _deed(entry: Entry) -> tuple[Actor | None, Deed | None]:  # noqa: C901, PLR0911, PLR0912 - a line for each thing one can do
    match entry.event:
        case RunOpened(operator=actor):
            return actor, Deed(did="started")
        case RunnerStarted(resumed=True, by=actor):
            return actor, Deed(did="resumed")
        case GateAnswered(by=actor, gate=gate, answer=answer):
            return actor, Deed(did="answered", about=gate, word=answer)
        case FailureResolved(by=actor, step=step, choice=choice):
            return actor, Deed(did="decided", about=step, word=choice)
        case Jumped(by=actor, source=source, target=target):
            return actor, Deed(did="jumped", about=source, word=target)
        case HostExcluded(by=actor, host=host):
            return actor, Deed(did="excluded", about=host)
        case MilestoneMarked(by=actor, milestone=milestone):
            return actor, Deed(did="marked", word=milestone)
        case WaitCut(by=actor, step=step):
            return actor, Deed(did="cut_wait", about=step)
        case HaltRequested(by=actor):
            return actor, Deed(did="halted")
        case RollbackStarted(by=actor):
            return actor, Deed(did="rolled_back")
        case RunPaused(by=actor):
            return actor, Deed(did="paused")
        case RunContinued(by=actor):
            return actor, Deed(did="continued")
        case NoteAdded(by=actor):
            return actor, Deed(did="noted")
        case RuleOverridden(by=actor, rule=rule):
            return actor, Deed(did="overrode", about=rule)
        case _:
            return None, None


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
