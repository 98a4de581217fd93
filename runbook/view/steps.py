"""The steps of a run as rows: shared by the step list of the screen, the tables of a report and the line mode.

steps appear only once the run is being undone: before that they would read as things still to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never, get_args

import msgspec

from runbook.core.actor import distinct
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER, ApproveAction, Ask, ChecklistAction, WaitAction, kind_of
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.turns import name_of, steps_inside
from runbook.core.planned.undo import undo_steps
from runbook.core.run import GateState, Run, StepPhase, StepState
from runbook.view.sanitize import safe
from runbook.view.words import Status, duration, plural, status_of

_ASKS = get_args(Ask)
_WENT_ON = frozenset({"continue", "skip", "exclude", "goto"})


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step at one moment."""

    id: StepId
    """As the plan has it, for asking and sending: show it through `safe`, an edited record may hold anything."""
    name: str
    """Safe to show."""
    kind: str
    section: str
    depth: int
    """0 for a step that stands directly in a section."""
    status: Status
    is_gate: bool
    """It does nothing but ask people."""
    hosts_done: int = 0
    """Hosts on which it succeeded in this visit."""
    hosts_total: int = 0
    """0 for work that no host does."""
    elapsed: float | None = None
    """Seconds since it was entered, until it ended; None when it was never entered."""
    waited: float = 0.0
    """Seconds of `elapsed` in which it waited for people."""
    expected: float = 0.0
    """Seconds planned; 0 means that nobody said."""
    visit: int = 0
    outcome: Outcome | None = None
    """None until it is over."""
    detail: str = ""
    """Why, what for or how long still; safe to show, one line."""

    @property
    def over(self) -> float:
        """Seconds beyond the plan; people's time does not count against it."""
        if not self.expected or self.elapsed is None:
            return 0.0
        return max(0.0, self.elapsed - self.waited - self.expected)


def step_rows(run: Run, now: float) -> tuple[StepRow, ...]:
    """Every step that has been, is or will be taken, in the order of reading; `now` in seconds since the opening."""
    return tuple(step_row(run, run.steps[planned.id], now, depth=depth) for depth, planned in _walk(run))


def step_row(run: Run, state: StepState, now: float, *, depth: int = 0) -> StepRow:
    """One step's row."""
    planned = state.planned
    hosts = tuple(host for host in (state.hosts if state.visit else planned.hosts) if host != CONTROLLER)
    return StepRow(
        id=state.id,
        name=safe(name_of(run, planned)),
        kind=kind_of(planned.action),
        section=safe(planned.section),
        depth=depth,
        status=step_status(run, state),
        is_gate=isinstance(planned.action, _ASKS),
        hosts_done=len(state.settled) - state.errors if hosts else 0,
        hosts_total=len(hosts),
        elapsed=elapsed(state, now),
        waited=waited(run, state, now),
        expected=planned.expected,
        visit=state.visit,
        outcome=step_outcome(run, state),
        detail=_detail(run, state, now),
    )


def step_status(run: Run, state: StepState) -> Status:
    """The mark of a step."""
    match state.phase:
        case StepPhase.AHEAD:
            return Status.PENDING
        case StepPhase.ENTERED:
            return _live_status(run, state)
        case StepPhase.ENDED:
            return _final_status(state)
        case _:
            assert_never(state.phase)


def step_outcome(run: Run, state: StepState) -> Outcome | None:
    """How a step ended; a run that is over never reached the steps still ahead. None while it is open."""
    if state.phase is StepPhase.ENDED:
        return state.outcome
    return Outcome.NOT_REACHED if run.has_ended and state.phase is StepPhase.AHEAD else None


def elapsed(state: StepState, now: float) -> float | None:
    """Seconds from a step's entry to its end, or to `now`; None when it was never entered."""
    if state.entered_at is None:
        return None
    end = state.ended_at if state.phase is StepPhase.ENDED and state.ended_at is not None else now
    return max(0.0, end - state.entered_at)


