"""What faults have left on the hosts of an inventory, of whichever run and whichever machine: found, and lifted.

Needs no record and believes none: the hosts themselves are asked, as who logs in and as root where sudo lets in
without a password. What is ours is known by its name and nothing else is touched (`transport/shell/sweep.sh`). A host
that could not be asked is told as such, because "found nothing" and "could not look" must never read alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from runbook.core.host import Host
from runbook.core.planned.command import Become
from runbook.engine.clock import SystemClock
from runbook.engine.fleet import Fleet
from runbook.faults.ground import PROBE, parsed
from runbook.problem import Exit, Problem, Problems
from runbook.steps.lease_hand import LeaseHand
from runbook.steps.left_behind import Left, is_whole, left_by_faults
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Connector
from runbook.transport.shell.lease import sweeping
from runbook.transport.ssh.connector import SshConnector, SshOptions

ROOT = Become(user="root")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """One host, asked."""

    host: str
    left: tuple[Left, ...] = ()
    unseen: tuple[str, ...] = ()
    """Why not all of it could be looked at."""

    @property
    def may_be_live(self) -> tuple[Left, ...]:
        """What has to be lifted."""
        return tuple(each for each in self.left if each.may_be_live)


async def sweep(hosts: Iterable[Host], lift: frozenset[tuple[str, str]] = frozenset()) -> tuple[Swept, ...]:
    """Ask every host what is left; first lift what is named there.

    Args:
        hosts: Of an inventory.
        lift: Pairs of a host and the name of what is to be lifted on it.
    """
    clock = SystemClock()
    known = {host.name: host for host in hosts}
    connectors: dict[str, Connector] = {
        "ssh": SshConnector(SshOptions(wall=clock.wall)),
        "local": LocalConnector(wall=clock.wall),
    }
    fleet = Fleet(known, connectors, clock, lambda _event: None)
    try:
        return tuple(await asyncio.gather(*(_host(fleet, name, lift) for name in known)))
    finally:
        await fleet.close()


async def _host(fleet: Fleet, name: str, lift: frozenset[tuple[str, str]]) -> Swept:
    owns = sorted(own for host, own in lift if host == name)
    found: list[Left] = []
    try:
        uid = await _asked(fleet, name, None, owns, found)
    except Problems as refused:
        return Swept(host=name, unseen=(_said(refused),))
    if uid == 0:
        return Swept(host=name, left=tuple(found))
    try:
        await _asked(fleet, name, ROOT, owns, found)
    except Problems as refused:
        unseen = (f"what root has there: {_said(refused)}",)
        return Swept(host=name, left=tuple(found), unseen=unseen)
    return Swept(host=name, left=tuple(found))


async def _asked(fleet: Fleet, name: str, become: Become | None, owns: list[str], found: list[Left]) -> int:
    """Ask as one user; gives that user's id."""
    hand = LeaseHand(open_session=lambda: fleet.session(name), directory="", own="runbook-sweep-0", become=become)
    ground = parsed(await hand.say(PROBE))
    verb = ("lift", *owns) if owns else ("list",)
    heard = await hand.say(sweeping(ground.directory, *verb))
    found += left_by_faults(name, become.user if become else "", heard)
    if not is_whole(heard):
        raise Problems([_cut(name)])
    return ground.user_id


def _said(refused: Problems) -> str:
    return "; ".join(f"{each.what}: {each.why}" if each.why else each.what for each in refused.problems)


def _cut(name: str) -> Problem:
    return Problem(what=f"{name} did not say all of it", why="its answer has no end", code="cut", exit=Exit.UNREACHABLE)
