"""Which keys of a run have a passphrase that somebody has to give before it begins.

A runner has no terminal, and a run must be able to go on when nobody sits there; so whoever starts it is asked, once
for each key, however many hosts it opens. The agent comes first: nobody is asked about a key that it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from runbook.core.host import Host
from runbook.problem import Problems


@dataclass(frozen=True, slots=True)
class LockedKey:
    """One key file behind a passphrase."""

    path: str
    hosts: tuple[str, ...]
    """Which hosts it would open, in the plan's order."""


Unlock = Callable[[Sequence[Host]], Awaitable[Mapping[str, str]]]
"""Asks somebody for the passphrases that these hosts need: key file to the opened key."""


async def locked_keys(hosts: Sequence[Host]) -> tuple[LockedKey, ...]:
    """The keys that a login to these hosts would need and that nobody has opened.

    Connects to none of them. Hosts of which it cannot be said how they are reached are left to the run.
    """
    from runbook.transport.ssh.locked import any_locked  # noqa: PLC0415 - a run without SSH pays for none of it

    dialled = [host for host in hosts if host.connection == "ssh"]
    if not dialled or not await asyncio.to_thread(any_locked, dialled):
        return ()
    # Imported here: most runs have no such key, and their start must not wait for SSH.
    from runbook.engine.clock import SystemClock  # noqa: PLC0415 - see above
    from runbook.transport.ssh.connector import SshConnector, SshOptions  # noqa: PLC0415 - see above

    connector = SshConnector(SshOptions(wall=SystemClock().wall))
    try:
        found = await asyncio.gather(*(connector.locked(host) for host in dialled), return_exceptions=True)
    finally:
        await connector.close()
    by_path: dict[str, list[str]] = {}
    for host, paths in zip(dialled, found, strict=True):
        if isinstance(paths, BaseException):
            if not isinstance(paths, Problems):
                raise paths
            continue
        for path in paths:
            by_path.setdefault(path, []).append(host.name)
    return tuple(LockedKey(path, tuple(names)) for path, names in by_path.items())
