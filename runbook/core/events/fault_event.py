"""What can have happened to a fault: a part of the closed union of events, because a fault is never a flag of a step.

A fault outlives the attempt that injected it. It is arming, armed, injected, reverted; whoever lifts it
(this runner, its lease on the host, a restart, a sweep, a person) is a fact of its own. `FaultArming` is durable before
anything is laid on the host; from then on the fault *may be live*, until a look at the host itself has said that it is
gone. A fault is named by the attempt that laid it: step, host and number.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.actor import Actor

LinkLoss = Literal["revert", "hold"]
"""What its lease does on the host when nobody renews it: lift the fault, or leave it for a person to lift."""

Lifter = Literal["runner", "lease", "reboot", "sweep", "operator"]
"""Who undid a fault."""


class _FaultEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Which fault it is about; tagged as every event is."""

    step: str
    host: str
    number: int


class FaultArming(_FaultEvent, frozen=True, kw_only=True, tag="FaultArming"):
    """Its revert is about to be laid on the host. Durable before that: every later runner knows what to lift."""

    fault: str
    """Its name in the catalogue: `process-kill`."""
    lease_id: str
    """Its name on the host, of which everything that is ours there begins."""
    lease: float
    """Seconds after which the host lifts it by itself when nobody renews."""
    limit: float
    """Seconds after which it is lifted whatever anybody renews."""
    duration: float
    """Seconds that it is wanted for, from its injection."""
    on_link_loss: LinkLoss = "revert"
    guarantees: tuple[str, ...] = ()
    """What holds its revert on this host, the strongest first: the letters of `faults/fault.py`."""
    directory: str = ""
    """Where leases are kept on the host."""
    user: str = ""
    """Whom its scripts run as; empty is whoever logs in."""
    boot_id: str = ""
    """Of the host when it was armed: under another one, a restart has come between."""
    inject: str = ""
    """What will be run to inject it, masked."""
    revert: str = ""
    """What will be run to lift it, masked: for whoever has to do it by hand."""
    present: str = ""
    """What tells whether it is there, masked."""


class FaultArmed(_FaultEvent, frozen=True, kw_only=True, tag="FaultArmed"):
    """The revert is on the host, and what watches over it has been seen alive."""

    detail: str = ""


class FaultInjected(_FaultEvent, frozen=True, kw_only=True, tag="FaultInjected"):
    """It was done, and the host says that it is there."""

    detail: str = ""


class FaultEffect(_FaultEvent, frozen=True, kw_only=True, tag="FaultEffect"):
    """Whether what it is to cause was seen."""

    ok: bool
    detail: str = ""


class LeaseRenewed(_FaultEvent, frozen=True, kw_only=True, tag="LeaseRenewed"):
    """The host was told that somebody still watches. Many renewals are one event."""

    count: int
    """Renewals since the last of these events."""


class LeaseHeld(_FaultEvent, frozen=True, kw_only=True, tag="LeaseHeld"):
    """The host was told that nobody but a step that names it, or a person, lifts it from here on."""

    ok: bool = True
    """False when it could not be told; then its lease is as it was."""
    detail: str = ""
    """Why it could not be."""


class RevertAsked(_FaultEvent, frozen=True, kw_only=True, tag="RevertAsked"):
    """A person wants it lifted now."""

    by: Actor
    reason: str


class FaultReverted(_FaultEvent, frozen=True, kw_only=True, tag="FaultReverted"):
    """It is gone, and the host was asked: nothing else is called reverted."""

    by: Lifter
    took: float = 0.0
    """Seconds from beginning to lift it to knowing that it is gone."""
    detail: str = ""


class FaultPresent(_FaultEvent, frozen=True, kw_only=True, tag="FaultPresent"):
    """Somebody tried to lift it and it is still there, or nobody could tell."""

    known: bool
    """True when the host said that it is there; False when there was no answer."""
    detail: str = ""


FaultEvent = (
    FaultArming | FaultArmed | FaultInjected | FaultEffect | LeaseRenewed | LeaseHeld | RevertAsked | FaultReverted
    | FaultPresent
)  # fmt: skip
"""All of them."""
