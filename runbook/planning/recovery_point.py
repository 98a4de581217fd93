"""How data loss is measured: each side of the method that the author chose, resolved into the plan.

Every side is a command on one host. Nothing here knows how often it is asked or what its answers come to.
"""

from __future__ import annotations

import msgspec

from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import MARK, Plan, PlannedBackup, PlannedCanary, PlannedWatermark
from runbook.core.written.runbook import AskedSide, Backup, Canary, Watermark
from runbook.planning.actions import fill_in
from runbook.planning.draft import Draft
from runbook.planning.targets import resolve
from runbook.problem import Where


def with_recovery_point(draft: Draft, plan: Plan) -> Plan:
    """The plan with what the runbook says of its recovery point; as it was where it says nothing."""
    point = draft.runbook.recovery_point
    if point is None:
        return plan
    where = draft.runbook.at("recovery_point")
    return msgspec.structs.replace(
        plan,
        canary=_canary(draft, point.canary, where) if point.canary else None,
        watermark=_watermark(draft, point.watermark, where) if point.watermark else None,
        backup=_backup(draft, point.backup, where) if point.backup else None,
    )


def _canary(draft: Draft, canary: Canary, where: Where) -> PlannedCanary:
    if MARK not in canary.write.command:
        draft.note(where, "no-mark", "the canary writes no mark", f"Put {MARK} where the mark belongs.")
    (write, write_on), (read, read_on) = _side(draft, canary.write, where), _side(draft, canary.read, where)
    return PlannedCanary(write=write, write_on=write_on, read=read, read_on=read_on, every=canary.every)


def _watermark(draft: Draft, mark: Watermark, where: Where) -> PlannedWatermark:
    source, source_on = _side(draft, mark.source, where)
    recovered, recovered_on = _side(draft, mark.recovered, where)
    return PlannedWatermark(
        source=source,
        source_on=source_on,
        recovered=recovered,
        recovered_on=recovered_on,
        every=mark.every,
        unit=mark.unit,
    )


def _backup(draft: Draft, backup: Backup, where: Where) -> PlannedBackup:
    read, read_on = _side(draft, backup, where)
    clock = _host(draft, backup.clock, where) if backup.clock else read_on
    return PlannedBackup(read=read, read_on=read_on, clock=clock)


def _side(draft: Draft, side: AskedSide, where: Where) -> tuple[CommandAction, str]:
    """What is asked, and where; as it is written where something is wrong with it."""
    host = _host(draft, side.on, where)
    asked = CommandAction(shell=side.command)
    planned = fill_in(draft, asked, (host,) if host else (), beside=frozenset(), where=where)
    found = planned.by_host.get(host, planned.action)
    return found if isinstance(found, CommandAction) else asked, host


def _host(draft: Draft, on: str, where: Where) -> str:
    """The one host of a side: a mark written on several would be several marks."""
    hosts: tuple[str, ...] = ()
    with draft.collecting(where):
        hosts = resolve(draft, on, where) if on else ()
    if len(hosts) != 1:
        found = ", ".join(hosts) or "none"
        what = "what measures data loss is asked on one host"
        draft.note(where, "one-host", what, f"Name it with on:. Now: {found}.")
    return hosts[0] if hosts else ""
