"""A run told in lines: `HH:MM:SS host step | text`, for pipes, dumb terminals, screen readers and replays on paper.

Each entry of the record gives no line, one or a few, from the run before it, the run after it and itself; so a live run
and its replay print the same. Times are wall-clock labels of the record, in UTC. Output of hosts is not told here: it
lies in files and may be a million lines, so whoever prints it asks for `output_line`.
"""

from __future__ import annotations

import re
from typing import assert_never

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AlwaysStarted,
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    AttemptStated,
    CanarySampled,
    Checked,
    Event,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    GateOpened,
    HaltRequested,
    HostExcluded,
    HostKeyAccepted,
    Jumped,
    MilestoneMarked,
    NoteAdded,
    OutputArrived,
    ProbeSampled,
    RollbackStarted,
    RunContinued,
    RunEnded,
    RunnerStarted,
    RunOpened,
    RunPaused,
    SessionLost,
    SessionOpened,
    StepEnded,
    StepEntered,
    StepSkipped,
    Unknown,
    WaitCut,
)
from runbook.core.events.fault_event import FaultEvent
from runbook.core.events.point_event import PointEvent
from runbook.core.events.policy_event import PolicyEvent
from runbook.core.run import Run
from runbook.view.sanitize import safe, safe_lines, safe_row
from runbook.view.story import telling
from runbook.view.story.telling import Said
from runbook.view.story.telling_faults import fault_said

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)")
_WIDEST = 16


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """How wide the two columns before the bar are; the same for a whole run, so that the bars stand in line."""

    host: int = 4
    step: int = 5


def columns(run: Run) -> Column:
    """Columns wide enough for most hosts and steps of a run."""
    hosts = max((len(host.name) for host in run.plan.hosts), default=0)
    steps = max((len(step) for step in run.steps), default=0)
    return Column(host=max(4, min(_WIDEST, hosts)), step=max(4, min(_WIDEST, steps)))


def narrate(before: Run | None, after: Run, entry: Entry) -> tuple[str, ...]:
    """What an entry has to tell; `before` is None for the first entry of a record."""
    said = _tell(before or after, after, entry.event, entry.at)
    width = columns(after) if said else Column()
    lines = [(each, text) for each in said for text in _set_in(safe_lines(each.text))]
    return tuple(line(clock_label(entry.wall), each.host, each.step, text, width=width) for each, text in lines)


def _set_in(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Further lines of one text stand under its first word, so that none of them can pass for a new event."""
    first, *others = lines or ("",)
    return (first, *(f"      {line}" for line in others))


def line(time: str, host: str, step: str, text: str, *, width: Column) -> str:
    """One line; `-` where no host or no step is meant."""
    return f"{time} {safe(host) or '-':<{width.host}} {safe(step) or '-':<{width.step}} | {safe_row(text)}"


def output_line(wall: str, *, host: str, step: str, data: bytes, width: Column) -> str:
    """A line that a host printed; the text is set in, so that it can never be taken for the runner's own words."""
    return line(clock_label(wall), host, step, f"  {safe_row(data)}", width=width)


def clock_label(wall: str) -> str:
    """The time of day in an ISO 8601 time; dashes where a damaged record has something else there."""
    found = _TIME.match(wall)
    return found[1] if found else "--:--:--"


def _told(text: str, host: str, step: str) -> tuple[Said, ...]:
    return (Said(text, host=host, step=step),) if text else ()


def _tell_of_its_room(before: Run, event: FaultEvent | PolicyEvent | PointEvent) -> tuple[Said, ...]:
    if isinstance(event, PolicyEvent):
        return telling.policy(event)
    if isinstance(event, PointEvent):
        return telling.point_read(before, event)
    return _told(fault_said(event), event.host, event.step)


def _tell(before: Run, after: Run, event: Event, at: float) -> tuple[Said, ...]:  # noqa: C901, PLR0911, PLR0912 - one line for each event
    if isinstance(event, FaultEvent | PolicyEvent | PointEvent):
        return _tell_of_its_room(before, event)
    match event:
        case RunOpened():
            return telling.opened(event)
        case RunnerStarted():
            return telling.runner_started(event)
        case SessionOpened():
            return (*telling.session_opened(event), *telling.twins(after, event.host))
        case SessionLost():
            return (Said(f"link lost: {event.reason}", host=event.host),)
        case StepEntered():
            return telling.step_entered(after, event)
        case StepSkipped():
            return telling.step_skipped(after, event)
        case AttemptStarted():
            return telling.attempt_started(event)
        case AttemptGraded() | AttemptStated() | OutputArrived() | AlwaysStarted() | Checked():
            return ()  # what a check found is told by the end of the step that looked
        case AttemptEnded():
            return telling.attempt_ended(after, event)
        case StepEnded():
            return telling.step_ended(after, event, at)
        case GateOpened():
            return telling.gate_opened(event, at)
        case GateAnswered():
            return telling.gate_answered(event)
        case HostKeyAccepted():
            return (Said(telling.key_accepted(event), step=event.step),)
        case GateLapsed():
            return (Said("nobody answered in time", step=event.step),)
        case FailureResolved():
            return telling.failure_resolved(event)
        case Jumped():
            return (Said(f"goes on at step {event.target}{telling.by(event.by)}", step=event.source),)
        case HostExcluded():
            return (Said(f"takes no further part{telling.by(event.by)}: {event.reason}", host=event.host),)
        case ProbeSampled():
            return telling.probe_sampled(before, event)
        case CanarySampled():
            return telling.canary_sampled(before, after, event)
        case MilestoneMarked():
            return (Said(f"MARK  {telling.spaced(event.milestone)}{telling.by(event.by)}"),)
        case RunPaused() | RunContinued():
            return (Said(f"{'paused' if isinstance(event, RunPaused) else 'goes on'}{telling.by(event.by)}"),)
        case WaitCut():
            return (Said(f"wait cut short{telling.by(event.by)}: {event.reason}", step=event.step),)
        case HaltRequested():
            return (Said(f"HALT{telling.by(event.by)}: {event.reason}"),)
        case RollbackStarted():
            return (Said(f"rolling back{telling.by(event.by)}: {event.reason}"),)
        case NoteAdded():
            return (Said(f"note{telling.by(event.by)}: {event.text}", step=event.step),)
        case RunEnded():
            return telling.ended(after, event)
        case Unknown():
            return (Said(f"{event.name}: told by a newer version, which alone can say what it means"),)
        case _:
            assert_never(event)
