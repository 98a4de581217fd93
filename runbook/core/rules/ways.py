"""Where a step that is over leads to, when that is not the next one: a `choose` by its answer, a `branch` by itself.

A way is a number or a label into the plan, and never an id out of a result, so a record cannot send a run anywhere that
its plan does not go. Nobody stands at a branch, so one that leads back has an end: after so many rounds without a
person's word it fails, and says so.
"""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER, BranchAction, ChooseAction
from runbook.core.planned.plan import StepId
from runbook.core.rules.failure_policy import MAX_VISITS
from runbook.core.run import Run, StepState


def way_on(state: StepState) -> StepId:
    """The step that a finished step leads to; empty for the next one, and for one whose failure is being decided."""
    if state.outcome is not Outcome.SUCCEEDED or state.has_jumped:
        return ""
    action = state.action_on("*")
    match action:
        case ChooseAction():
            return next((option.goto for option in action.options if option.label == state.detail), "")
        case BranchAction():
            return way_taken(state, action)
        case _:
            return ""


def way_taken(state: StepState, action: BranchAction) -> StepId:
    """Where the newest look at a branch's conditions leads to; empty for the next step."""
    attempt = state.attempts.get(CONTROLLER)
    number = attempt.result.value if attempt else None
    return next((way.goto for place, way in enumerate(action.ways) if place == number), "")


def circling(run: Run, state: StepState) -> str:
    """Why a branch may not lead back once more; empty when it may, or does not lead back."""
    action = state.action_on("*")
    target = way_taken(state, action) if isinstance(action, BranchAction) else ""
    leads_back = bool(target) and run.order.get(target, 0) <= run.order.get(state.id, 0)
    if not leads_back or state.rounds < MAX_VISITS:
        return ""
    return f"it has led back to step {target} {MAX_VISITS - 1} times, and nobody is asked on that way"
