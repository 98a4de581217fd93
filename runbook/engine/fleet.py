"""All sessions of a run: one connection for each host, opened when first needed and kept to the end (design D7).

Callers that need the same host at the same time share one opening. A link that goes away, or a host that refuses again
and again, is announced once. It is opened again on the next use, after a pause that doubles: servers punish clients
that hammer them (OpenSSH's PerSourcePenalties), and a probe that asks twice a second would be such a client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from runbook.core.clock import Clock
from runbook.core.events.event import Event, SessionLost, SessionOpened
from runbook.core.host import Host
from runbook.core.host_key import HostKey, changed_key
from runbook.core.planned.action import CONTROLLER
from runbook.core.planned.command import Command
from runbook.problem import Exit, Problems, problem
from runbook.transport.session import Connector, HostFacts, Session

FIRST_PAUSE = 0.5
"""Seconds before a host that refused is tried again; doubles up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 15.0


class Fleet:
    """The open hosts of one run."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        connectors: Mapping[str, Connector],
        clock: Clock,
        tell: Callable[[Event], None],
        accepted: Callable[[str], HostKey | None] = lambda _machine: None,
    ) -> None:
        """`connectors` is by `Host.connection`; `tell` takes what must go on record.

        `accepted` gives the changed key of a machine that somebody vouched for: a refusal of that key is over then.
        """
        self._hosts = {CONTROLLER: Host(name=CONTROLLER, connection="local"), **hosts}
        self._connectors = connectors
        self._clock = clock
        self._tell = tell
        self._accepted = accepted
        self._opening: dict[str, asyncio.Task[Session]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, _Refusal] = {}
        self._away: set[str] = set()
        """Hosts that are on record as gone and not yet as back."""
        self._is_closed = False

    async def session(self, name: str, look: Command | None = None) -> Session:
        """The host's session, opened now if it is not; then `look` may leave with the opening.

        Raises:
            Problems: exit UNREACHABLE; the same again, without dialling, until the pause is over.
        """
        opening = self._opening.get(name)
        if opening is None or (opening.done() and _has_failed(opening)):
            self._raise_if_pausing(name)
            if self._is_closed:
                raise problem(f"{name} is not dialled any more", why="the runner hangs up", exit=Exit.UNREACHABLE)
            opening = self._opening[name] = asyncio.create_task(self._open(name, look), name=f"open {name}")
        # Shielded: when one of several callers is cancelled, the others still get their session.
        return await asyncio.shield(opening)

    def opened(self, name: str) -> Session | None:
        """The host's session if it is open now; None otherwise."""
        opening = self._opening.get(name)
        return opening.result() if opening and opening.done() and not _has_failed(opening) else None

    async def new_login(self, name: str) -> float:
        """Log in once more beside the open session and hang up: what an open link can do, a new one may not.

        Returns:
            The seconds until the host was open.

        Raises:
            Problems: exit UNREACHABLE.
        """
        host = self._hosts[name]
        began = self._clock.monotonic()
        session = await self._connectors[host.connection].connect(host)
        took = self._clock.monotonic() - began
        await session.close()
        return took

    async def _open(self, name: str, look: Command | None) -> Session:
        host = self._hosts.get(name)
        if host is None:
            raise problem(f'the plan has no host "{name}"', code="no-host")
        try:
            session = await self._connectors[host.connection].connect(host, look)
        except Problems as refusal:
            before = self._refused.get(name)
            pause = min(LONGEST_PAUSE, before.pause * 2) if before else FIRST_PAUSE
            self._refused[name] = _Refusal(refusal, self._clock.monotonic() + pause, pause)
            if before:
                # Somebody waits for it: whoever watches the run should see why it stands still.
                self._tell_away(name, "; ".join(f"{one.what}: {one.why}".rstrip(": ") for one in refusal.problems))
            raise
        self._refused.pop(name, None)
        self._away.discard(name)
        self._tell(_opened(name, session.facts))
        if name != CONTROLLER:
            self._watching[name] = asyncio.create_task(self._watch(name, session), name=f"watch {name}")
        return session

    def _raise_if_pausing(self, name: str) -> None:
        refusal = self._refused.get(name)
        if refusal is None or self._clock.monotonic() >= refusal.until:
            return
        changed = changed_key(refusal.problems.problems)
        if changed is None or self._accepted(changed.machine) != changed.shown:
            raise refusal.problems

    async def _watch(self, name: str, session: Session) -> None:
        reason = await session.wait_lost()
        self._opening.pop(name, None)
        self._tell_away(name, reason)
        await session.close()

    def _tell_away(self, name: str, reason: str) -> None:
        """Once, however often it is tried meanwhile."""
        if name not in self._away:
            self._away.add(name)
            self._tell(SessionLost(host=name, reason=reason))

    async def close(self) -> None:
        """Hang up everywhere, for good. Never raises."""
        self._is_closed = True
        for task in (*self._watching.values(), *self._opening.values()):
            if not task.done():
                task.cancel()
        opened = [task.result() for task in self._opening.values() if task.done() and not _has_failed(task)]
        await asyncio.gather(*(session.close() for session in opened), return_exceptions=True)
        await asyncio.gather(*(one.close() for one in set(self._connectors.values())), return_exceptions=True)


class _Refusal:
    """Why a host could not be opened, and until when it is left alone."""

    def __init__(self, problems: Problems, until: float, pause: float) -> None:
        self.problems = problems
        self.until = until
        self.pause = pause


def _has_failed(task: asyncio.Task[Session]) -> bool:
    return task.cancelled() or task.exception() is not None


def _opened(name: str, facts: HostFacts) -> SessionOpened:
    return SessionOpened(
        host=name,
        address=facts.address,
        host_key=facts.host_key,
        server=facts.server,
        user=facts.user,
        system=facts.system,
        boot_id=facts.boot_id,
        place=facts.place,
        clock_offset=facts.clock_offset,
        clock_error=facts.clock_error,
    )
