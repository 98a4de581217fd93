"""The part of `preflight` that asks a host whether it can carry what steps are to break there.

All of it is asked and told, so that a fleet is repaired in one go. A fault that hangs on a condition, or that needs
what an earlier step may still bring, is told as it stands and refuses nothing.
"""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.command import Become
from runbook.core.planned.fault_action import FaultAhead
from runbook.problem import Exit, Problems
from runbook.steps.carrying import carried, check_login
from runbook.steps.ending import told
from runbook.steps.kind import Bench, Finding
from runbook.steps.lease_hand import LeaseHand

CANARY_LIMIT = 15.0
"""Seconds in which a canary must have written once: more than one write may take by itself."""

_LOOK = 0.1
"""Seconds between two looks."""


async def looked_ahead(faults: tuple[FaultAhead, ...], bench: Bench) -> Finding:
    """Ask for each fault, and fail with all that is in the way."""
    failed: list[str] = []
    try:
        failed += await _measures(bench)
        took = await bench.new_login()
        for each in faults:
            failed += await _carries(each, took, bench)
    except Problems as cut:
        return Finding(outcome=Outcome.UNREACHABLE, detail=told(cut))
    return Finding(outcome=Outcome.FAILED if failed else Outcome.SUCCEEDED, detail="; ".join(failed))


async def _measures(bench: Bench) -> list[str]:
    """A canary that writes nothing measures nothing, and that shows after the outage, when it is too late."""
    began = bench.clock.monotonic()
    while not bench.has_canary_written():
        if bench.clock.monotonic() - began > CANARY_LIMIT:
            said = f"it has not written one mark in {CANARY_LIMIT:g} s; try its write command by hand"
            await bench.report("canary", False, said)
            return [f"canary: {said}"]
        await bench.clock.sleep(_LOOK)
    return []


async def _carries(ahead: FaultAhead, took: float, bench: Bench) -> list[str]:
    name, action = f"fault {ahead.action.fault} of step {ahead.step}", ahead.action
    if not ahead.is_known:
        await bench.report(name, True, "asked when its values are known")
        return []
    try:
        check_login(action, took)
        found = await carried(action, _hand(ahead.user, bench), host=bench.host)
    except Problems as wrong:
        if wrong.exit is Exit.UNREACHABLE:
            raise
        if ahead.may_not_come or (ahead.is_prepared and _may_be_brought(wrong)):
            await bench.report(name, True, f"not as things are now: {told(wrong)}")
            return []
        return await _refused(name, wrong, bench)
    guarantees = ", ".join(each.value for each in found.scripts.guarantees)
    await bench.report(name, True, "; ".join((f"can be made, guarantee {guarantees}", *found.instead)))
    return []


async def _refused(name: str, wrong: Problems, bench: Bench) -> list[str]:
    said = told(wrong)
    await bench.report(name, False, said)
    return [f"{name}: {said}"]


def _may_be_brought(wrong: Problems) -> bool:
    return all(each.code == "fault-not-ready" for each in wrong.problems)


def _hand(user: str, bench: Bench) -> LeaseHand:
    return LeaseHand(
        open_session=bench.open_session,
        directory="",
        own="runbook-preflight-0",
        become=Become(user=user) if user else None,
        secrets=bench.secrets,
    )
