"""What a rollback consists of: the undo of every step that ran or may have run, the newest first, then the run's own.

Apart from `due` because screens and reports show it too, before and after it happens.
"""

from __future__ import annotations

from runbook.core.action import BlockAction, ChecklistAction, LoopAction, ManualAction, NestedAction, ParallelAction
from runbook.core.outcome import Outcome
from runbook.core.plan import PlannedStep
from runbook.core.run import Run, StepState


def undo_steps(run: Run) -> tuple[PlannedStep, ...]:
    """The steps' own undo in reverse over what ran or may have run, then the run's. An undo itself is not undone."""
    entered = (run.steps[step] for step in dict.fromkeys(reversed(run.entered)))
    ran = [state for state in entered if not state.planned.role.takes_back]
    own = [undo for state in ran if state.planned.undo and _may_have_run(run, state) for undo in state.planned.undo]
    return (*own, *run.plan.rollback)


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
