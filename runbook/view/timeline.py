"""A run on its time axis: one row a step with spans of work and of waiting, and the marks that people look for.

Rows hold seconds, never cells; `draw` turns one into ASCII of any width, so that screen, report and paper show the same
picture. Only the newest visit of a step has a span: earlier ones are told by the record, not by a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    FailureResolved,
    GateAnswered,
    GateOpened,
    HaltRequested,
    MilestoneMarked,
    ProbeSampled,
    RollbackStarted,
    SessionLost,
    StepEnded,
)
from runbook.core.events.policy_event import StepHeld
from runbook.core.fold.recovery import recovery
from runbook.core.milestone_name import Milestone
from runbook.core.planned.plan import StepId
from runbook.core.run import Run, StepState
from runbook.view.sanitize import safe
from runbook.view.steps import StepRow, step_gates, step_rows
from runbook.view.words import Status

MarkKind = Literal["gate", "answer", "failure", "milestone", "halt"]

_LETTERS = {"gate": "g", "answer": "A", "failure": "X", "milestone": "M", "halt": "H"}


class Span(msgspec.Struct, frozen=True):
    """A stretch of time, in seconds since the run was opened."""

    start: float
    end: float
    kind: Literal["work", "wait"]


class TimeMark(msgspec.Struct, frozen=True):
    """A moment worth finding again."""

    at: float
    kind: MarkKind
    text: str
    """Safe to show."""


class TimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step on the time axis."""

    id: StepId
    """As the plan has it, for asking and sending: show it through `safe`, an edited record may hold anything."""
    name: str
    status: Status
    expected: float
    """Seconds planned; 0 means that nobody said."""
    spans: tuple[Span, ...] = ()
    """In order, without overlap."""
    marks: tuple[TimeMark, ...] = ()


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The whole axis, from the opening to `end`."""

    end: float
    rows: tuple[TimeRow, ...]
    milestones: tuple[TimeMark, ...] = ()
    limit: float | None = None
    """`at` when the recovery time objective lapses; None before the outage or without an objective."""


def timeline(run: Run, now: float) -> Timeline:
    """The time axis of a run; `now` in seconds since it was opened."""
    moments = recovery(run).moments
    start = moments.get(Milestone(run.plan.objectives.rto_starts_at))
    rto = run.plan.objectives.rto
    return Timeline(
        end=max(now, run.now),
        rows=tuple(_row(run, run.steps[row.id], row, now) for row in step_rows(run, now)),
        milestones=tuple(
            TimeMark(bracket.latest, "milestone", name.value.replace("_", " ")) for name, bracket in moments.items()
        ),
        limit=start.earliest + rto if start and rto is not None else None,
    )


def draw(row: TimeRow, axis: Timeline, width: int) -> str:
    """A row as `width` ASCII cells, at least one.

    `=` work, `>` at work now, `.` waiting for people, `g` a gate opens, `A` an answer, `X` a failure, `!` the objective
    lapses. Marks cover the objective, and the objective covers work.
    """
    width = max(1, width)
    cells = [" "] * width
    for span in row.spans:
        for cell in range(_cell(span.start, axis, width), _cell(span.end, axis, width) + 1):
            cells[cell] = "." if span.kind == "wait" else "="
    if row.status is Status.RUNNING and row.spans:
        cells[_cell(row.spans[-1].end, axis, width)] = ">"
    if axis.limit is not None and axis.limit <= axis.end:
        cells[_cell(axis.limit, axis, width)] = "!"
    for mark in row.marks:
        cells[_cell(mark.at, axis, width)] = _LETTERS[mark.kind]
    return "".join(cells)


def _cell(at: float, axis: Timeline, width: int) -> int:
    share = at / axis.end if axis.end > 0 else 0.0
    return min(width - 1, int(max(0.0, min(1.0, share)) * width))


def event_marks(entries: Iterable[Entry]) -> tuple[TimeMark, ...]:
    """The moments of a whole record that a scrubber jumps between."""
    marks: list[TimeMark] = []
    good: dict[str, bool] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, ProbeSampled):
            if not event.ok and good.get(event.probe, True):
                marks.append(TimeMark(entry.at, "failure", safe(f"probe {event.probe} failed")))
            good[event.probe] = event.ok
        else:
            marks.extend(_event_mark(entry))
    return tuple(marks)


def _event_mark(entry: Entry) -> Iterator[TimeMark]:
    match entry.event:
        case GateOpened(gate=gate, message=message):
            yield TimeMark(entry.at, "gate", safe(f"gate {gate}: {message}"))
        case GateAnswered(gate=gate, answer=answer, by=actor):
            yield TimeMark(entry.at, "answer", safe(f"{answer} at gate {gate} by {actor.name}"))
        case FailureResolved(step=step, choice=choice):
            yield TimeMark(entry.at, "answer", safe(f"step {step}: {choice}"))
        case AttemptEnded(step=step, host=host, outcome=outcome) if outcome.is_error:
            yield TimeMark(entry.at, "failure", safe(f"step {step} on {host}: {outcome}"))
        case StepEnded(step=step, outcome=outcome) if outcome.is_error:
            yield TimeMark(entry.at, "failure", safe(f"step {step}: {outcome}"))
        case SessionLost(host=host):
            yield TimeMark(entry.at, "failure", safe(f"link to {host} lost"))
        case MilestoneMarked(milestone=milestone):
            yield TimeMark(entry.at, "milestone", milestone.value.replace("_", " "))
        case StepHeld(step=step, rule=rule):
            yield TimeMark(entry.at, "gate", safe(f"step {step} is held by {rule}"))
        case HaltRequested(reason=reason) | RollbackStarted(reason=reason):
            yield TimeMark(entry.at, "halt", safe(reason))
        case _:
            return


def _row(run: Run, state: StepState, row: StepRow, now: float) -> TimeRow:
    return TimeRow(
        id=row.id,
        name=row.name,
        status=row.status,
        expected=row.expected,
        spans=tuple(_spans(run, state, row, now)),
        marks=tuple(_marks(run, state)),
    )


def _spans(run: Run, state: StepState, row: StepRow, now: float) -> Iterator[Span]:
    """Work, cut by the gates that were open meanwhile; a gate after the end is waiting too."""
    if state.entered_at is None or row.elapsed is None:
        return
    reached, end = state.entered_at, state.entered_at + row.elapsed
    for gate in step_gates(run, state.id):
        opened = max(reached, gate.opened_at)
        closed = max(opened, now if gate.closed_at is None else gate.closed_at)
        if reached < min(opened, end):
            yield Span(reached, min(opened, end), "work")
        if opened < closed:
            yield Span(opened, closed, "wait")
        reached = max(reached, closed)
    if reached < end or reached == state.entered_at:
        yield Span(reached, max(reached, end), "work")


def _marks(run: Run, state: StepState) -> Iterator[TimeMark]:
    for gate in step_gates(run, state.id):
        yield TimeMark(gate.opened_at, "gate", safe(f"gate {gate.opened.gate}"))
        for answer in gate.answers:
            yield TimeMark(answer.at, "answer", safe(f"{answer.given.answer} by {answer.given.by.name}"))
    if not state.errors and not state.retrying:
        return  # a step of a thousand good hosts is drawn ten times a second
    for host, attempt in state.attempts.items():
        if attempt.outcome is not None and attempt.outcome.is_error and attempt.ended_at is not None:
            yield TimeMark(attempt.ended_at, "failure", safe(f"{host}: {attempt.detail}"))
