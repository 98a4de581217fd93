"""What happened to faults, in the words of a log: what was broken, what holds its revert, and who lifted it."""

from __future__ import annotations

from typing import assert_never

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
    Lifter,
    RevertAsked,
)
from runbook.view.words import duration

_BY: dict[Lifter, str] = {
    "runner": "lifted",
    "lease": "lifted by its lease on the host",
    "reboot": "gone with a restart of the host",
    "sweep": "lifted by a sweep",
    "operator": "lifted by hand",
}


def fault_said(event: FaultEvent) -> str:
    """One line for an event; empty for what only a record has to hold."""
    match event:
        case FaultArming():
            lost = "then it lifts itself" if event.on_link_loss == "revert" else "then it stays"
            return f"arming {event.fault}: lease {duration(event.lease)}, {lost}; at most {duration(event.limit)}"
        case FaultArmed():
            return _with("its revert is armed and watched", event.detail)
        case FaultInjected():
            return _with("FAULT LIVE", event.detail)
        case FaultEffect():
            return _with("it has its effect" if event.ok else "IT HAS NO EFFECT", event.detail)
        case LeaseRenewed():
            return ""
        case LeaseHeld():
            return _with("held until somebody lifts it" if event.ok else "IT COULD NOT BE HELD", event.detail)
        case RevertAsked():
            return f"to be lifted now, by {event.by.name}: {event.reason}"
        case FaultReverted():
            return _with(f"FAULT GONE: {_BY[event.by]}", event.detail)
        case FaultPresent():
            return _with(
                "FAULT STILL THERE" if event.known else "FAULT MAY STILL BE LIVE, nobody could look", event.detail
            )
        case _:
            assert_never(event)


def _with(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
