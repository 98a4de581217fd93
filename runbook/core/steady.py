"""The steady state at the end of a run: what its probes said last, and whether that says anything about now.

Reverted is not recovered. What a probe was asked while a fault was live, or before it was known to be gone, says
nothing about the world without it; so the last word of each probe counts only when it was asked after the last revert.
A run that has lifted something asks its probes once more before it ends (`rules/reverts.py`).
"""

from __future__ import annotations

from typing import Literal

from runbook.core.planned.plan import PlannedProbe
from runbook.core.run import ProbeState, Run

SteadyVerdict = Literal["met", "deviated", "inconclusive"]


def steady_state(run: Run) -> SteadyVerdict:
    """Whether it held at the end; what happened between is what the recovery time measures.

    A fault that did nothing proves nothing: whatever held beside it, held without having been tried.
    """
    if any(fault.has_effect is False for fault in run.faults.values()):
        return "inconclusive"
    lasts = [run.probes.get(probe.name, ProbeState()).last for probe in run.plan.probes if probe.steady]
    if not lasts or any(last is None for last in lasts):
        return "inconclusive"
    if not all(last.ok for last in lasts if last):
        return "deviated"
    return "inconclusive" if unasked(run) else "met"


def unasked(run: Run) -> tuple[PlannedProbe, ...]:
    """Probes of the steady state that were not asked since the last fault was known to be gone."""
    lifted = lifted_at(run)
    if lifted is None:
        return ()
    return tuple(probe for probe in run.plan.probes if probe.steady and _last_asked(run, probe) < lifted)


def _last_asked(run: Run, probe: PlannedProbe) -> float:
    last = run.probes.get(probe.name, ProbeState()).last
    return -1.0 if last is None else last.last_asked


def lifted_at(run: Run) -> float | None:
    """When the last fault was known to be gone; None where none was injected."""
    injected = [fault for fault in run.faults.values() if fault.injected_at is not None]
    return max((fault.reverted_at for fault in injected if fault.reverted_at is not None), default=None)
