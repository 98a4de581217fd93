"""Faults as rows and as one line: what is broken now, what holds its revert, how long still, and who lifted the rest.

The one line stands wherever a run is shown while something may be live: nobody should have to look for it.
"""

from __future__ import annotations

import msgspec

from runbook.core.fault import FaultState
from runbook.core.run import Run
from runbook.view.sanitize import safe
from runbook.view.words import duration, plural

GUARANTEES = {
    "K": "the kernel",
    "B": "its own end",
    "S": "a unit",
    "T": "a timer",
    "H": "two watchers",
    "V": "a restart",
    "P": "the next boot",
    "X": "nothing on the host",
}
"""What makes a host whole when nobody else does, by the letters of `faults/fault.py`."""


def guarantee_words(letters: tuple[str, ...]) -> str:
    """Them in words, safe: a record may say anything."""
    return ", ".join(GUARANTEES.get(letter, safe(letter)) for letter in letters)


class FaultRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fault on one host."""

    fault: str
    host: str
    step: str
    state: str
    """In a few words, in capitals while it may be live."""
    may_be_live: bool
    effect: str
    """`seen`, `none`, or empty where nobody looked."""
    guarantee: str
    lasted: float | None
    """Seconds from its injection until it was gone, or until now; None when it was never injected."""


def fault_rows(run: Run, now: float) -> tuple[FaultRow, ...]:
    """Every fault of a run, in the order in which they were laid."""
    laid = sorted(run.faults.values(), key=lambda fault: (fault.arming_at, fault.key))
    return tuple(_row(fault, now) for fault in laid)


def _row(fault: FaultState, now: float) -> FaultRow:
    end = now if fault.reverted_at is None else fault.reverted_at
    return FaultRow(
        fault=fault.fault,
        host=fault.host,
        step=fault.step,
        state=_state(fault, now),
        may_be_live=fault.may_be_live,
        effect={True: "seen", False: "none", None: ""}[fault.has_effect],
        guarantee=guarantee_words(fault.guarantees),
        lasted=None if fault.injected_at is None else max(0.0, end - fault.injected_at),
    )


def _state(fault: FaultState, now: float) -> str:
    if fault.reverted_by is not None:
        return f"lifted by {fault.reverted_by}"
    if fault.tries:
        seen = "STILL THERE" if fault.is_seen else "MAY BE LIVE"
        last = f": {fault.last_word}" if fault.last_word else ""
        return f"{seen} after {plural(fault.tries, 'try', 'tries')}{last}"
    if fault.injected_at is None:
        return fault.phase.upper()
    if fault.is_held:
        return "LIVE, held until somebody lifts it"
    return f"LIVE, {duration(max(0.0, fault.injected_at + fault.duration - now))} left"


def live_line(run: Run, now: float) -> str:
    """What may be live, in one safe line; empty when nothing is."""
    rows = [row for row in fault_rows(run, now) if row.may_be_live]
    if not rows:
        return ""
    first = rows[0]
    more = f" (+{len(rows) - 1} more)" if len(rows) > 1 else ""
    return safe(f"FAULT {first.fault} on {first.host}: {first.state}{more}")
