"""`assert`: an expression over parameters and registered results that must be true. No host is asked."""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.action import AssertAction
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.ending import refused
from runbook.steps.kind import Bench, Finding


class AssertKind:
    """Evaluates an expression."""

    async def attempt(self, action: AssertAction, bench: Bench) -> Finding:
        """True succeeds; everything else, an unknown name included, fails."""
        try:
            holds = bench.evaluate(action.that, Result())
        except Problems as problems:
            return refused(problems)
        if holds:
            return Finding(outcome=Outcome.SUCCEEDED)
        return Finding(outcome=Outcome.FAILED, detail=f"not true: {action.that}")
