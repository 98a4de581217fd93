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

from runbook.core.events.event import Event
from runbook.core.fault import FaultKey
from runbook.core.planned.plan import StepId


class Urgency(IntEnum):
    """What is begun before what; the least first."""

    LIFT = 0
    """It lifts what was broken on purpose. While it is due, nothing begins to act that is less urgent."""
    REVERT = 1
    """It gives back what the run has changed, under the same rule."""
    STANDING = 2
    """It stands beside the run and is never held back: what is observed, held or waited for."""
    ACT = 3
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


class ReadPoint(msgspec.Struct, frozen=True):
    """Read positions, or what a restored set holds, until no longer named; gives PositionRead and BackupRead."""

    urgency: ClassVar = Urgency.STANDING


class Renew(msgspec.Struct, frozen=True):
    """Keep a fault's lease alive until no longer named; gives LeaseRenewed, or FaultReverted once the host says so."""

    urgency: ClassVar = Urgency.STANDING
    fault: FaultKey


class Hold(msgspec.Struct, frozen=True):
    """Let a fault stay on its host until somebody lifts it, whatever its lease said before; gives LeaseHeld."""

    urgency: ClassVar = Urgency.REVERT
    fault: FaultKey


class Revert(msgspec.Struct, frozen=True):
    """Lift a fault and look; gives FaultReverted, or FaultPresent."""

    urgency: ClassVar = Urgency.LIFT
    """Of the first try: a host that does not answer must not keep the others from being helped."""
    fault: FaultKey
    again: int = 0
    """How often it was tried before."""


class WakeAt(msgspec.Struct, frozen=True):
    """Ask `due` again at this time (`at`), because something lapses then."""

    urgency: ClassVar = Urgency.STANDING
    at: float


Effect = Conclude | Enter | Attempt | Watch | WriteMarks | ReadPoint | Renew | Hold | Revert | WakeAt
"""The closed union."""
