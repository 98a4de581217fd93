"""What is done about a failed step where no person has said: the author's wish, within what the run may decide alone.

One table of rules, so that "who is asked, and when does a run stop by itself?" has one place to be read.
"""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.action import ApproveAction
from runbook.core.run import Phase, Run, StepState
from runbook.core.still_running import may_still_run

MAX_VISITS = 100
"""How often policy or a machine comes back to a step; a person may go round as often as they like. Without an end, a
choice that leads backwards would be made for ever, in no time at all.
"""


def chosen_by_policy(run: Run, state: StepState) -> str:
    """What is done about a failure: the author's word, except that a doubt is always put to a person who is there.

    Nobody there, a doubt does not go on: it stops the run, or undoes it where the author said so. A rollback tries
    every undo, and closing steps never ask.
    """
    wish = _wish(state)
    in_doubt = state.outcome is Outcome.IN_DOUBT and not (state.planned.idempotent and not _may_still_run(state))
    if run.phase is Phase.ALWAYS:
        return wish if wish == "propagate" else "continue"
    if wish == "propagate" or (not in_doubt and wish in {"continue", "goto"}):
        return wish
    if run.phase is Phase.ROLLBACK:
        return "ask" if run.attended else "continue"
    if in_doubt and not run.attended:
        return "rollback" if wish == "rollback" else "abort"
    if in_doubt or wish in {"default", "ask"}:
        return "ask" if run.attended else "abort"
    return wish


def _may_still_run(state: StepState) -> bool:
    return any(may_still_run(attempt) for attempt in state.attempts.values())


def _wish(state: StepState) -> str:
    """What the author wants; an approval may say apart that its lapse is put to the operator."""
    action = state.planned.action
    if isinstance(action, ApproveAction) and action.on_timeout == "ask":
        return "ask"
    runs_in_circles = state.planned.on_failure == "goto" and state.visit >= MAX_VISITS
    return "default" if runs_in_circles else state.planned.on_failure
