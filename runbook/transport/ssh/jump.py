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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from runbook.core.host import Host
from runbook.core.host_key import KeyChanged, changed_key
from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.config_text import split_words
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.openssh import SshConfig
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
Resolve = Callable[[Host], Awaitable[ResolvedHost]]


class Bastions:
    """The bastions of one connector."""

    def __init__(self, open_hop: Opener, resolve_hop: Resolve) -> None:
        """Take what opens one connection, and what says how a host is reached."""
        self._open, self._resolve = open_hop, resolve_hop
        self._ways: dict[tuple[str, ...], list[Bastion]] = {}
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._straight = Bastion()

    async def towards(self, host: Host, resolved: ResolvedHost) -> Bastion:
        """A way to a host with one place on it taken; give it back with `leave`.

        Raises:
            Problems: Code `jump`, when a bastion cannot be reached or proves to be a loop.
        """
        return await self._way(_names(resolved.jump), host, ())

    async def close(self) -> None:
        """Hang up, the farthest first."""
        for ways in reversed(self._ways.values()):
            for way in ways:
                if way.connection:
                    way.connection.close()
                    await way.connection.wait_closed()
        self._ways.clear()

    async def _way(self, names: tuple[str, ...], host: Host, towards: tuple[tuple[str, ...], ...]) -> Bastion:
        """`towards` is what is being opened already, the farthest first: a bastion among it would wait for itself."""
        if not names:
            return self._straight
        _require_an_end(host, names, towards)
        # What decides how a bastion is checked and logged in to is part of its identity.
        key = (*names, host.ssh_config, *host.key_files, *host.known_hosts, host.host_keys, *(host.jump_options or ()))
        async with self._locks.setdefault(key, asyncio.Lock()):
            ways = self._ways.setdefault(key, [])
            ways[:] = [way for way in ways if not (way.link and way.link.lost.done())]
            way = next((way for way in ways if way.has_room), None)
            if way is None:
                way = await self._opened(names, host, (*towards, names))
                ways.append(way)
            way.targets += 1
            return way

    async def _opened(self, names: tuple[str, ...], host: Host, towards: tuple[tuple[str, ...], ...]) -> Bastion:
        hop = _as_host(names, host)
        try:
            resolved = _with_keys_of(host, await self._resolve(hop))
            parent = await self._way(_onward(resolved), _behind(host), towards)
            link = await self._open(hop, resolved, parent)
        except Problems as problems:
            raise _unreachable(host, names[-1], "", problems.problems) from problems
        return Bastion(link, parent)


def hops(
    host: Host, resolved: ResolvedHost, *, agent: str = "", config: SshConfig | None = None
) -> tuple[ResolvedHost, ...]:
    """The bastions towards a host, the first to be dialled first, for those who dial them by themselves.

    Raises:
        Problems: Code `jump`, for a loop; what `resolve` raises for a bastion.
    """
    way: list[ResolvedHost] = []
    towards: list[tuple[str, ...]] = []
    names = _names(resolved.jump)
    while names:
        _require_an_end(host, names, towards)
        towards.append(names)
        hop = _with_keys_of(host, resolve(_as_host(names, host), agent=agent, config=config))
        way.insert(0, hop)
        names, host = _onward(hop), _behind(host)
    return tuple(way)


def _require_an_end(host: Host, names: tuple[str, ...], towards: Sequence[tuple[str, ...]]) -> None:
    if names in towards:
        raise _unreachable(host, names[-1], "it is reached through itself", ())
    if len(names) + len(towards) > DEPTH:
        raise _unreachable(host, names[-1], f"more than {DEPTH} bastions in a row", ())


def _with_keys_of(target: Host, hop: ResolvedHost) -> ResolvedHost:
    """A bastion may also be logged in to with the keys that the inventory names for the host behind it.

    They come last, and not at all where the bastion's own block says that only its identities count.
    """
    if hop.identities_only:
        return hop
    return dataclasses.replace(hop, key_files=tuple(dict.fromkeys((*hop.key_files, *target.key_files))))


def _names(jump: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in jump.split(",") if part.strip())


def _onward(hop: ResolvedHost) -> tuple[str, ...]:
    """The bastions of a bastion, unless a pattern such as `Host *` makes it its own."""
    return tuple(name for name in _names(hop.jump) if _parts(name)[1] not in (hop.address, _parts(hop.name)[1]))


def _behind(host: Host) -> Host:
    """What is said of the last bastion alone holds for none before it."""
    return msgspec.structs.replace(host, jump_options=msgspec.UNSET)


def _parts(spec: str) -> tuple[str, str, int]:
    """User, name and port of `[user@]host[:port]`, `[user@][v6]:port` included."""
    user, _, rest = spec.rpartition("@")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.startswith("[")):
        name, port = rest, "0"
    return user, name.strip("[]"), int(port)


def _as_host(names: tuple[str, ...], target: Host) -> Host:
    """The last of several bastions as a host, which is reached through the others."""
    user, name, port = _parts(names[-1])
    said = target.jump_options or ()
    own = _fields(said)
    return Host(
        name=names[-1],
        address=name,
        port=port,
        user=user,
        key_files=own.get("identityfile", ()),
        known_hosts=own.get("userknownhostsfile", target.known_hosts),
        host_key_alias=next(iter(own.get("hostkeyalias", ())), ""),
        host_keys=target.host_keys,
        jump=",".join(names[:-1]),
        ssh_config=next(iter(own.get("configfile", ())), target.ssh_config),
        ssh_options=tuple(o for o in said if o.partition("=")[0].lower() not in _OF_HOST),
    )


_OF_HOST = frozenset(("identityfile", "userknownhostsfile", "hostkeyalias", "configfile"))
"""Options of a bastion for which a host has fields."""


def _fields(options: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for option in options:
        keyword, _, text = option.partition("=")
        if keyword.lower() in _OF_HOST:
            found[keyword.lower()] = (*found.get(keyword.lower(), ()), *split_words(text))
    return found


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
