"""What should be in flight, said to the executor. Effects are names of work with deterministic identities.

`due` names every effect that the state calls for, again and again; the executor starts what is named and not in
flight, and cancels what is in flight and no longer named. So starting, stopping, halting and resuming are one set
difference, and no effect can be started twice. What must come first is data of its kind and not a place in `due`: see
`Urgency`, and `urgency.py` for the rule.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import msgspec

from runbook.core.event import Event
from runbook.core.plan import StepId


class Urgency(IntEnum):
    """What is begun before what; the least first."""

    REVERT = 0
    """It gives back what the run has changed or broken. While it is due, nothing begins to act that is less urgent."""
    STANDING = 1
    """It stands beside the run and is never held back: what is observed, held or waited for."""
    ACT = 2
    """It changes something, or prepares to."""


class Conclude(msgspec.Struct, frozen=True):
    """A decision the state itself calls for: record it, fold it, ask again. Never in flight."""

    urgency: ClassVar = Urgency.STANDING
    event: Event


class Enter(msgspec.Struct, frozen=True):
    """Evaluate a step's condition and render its remaining templates; gives StepEntered or StepSkipped."""

    urgency: ClassVar = Urgency.ACT
    step: StepId
    visit: int


class Attempt(msgspec.Struct, frozen=True):
    """Run a step on a host; gives AttemptStarted and AttemptEnded. Re-attached when it had already started."""

    urgency: ClassVar = Urgency.ACT
    """Of a step that leads anywhere; one that takes back is a revert."""
    step: StepId
    host: str
    number: int


class Watch(msgspec.Struct, frozen=True):
    """Ask a probe at its interval until no longer named; gives ProbeSampled."""

    urgency: ClassVar = Urgency.STANDING
    probe: str


class WriteMarks(msgspec.Struct, frozen=True):
    """Write canary marks until no longer named; gives CanarySampled."""

    urgency: ClassVar = Urgency.STANDING


class WakeAt(msgspec.Struct, frozen=True):
    """Ask `due` again at this time (`at`), because something lapses then."""

    urgency: ClassVar = Urgency.STANDING
    at: float


Effect = Conclude | Enter | Attempt | Watch | WriteMarks | WakeAt
"""The closed union."""
