"""`probe`: ask a probe of the plan once, with a verdict.

How a probe is asked, on which hosts and with which tolerance, stands in the plan and is the engine's business; the
step only turns one answer into an outcome, so that a probe means the same in a step, in the steady state and in an
abort rule.
"""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.action import ProbeAction
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.ending import refused, settled
from runbook.steps.kind import Bench, Finding


class ProbeKind:
    """Asks a named probe."""

    async def attempt(self, action: ProbeAction, bench: Bench) -> Finding:
        """Good succeeds."""
        try:
            sample = await bench.ask_probe(action.probe)
        except Problems as problems:
            return refused(problems)
        outcome = Outcome.SUCCEEDED if sample.ok else Outcome.FAILED
        result = Result(value=sample.value, duration=sample.took)
        return settled(Finding(outcome=outcome, detail=sample.detail, result=result), bench)
