"""What a step is for. It decides when the step runs, where, and what may go past it; its name and its id do not.

The plan's tree says it: a step stands in a section, in the `undo` of another, among the closing ones. So it is derived
from there, in this one place, when a plan is made and again when one is read, whatever an old or an edited record says.
The outermost word counts: all that stands inside an undo belongs to it, also the rescue of a block in there.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a step is for."""

    FORWARD = "forward"
    """It leads to what the runbook is for."""
    RESCUE = "rescue"
    """It runs only after something in its block broke."""
    ALWAYS = "always"
    """It ends its block, whatever happened in there."""
    UNDO = "undo"
    """It takes back one other step."""
    ROLLBACK = "rollback"
    """It takes back the run, after every step's own undo."""
    CLOSING = "closing"
    """It ends the run, whatever happened."""

    @property
    def takes_back(self) -> bool:
        """True for what a rollback consists of. It is never undone itself, and is begun before anything else is."""
        return self in {Role.UNDO, Role.ROLLBACK}

    def inside(self, place: Role) -> Role:
        """What a step is for that stands in this place of a block of this role."""
        return place if self in {Role.FORWARD, Role.ALWAYS} else self
