"""Whoever will seal a record, as they were told to: with which key, which authority for time, and how careful.

Here because a runner is told this when it starts and uses it hours later, when nobody can be asked any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from runbook.core.actor import Actor
from runbook.core.proof import Demand
from runbook.record.sealing.signing import Trust

EVERY = 600.0
"""Seconds of a run between checkpoints of its head."""


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """How records are sealed here."""

    key: str = ""
    """What `ssh-keygen -f` takes; empty seals without a signature."""
    stamp: str = ""
    """URL of an authority for time; empty asks none."""
    every: float = EVERY
    by: Actor | None = None
    trust: Trust = Trust()
    """Whose signatures count as answers while the run goes on."""
    demand: Demand = ""
    touches: bool = False
    """The key is on a token that wants to be touched: it signs the seal and nothing else."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """The same with what this room cannot ask for itself."""

    sealing: Sealing
    wall: Callable[[], str]
    """Wall time now, ISO 8601 UTC."""
    program: str = ""
    """Version of this program."""

    @property
    def quiet_key(self) -> str:
        """The key for what is signed while nobody sits there; empty where somebody would have to touch a token."""
        return "" if self.sealing.touches else self.sealing.key
