"""Folding what happens to faults. They stand beside the steps, because they outlive the attempts that laid them."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from runbook.core.events.fault_event import (
    FaultArmed,
    FaultArming,
    FaultEffect,
    FaultEvent,
    FaultInjected,
    FaultPresent,
    FaultReverted,
    LeaseHeld,
    LeaseRenewed,
    RevertAsked,
)
from runbook.core.fault import FaultState, key_of
from runbook.core.run import Run


def evolve_fault(run: Run, event: FaultEvent, at: float) -> Run:
    """The run after something happened to a fault; one that nobody armed is passed over."""
    if isinstance(event, FaultArming):
        return _set(run, _arming(event, at))
    known = run.faults.get(key_of(event))
    return run if known is None else _set(run, _after(known, event, at))


def _set(run: Run, fault: FaultState) -> Run:
    return replace(run, faults=run.faults.set(fault.key, fault))


def _arming(event: FaultArming, at: float) -> FaultState:
    return FaultState(
        step=event.step,
        host=event.host,
        number=event.number,
        fault=event.fault,
        lease_id=event.lease_id,
        lease=event.lease,
        limit=event.limit,
        duration=event.duration,
        on_link_loss=event.on_link_loss,
        guarantees=event.guarantees,
        directory=event.directory,
        user=event.user,
        boot_id=event.boot_id,
        revert=event.revert,
        present=event.present,
        arming_at=at,
    )


def _after(fault: FaultState, event: FaultEvent, at: float) -> FaultState:  # noqa: C901 - an arm for each event
    match event:
        case FaultArming():
            return fault
        case FaultArmed():
            return replace(fault, phase="armed")
        case FaultInjected():
            return replace(fault, phase="injected", injected_at=at)
        case FaultEffect():
            return replace(fault, has_effect=event.ok, effect_detail=event.detail)
        case LeaseRenewed():
            return replace(fault, renewals=fault.renewals + event.count)
        case LeaseHeld():
            if event.ok:
                return replace(fault, on_link_loss="hold", hold_refused="")
            return replace(fault, hold_refused=event.detail or "nobody said why")
        case RevertAsked():
            return replace(fault, asked=f"{event.by.name}: {event.reason}", tries=0, tried_at=None)
        case FaultReverted():
            return replace(fault, phase="reverted", reverted_at=at, reverted_by=event.by, last_word=event.detail)
        case FaultPresent():
            tried = fault.tries + 1
            return replace(fault, tries=tried, tried_at=at, is_seen=event.known, last_word=event.detail)
        case _:
            assert_never(event)
