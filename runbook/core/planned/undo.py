"""What a rollback consists of: the undo of every step that ran or may have run, the newest first, then the run's own.

Apart from `due` because screens and reports show it too, before and after it happens. An undo goes where its step ran
and nowhere else: of the hosts that the two have in common only to those on which the step, or something inside a block,
may have done anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    BlockAction,
    ChecklistAction,
    LoopAction,
    ManualAction,
    NestedAction,
    ParallelAction,
)
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.run import Run, StepState


def undo_steps(run: Run) -> tuple[PlannedStep, ...]:
    """The steps' own undo in reverse over what ran or may have run, then the run's. An undo itself is not undone."""
    entered = (run.steps[step] for step in dict.fromkeys(reversed(run.entered)))
    ran = [state for state in entered if not state.planned.role.takes_back]
    own = [undo for state in ran if state.planned.undo and _may_have_run(run, state) for undo in state.planned.undo]
    return (*own, *run.plan.rollback)


def ran_on(run: Run, step: StepId) -> dict[str, bool]:
    """Every host that a step, or what stands inside a block, was meant for; true where it ran or may have run."""
    works = tuple(_inside(run, run.steps[step])) if step in run.steps else ()
    ran = {host for state in works for host in (*state.touched, *state.running)}
    return {host: host in ran for state in works for host in state.planned.hosts}


def _inside(run: Run, state: StepState) -> Iterator[StepState]:
    """What does the work of a step: itself, or the steps of a block. A nested runbook undoes itself as a whole."""
    if not isinstance(state.planned.action, BlockAction | LoopAction | ParallelAction):
        yield state
        return
    for child in state.planned.children:
        yield from _inside(run, run.steps[child.id])


def _may_have_run(run: Run, state: StepState) -> bool:
    """On a host, inside a container, or in a person's hands; who was asked to do something may have begun."""
    match state.planned.action:
        case BlockAction() | LoopAction() | ParallelAction() | NestedAction():
            inner = (run.steps[step.id] for child in state.planned.children for step in child.walk())
            return any(step.touched or step.running or _is_by_hand(step) for step in inner)
        case ManualAction() | ChecklistAction():
            return _is_by_hand(state)
        case _:
            return bool(state.touched or state.running) or (not state.hosts and state.outcome is Outcome.SUCCEEDED)


def _is_by_hand(state: StepState) -> bool:
    by_hand = isinstance(state.planned.action, ManualAction | ChecklistAction)
    return by_hand and state.visit > 0 and state.outcome is not Outcome.SKIPPED
