"""`set`: values for later steps, and `branch`: which way is open. No host is asked by either.

Both were worked out from what is on record, and what they came to is put on record in turn, so a replay and a resume
need no template to know which value or which way it was.
"""

from __future__ import annotations

import msgspec

from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import BranchAction, SetAction
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.ending import refused
from runbook.steps.kind import Bench, Finding
from runbook.transport.session import Stream


class SetKind:
    """Gives back the values, which were rendered when the step was entered."""

    async def attempt(self, action: SetAction, bench: Bench) -> Finding:
        """They are shown as output, one a line."""
        await bench.sink.reached(Grade.ATTACHED)
        for name, value in action.values.items():
            said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            await bench.sink.receive(Stream.OUT, f"{name} = {said}\n".encode())
        return Finding(outcome=Outcome.SUCCEEDED, result=Result(value=dict(action.values)))


class BranchKind:
    """Finds the first way that is open."""

    async def attempt(self, action: BranchAction, bench: Bench) -> Finding:
        """Its number, from 0, is the result; where none is open the number of ways is."""
        for number, way in enumerate(action.ways):
            try:
                is_open = not way.when or bench.evaluate(way.when, Result())
            except Problems as problems:
                return refused(problems)
            if is_open:
                return Finding(outcome=Outcome.SUCCEEDED, detail=way.when or "otherwise", result=Result(value=number))
        return Finding(outcome=Outcome.SUCCEEDED, detail="no condition is true", result=Result(value=len(action.ways)))