def waited(run: Run, state: StepState, now: float) -> float:
    """Seconds in which a step waited for people while it was open; its failure's gate comes after its end."""
    if state.entered_at is None:
        return 0.0
    end = now if state.ended_at is None or state.is_live else state.ended_at
    total, reached = 0.0, state.entered_at
    for gate in step_gates(run, state.id):
        closed = min(end, now if gate.closed_at is None else gate.closed_at)
        total += max(0.0, closed - max(reached, gate.opened_at))
        reached = max(reached, closed)
    return total


def waited_at_all(run: Run, step: StepId, now: float) -> float:
    """Seconds in which a step waited for people, the question after its failure included."""
    total, reached = 0.0, 0.0
    for gate in step_gates(run, step):
        closed = now if gate.closed_at is None else gate.closed_at
        total += max(0.0, closed - max(reached, gate.opened_at))
        reached = max(reached, closed)
    return total


def step_gates(run: Run, step: StepId) -> tuple[GateState, ...]:
    """Every gate that a step has opened, in that order."""
    gates = [gate for gate in run.gates.values() if gate.opened.step == step]
    return tuple(sorted(gates, key=lambda gate: gate.opened_at))


def open_gate(run: Run, step: StepId) -> GateState | None:
    """The gate at which a step waits; None when it waits for nobody."""
    return next((run.gates[gate] for gate in run.open_gates if run.gates[gate].opened.step == step), None)


def _walk(run: Run) -> Iterator[tuple[int, PlannedStep]]:
    for section in run.plan.sections:
        for step in section.steps:
            yield from _inside(run, step, 0)
    if run.is_rolled_back or (run.stop is not None and run.stop.undo):
        for step in undo_steps(run):
            yield from _inside(run, step, 0)
    for step in run.plan.always:
        yield from _inside(run, step, 0)


def _inside(run: Run, step: PlannedStep, depth: int) -> Iterator[tuple[int, PlannedStep]]:
    yield depth, step
    for child in steps_inside(run, step):
        yield from _inside(run, child, depth + 1)


def _live_status(run: Run, state: StepState) -> Status:
    if open_gate(run, state.id) is not None:
        return Status.WAITING
    is_idle = bool(state.hosts) and not state.running and not state.settled
    return Status.QUEUED if is_idle else Status.RUNNING


def _final_status(state: StepState) -> Status:
    if state.outcome is None:
        return Status.PENDING
    went_on = state.resolution is not None and state.resolution.choice in _WENT_ON
    if went_on and state.outcome.is_error and state.outcome is not Outcome.IN_DOUBT:
        return Status.IGNORED
    return status_of(state.outcome)


def _detail(run: Run, state: StepState, now: float) -> str:
    gate = open_gate(run, state.id)
    if gate is not None:
        return _waiting_for(gate, state)
    if state.is_live:
        return _underway(state, now)
    resolution = state.resolution
    decided = f"; {resolution.choice.replace('_', ' ')}" if resolution and resolution.by else ""
    reason = f": {resolution.reason}" if resolution and resolution.by and resolution.reason else ""
    return safe(f"{state.detail}{decided}{reason}".removeprefix("; "))


def _waiting_for(gate: GateState, state: StepState) -> str:
    action = state.action_on("*")
    if gate.opened.kind in {"approve", "approval"}:
        needed = action.min_required if isinstance(action, ApproveAction) else state.planned.must_agree
        given = len(distinct(answer.given.by for answer in gate.answers if answer.given.answer == "approve"))
        return f"{given} of {plural(needed, 'approval')}"
    if isinstance(action, ChecklistAction) and gate.opened.kind == "checklist":
        return f"{len({str(answer.given.value) for answer in gate.answers})} of {plural(len(action.items), 'item')}"
    if gate.opened.kind == "failure":
        return safe(f"what now? {state.detail}")
    return "waits for the typed word" if gate.opened.word else "waits for an answer"


def _underway(state: StepState, now: float) -> str:
    if isinstance(state.planned.action, WaitAction) and state.entered_at is not None:
        return f"{duration(max(0.0, state.entered_at + state.wait - now))} left"
    parts = [f"{plural(len(state.retrying), 'host')} to try again" if state.retrying else ""]
    parts.append(f"{plural(state.errors, 'host')} not OK" if state.errors else "")
    return ", ".join(part for part in parts if part)
