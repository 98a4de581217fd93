"""How data loss is measured: a canary's two sides resolved into the plan.

Only the canary is measured here; a runbook that asks for another method is told so, and its report says "not measured".
"""

from __future__ import annotations

from runbook.core.action import CommandAction
from runbook.core.plan import MARK, PlannedCanary
from runbook.core.runbook import Canary, CanaryWrite
from runbook.planning.actions import Planned, fill_in
from runbook.planning.draft import Draft
from runbook.planning.targets import resolve
from runbook.problem import Where


def plan_canary(draft: Draft) -> PlannedCanary | None:
    """The plan's canary; None when the runbook has none."""
    point = draft.runbook.recovery_point
    if point is None:
        return None
    where = draft.runbook.at("recovery_point")
    if point.canary is None:
        what = "only a canary is measured by this version"
        draft.warn(where, "unsupported", what, "The report will say: recovery point not measured.")
        return None
    return _canary(draft, point.canary, where)


def _canary(draft: Draft, canary: Canary, where: Where) -> PlannedCanary | None:
    if MARK not in canary.write.command:
        draft.note(where, "no-mark", "the canary writes no mark", f"Put {MARK} where the mark belongs.")
    write_on, read_on = _host(draft, canary.write, where), _host(draft, canary.read, where)
    write, read = _side(draft, canary.write, write_on, where), _side(draft, canary.read, read_on, where)
    if not isinstance(write.action, CommandAction) or not isinstance(read.action, CommandAction):
        return None
    return PlannedCanary(
        write=write.by_host.get(write_on, write.action),  # type: ignore[arg-type]  # a command stays a command
        write_on=write_on,
        read=read.by_host.get(read_on, read.action),  # type: ignore[arg-type]
        read_on=read_on,
        every=canary.every,
    )


def _side(draft: Draft, side: CanaryWrite, host: str, where: Where) -> Planned:
    return fill_in(draft, CommandAction(shell=side.command), (host,) if host else (), beside=frozenset(), where=where)


def _host(draft: Draft, side: CanaryWrite, where: Where) -> str:
    """The one host of a side: a mark written on several would be several marks."""
    hosts: tuple[str, ...] = ()
    with draft.collecting(where):
        hosts = resolve(draft, side.on, where) if side.on else ()
    if len(hosts) != 1:
        found = ", ".join(hosts) or "none"
        draft.note(where, "one-host", "each side of a canary runs on one host", f"Name it with on:. Now: {found}.")
    return hosts[0] if hosts else ""
