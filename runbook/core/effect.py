"""What should be in flight, said to the executor. Effects are names of work with deterministic identities.

`due` names every effect that the state calls for, again and again; the executor starts what is named and not in
flight, and cancels what is in flight and no longer named. So starting, stopping, halting and resuming are one set
difference, and no effect can be started twice.
"""

from __future__ import annotations

import msgspec

from runbook.core.event import Event
from runbook.core.plan import StepId


class Note(msgspec.Struct, frozen=True):
    """A decision the state itself calls for: record it, fold it, ask again. Never in flight."""

    event: Event


class Enter(msgspec.Struct, frozen=True):
    """Evaluate a step's condition and render its remaining templates; gives StepEntered or StepSkipped."""

    step: StepId
    visit: int


class Attempt(msgspec.Struct, frozen=True):
    """Run a step on a host; gives AttemptStarted and AttemptEnded. Re-attached when it had already started."""

    step: StepId
    host: str
    number: int


class Watch(msgspec.Struct, frozen=True):
    """Ask a probe at its interval until no longer named; gives ProbeSampled."""

    probe: str


class WriteMarks(msgspec.Struct, frozen=True):
    """Write canary marks until no longer named; gives CanarySampled."""


class WakeAt(msgspec.Struct, frozen=True):
    """Ask `due` again at this time (`at`), because something lapses then."""

    at: float


Effect = Note | Enter | Attempt | Watch | WriteMarks | WakeAt
"""The closed union."""
