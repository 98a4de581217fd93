"""The facts that the rules of an environment look at, found out here and now: the clock, people, groups and records.

The rules themselves are in `policy/` and know none of these doors. Records are listed only where a rule of the place
asks for them.
"""

from __future__ import annotations

import grp
import os
import pwd
from datetime import UTC, datetime

from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment, Plan
from runbook.engine.clock import SystemClock
from runbook.policy.judging import Facts, LiveRun
from runbook.record.store import Store
from runbook.record.summary import RunSummary
from runbook.talk.person import person, this_machine
from runbook.workspace.settings import Settings

GROUP = "group:"
"""What stands before the name of a Unix group in a role."""
_RUNS = 100
"""Runs of a runbook that are looked at to know how long it takes."""


def facts(plan: Plan, now: datetime, by: Actor, settings: Settings, store: Store) -> Facts:
    """What is known if somebody were to begin it at that instant."""
    environment, machine = plan.environment, this_machine()
    return Facts(
        plan=plan,
        now=now,
        by=by,
        groups=own_groups(),
        took=_took(plan, store) if environment.windows or environment.freeze else (),
        live=_live(environment, store) if environment.max_parallel_runs else (),
        inside=tuple(person(uid, machine=machine) for uid in sorted(settings.allowed)),
    )


def own_facts(plan: Plan, settings: Settings, store: Store, now: datetime | None = None) -> Facts:
    """The same for whoever runs this, at that instant or now."""
    me = person(os.getuid(), machine=this_machine())
    return facts(plan, now or instant(SystemClock().wall()), me, settings, store)


def instant(wall: float) -> datetime:
    """A wall time as the rules take it."""
    return datetime.fromtimestamp(wall, UTC)


def with_members(inventory: Inventory) -> Inventory:
    """The inventory with the login names of groups beside the groups that its roles name.

    A run is judged by people, on whatever machine its record is read later; a group that this machine does not know
    has no members.
    """
    roles = inventory.environment.roles
    if not any(name.startswith(GROUP) for names in roles.values() for name in names):
        return inventory
    known = {
        role: tuple(dict.fromkeys(each for name in names for each in _members(name))) for role, names in roles.items()
    }
    return replace(inventory, environment=replace(inventory.environment, roles=known))


def own_groups() -> frozenset[str]:
    """Names of the Unix groups that whoever runs this is in; a group without a name is nobody's role."""
    found: set[str] = set()
    for number in {os.getgid(), *os.getgroups()}:
        try:
            found.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(found)


def _members(name: str) -> tuple[str, ...]:
    if not name.startswith(GROUP):
        return (name,)
    try:
        group = grp.getgrnam(name.removeprefix(GROUP))
    except KeyError:
        return (name,)
    first = (one.pw_name for one in pwd.getpwall() if one.pw_gid == group.gr_gid)
    return (name, *group.gr_mem, *first)


def _took(plan: Plan, store: Store) -> tuple[float, ...]:
    rows = store.runs(runbook=plan.runbook, limit=_RUNS)
    return tuple(row.duration for row in rows if _is_whole(row, plan.environment.name))


def _is_whole(row: RunSummary, environment: str) -> bool:
    """Whether it says how long the whole takes there: what was broken off, or done on some hosts, does not."""
    proof = row.proof
    if proof is None or not proof.has_ended or proof.environment != environment:
        return False
    return proof.run.startswith("completed") and not (proof.limit or proof.follows)


def _live(environment: Environment, store: Store) -> tuple[LiveRun, ...]:
    rows = (row for row in store.runs() if row.live and row.proof is not None and not row.proof.has_ended)
    return tuple(
        LiveRun(run=row.run, by=row.operator) for row in rows if row.proof and row.proof.environment == environment.name
    )
