"""A fault as it stands, folded from its events; above all whether it may be live.

Not called reverted is live: an unknown state, an unreachable host and a runner that died in the middle of arming all
count as live until somebody has looked.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import msgspec

from runbook.core.events.fault_event import FaultEvent, Lifter, LinkLoss

FaultKey = str
"""Names one fault of a run: `step/host/number`."""

FaultPhase = Literal["arming", "armed", "injected", "reverted"]


class FaultState(msgspec.Struct, frozen=True, kw_only=True):
    """One fault on one host."""

    step: str
    host: str
    number: int
    fault: str
    lease_id: str
    lease: float
    limit: float
    duration: float
    on_link_loss: LinkLoss
    guarantees: tuple[str, ...] = ()
    directory: str = ""
    user: str = ""
    boot_id: str = ""
    revert: str = ""
    present: str = ""
    arming_at: float = 0.0
    phase: FaultPhase = "arming"
    injected_at: float | None = None
    has_effect: bool | None = None
    """None while nobody has looked for it."""
    effect_detail: str = ""
    renewals: int = 0
    hold_refused: str = ""
    """Why it could not be held; empty when it is, or nobody wanted it."""
    asked: str = ""
    """Why a person wants it lifted; empty when nobody does."""
    tries: int = 0
    """How often it was tried in vain to lift it."""
    tried_at: float | None = None
    is_seen: bool = False
    """The newest of these tries saw it on the host; otherwise nobody could tell."""
    last_word: str = ""
    """What the newest of these tries was told."""
    reverted_at: float | None = None
    reverted_by: Lifter | None = None

    @property
    def key(self) -> FaultKey:
        """Its name in the run."""
        return key_of(self)

    @property
    def may_be_live(self) -> bool:
        """True until a look at its host has said that it is gone."""
        return self.reverted_at is None

    @property
    def is_held(self) -> bool:
        """True when it is nobody's to lift but a step's that names it, or a person's."""
        return self.on_link_loss == "hold"


def key_of(fault: FaultEvent | FaultState) -> FaultKey:
    """The name of the fault that an event is about."""
    return f"{fault.step}/{fault.host}/{fault.number}"


class Named(TypedDict):
    """What every event about a fault carries."""

    step: str
    host: str
    number: int


def named(key: FaultKey) -> Named:
    """The fields that a key stands for: `**named(key)` in an event."""
    step, host, number = key.split("/")
    return Named(step=step, host=host, number=int(number))
