"""Why a registered name has no result: its step was skipped, or left out on a host.

Whoever uses such a name is told that, and not that nobody defines it: somebody does, and a condition was false.
"""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.run import Run, StepState


def skipped_names(run: Run) -> dict[str, dict[str, str]]:
    """By name, then by host, why there is no result; under the empty host where the step was skipped everywhere."""
    found: dict[str, dict[str, str]] = {}
    for state in run.steps.values():
        name = state.planned.register
        if name:
            found.setdefault(name, {}).update(_why(state, has_result=name in run.values))
    return {name: why for name, why in found.items() if why}


def _why(state: StepState, *, has_result: bool) -> dict[str, str]:
    called = f"step {state.id} {state.planned.name}"
    if state.outcome is Outcome.SKIPPED and not has_result:
        return {"": f"{called}, which registers it, was skipped ({state.detail})"}
    return {host: f"{called} was not done there ({why})" for host, why in state.left_out.items()}
