"""What became of a rollback: which undo was done on which hosts, and whether what ran is undone.

The run's own verdict says only why it did not go forward. Whoever takes over needs the other half, host by host: what
was put back, what was not, and what nobody tried. As with all verdicts it is computed from the folded run alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from runbook.core.outcome import Outcome
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.undo import ran_on, undo_steps
from runbook.core.run import Run, StepState

RollbackVerdict = Literal["none", "running", "held", "empty", "stopped", "failed"]
"""`empty`: nothing that ran has an undo. `stopped`: given up before everything was undone."""


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a rollback."""

    step: StepId
    undoes: StepId
    """The step that it takes back; empty for a step of the runbook's own rollback."""
    outcome: Outcome | None
    """None while it is open, or when it was never reached."""
    held: tuple[str, ...] = ()
    """Hosts on which it was done, in the order of the plan. A person's step has none."""
    failed: tuple[str, ...] = ()
    """Hosts on which it went wrong, or may have."""


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """A rollback and its parts, in the order in which they are taken."""

    verdict: RollbackVerdict
    steps: tuple[Undone, ...] = ()


def rollback(run: Run) -> Rollback:
    """What became of it so far; final once the run has ended."""
    if not run.is_rolled_back:
        return Rollback(verdict="none")
    planned = undo_steps(run)
    return Rollback(verdict=_verdict(run, planned), steps=tuple(_undone(run, each) for each in planned))


def undoable(run: Run) -> tuple[StepId, ...]:
    """Steps that ran, or may have, and have an undo that was not tried, the newest first."""
    if run.is_rolled_back:
        return ()
    return tuple(dict.fromkeys(each.undoes for each in undo_steps(run) if each.undoes))


def _verdict(run: Run, planned: Iterable[PlannedStep]) -> RollbackVerdict:
    states = [run.steps[each.id] for each in planned]
    if any(_went_wrong(run, state) for state in states):
        return "failed"
    if any(state.outcome in {None, Outcome.CANCELLED} for state in states):
        is_on_its_way = not run.has_ended and run.stop is not None and run.stop.undo
        return "running" if is_on_its_way else "stopped"
    return "held" if states else "empty"


def _went_wrong(run: Run, state: StepState) -> bool:
    """It failed, tolerated or not; or it was passed over although there was something to undo."""
    if state.outcome is Outcome.SKIPPED and not state.skipped_as_written:
        return any(ran_on(run, state.planned.undoes).get(host) for host in state.planned.hosts)
    # What a halt cancelled is not done, and that is told as such; it did not go wrong.
    ends = {state.outcome, *state.settled.values()} - {None, Outcome.CANCELLED}
    return any(end is not None and end.is_error for end in ends)


def _undone(run: Run, planned: PlannedStep) -> Undone:
    works = [run.steps[each.id] for each in planned.walk()]
    failed = {host for state in works for host, outcome in state.settled.items() if outcome.is_error}
    settled = dict.fromkeys(host for state in works for host in state.hosts if host in state.settled)
    return Undone(
        step=planned.id,
        undoes=planned.undoes,
        outcome=run.steps[planned.id].outcome,
        held=tuple(host for host in settled if host not in failed),
        failed=tuple(host for host in settled if host in failed),
    )
