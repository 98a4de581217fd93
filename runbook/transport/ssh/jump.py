"""Bastions: connections of ours that others are reached through, opened once and shared.

A bastion given to asyncssh by name would log in again for every target; a fleet of five hundred behind one
bastion would then be five hundred logins at a server that drops the eleventh. So each is a connection of our
own, for at most 64 targets (all of their traffic is encrypted twice on one stream), with few handshakes
through it at a time. A bastion is checked and logged in to as strictly as any host. Our agent is never
forwarded to it.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncssh
import msgspec

from runbook.core.host import Host
from runbook.core.host_key import KeyChanged, changed_key
from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.resolve import ResolvedHost, resolve

if TYPE_CHECKING:
    from runbook.transport.ssh.session import Link

TARGETS = 64
"""Hosts that share one connection to a bastion."""

HANDSHAKES = 8
"""Logins at a time through one connection to a bastion."""

DEPTH = 8
"""Bastions in a row; more is a loop in ssh_config."""


class Bastion:
    """A way towards hosts: straight, or through one connection."""

    def __init__(self, link: Link | None = None, parent: Bastion | None = None) -> None:
        """`link` None is the straight way, which has no end and no limit of its own."""
        self.link = link
        self.parent = parent
        """The way to the bastion itself, given up when the bastion is."""
        self.turn = asyncio.Semaphore(HANDSHAKES if link else 2**31)
        self.targets = 0

    @property
    def connection(self) -> asyncssh.SSHClientConnection | None:
        """What to hand to asyncssh as the tunnel; None goes straight."""
        return self.link.connection if self.link else None

    @property
    def has_room(self) -> bool:
        """True while it is up and shared by fewer than it may carry."""
        return self.targets < TARGETS and not (self.link and self.link.lost.done())

    def leave(self) -> None:
        """One host less goes this way."""
        self.targets -= 1


Opener = Callable[[Host, ResolvedHost, Bastion], Awaitable["Link"]]


class Bastions:
    """The bastions of one connector."""

    def __init__(self, open_hop: Opener, agent: str) -> None:
        """Take what opens one connection, and the agent that ssh_config may replace."""
        self._open, self._agent = open_hop, agent
        self._ways: dict[tuple[str, ...], list[Bastion]] = {}
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._straight = Bastion()

    async def towards(self, host: Host, resolved: ResolvedHost) -> Bastion:
        """A way to a host with one place on it taken; give it back with `leave`.

        Raises:
            Problems: Code `jump`, when a bastion cannot be reached or proves to be a loop.
        """
        return await self._way(_names(resolved.jump), host)

    async def close(self) -> None:
        """Hang up, the farthest first."""
        for ways in reversed(self._ways.values()):
            for way in ways:
                if way.connection:
                    way.connection.close()
                    await way.connection.wait_closed()
        self._ways.clear()

    async def _way(self, names: tuple[str, ...], host: Host) -> Bastion:
        if not names:
            return self._straight
        if len(names) > DEPTH:
            raise _unreachable(host, names[-1], f"more than {DEPTH} bastions in a row", ())
        # What decides how a bastion is checked and logged in to is part of its identity.
        key = (*names, host.ssh_config, *host.key_files, *host.known_hosts, host.host_keys)
        async with self._locks.setdefault(key, asyncio.Lock()):
            ways = self._ways.setdefault(key, [])
            ways[:] = [way for way in ways if not (way.link and way.link.lost.done())]
            way = next((way for way in ways if way.has_room), None)
            if way is None:
                way = await self._opened(names, host)
                ways.append(way)
            way.targets += 1
            return way

    async def _opened(self, names: tuple[str, ...], host: Host) -> Bastion:
        hop = _as_host(names[-1], host)
        try:
            resolved = await asyncio.to_thread(_resolved, hop, host, self._agent)
            before = names[:-1] or _own_jump(resolved)
            parent = await self._way(before, host)
            link = await self._open(hop, resolved, parent)
        except Problems as problems:
            raise _unreachable(host, names[-1], "", problems.problems) from problems
        return Bastion(link, parent)


def hops(host: Host, resolved: ResolvedHost, *, agent: str = "") -> tuple[ResolvedHost, ...]:
    """The bastions towards a host, the first to be dialled first, for those who dial them by themselves.

    Raises:
        Problems: Code `jump`, for a loop; what `resolve` raises for a bastion.
    """
    way: list[ResolvedHost] = []
    names = _names(resolved.jump)
    while names:
        if len(names) + len(way) > DEPTH:
            raise _unreachable(host, names[-1], f"more than {DEPTH} bastions in a row", ())
        hop = _resolved(_as_host(names[-1], host), host, agent)
        way.insert(0, hop)
        names = names[:-1] or _own_jump(hop)
    return tuple(way)


def _resolved(hop: Host, target: Host, agent: str) -> ResolvedHost:
    """A bastion, which may also be logged in to with the keys that are named for the host behind it."""
    found = resolve(hop, agent=agent)
    keys = found.key_files + target.key_files
    return dataclasses.replace(found, key_files=keys, keys_required=False, identities_only=False)


def _names(jump: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in jump.split(",") if part.strip())


def _own_jump(hop: ResolvedHost) -> tuple[str, ...]:
    """The bastion's own ProxyJump, unless a pattern such as `Host *` makes it its own bastion."""
    return tuple(name for name in _names(hop.jump) if _as_host(name, None).address not in (hop.name, hop.address))


def _as_host(spec: str, target: Host | None) -> Host:
    """`[user@]host[:port]`, `[user@][v6]:port` included."""
    user, _, rest = spec.rpartition("@")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.startswith("[")):
        name, port = rest, "0"
    return Host(
        name=spec,
        address=name.strip("[]"),
        port=int(port),
        user=user,
        known_hosts=target.known_hosts if target else (),
        host_keys=target.host_keys if target else "strict",
        ssh_config=target.ssh_config if target else "",
    )


def _unreachable(host: Host, bastion: str, why: str, inner: tuple[Problem, ...]) -> Problems:
    cause = "; ".join(f"{problem.what}: {problem.why}" if problem.why else problem.what for problem in inner)
    said = Problem(
        what=f"{host.name} cannot be reached through {bastion}",
        why=why or cause,
        fix=inner[0].fix if inner else "Correct ProxyJump in ssh_config.",
        where=Where(f"host {host.name}"),
        code="jump",
        exit=Exit.UNREACHABLE,
    )
    changed = changed_key(inner)
    # The bastion's key is the question then, and not the host's.
    return Problems([said if changed is None else KeyChanged(**msgspec.structs.asdict(said), changed=changed)])
