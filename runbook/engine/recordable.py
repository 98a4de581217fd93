"""What goes on record in the place of an event that the record cannot hold.

A host chooses what it answers, and some values have no place in a line of JSON (numbers without end, values nested
hundreds of levels deep). The run must neither die of one nor pass over it, so the event is told again without it.
"""

from __future__ import annotations

import msgspec

from runbook.core.events.event import AttemptEnded, CanarySampled, Event, NoteAdded, ProbeSampled
from runbook.core.outcome import Outcome
from runbook.core.result import Result
from runbook.problem import Problems


def told_otherwise(event: Event, wrong: Problems) -> Event:
    """The nearest thing that can be said: the same end, and that its result is not to be had."""
    why = f"what it gave back cannot be recorded: {'; '.join(problem.why for problem in wrong.problems)}"
    match event:
        case AttemptEnded():
            ended = event.outcome if event.outcome.is_error else Outcome.FAILED
            return msgspec.structs.replace(event, outcome=ended, detail=why, result=Result(rc=None), good_since=None)
        case ProbeSampled():
            return msgspec.structs.replace(event, ok=False, value=None, detail=why)
        case CanarySampled():
            return msgspec.structs.replace(event, ok=False, mark=0, detail=why)
        case _:
            return NoteAdded(text=f"{type(event).__name__}: {why}")
