"""The controller itself as a host: `connection: local`, for steps that work from where the operator sits.

Commands take the same road as on a remote host (the same scripts, markers and ways to end a tree), so that a
step does not change its meaning when it moves. Each runs in a session of its own: a Ctrl-C at the terminal or
the end of the runner's own session does not reach it. The working folder is the runner's and the environment
is inherited.
"""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runbook.core.host import Host
from runbook.core.outcome import Ending, NeverSent
from runbook.core.planned.command import Command, Secret
from runbook.transport.local import files
from runbook.transport.local.channel import LocalDialer
from runbook.transport.session import HostFacts, Job, Session, Sink, Transferred
from runbook.transport.shell.durable import Jobs
from runbook.transport.shell.facts import measured
from runbook.transport.shell.quoting import fresh_nonce
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.sudo import Sudos


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConnector:
    """Opens the controller as a host."""

    wall: Callable[[], float]
    """Seconds since the epoch; for the clock offset, which is how far `date` and this clock differ."""
    nonce: Callable[[], str] = fresh_nonce
    sudos: Sudos = field(default_factory=Sudos)
    """How this machine becomes somebody else."""

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        """Always succeeds: we are here already."""
        known = HostFacts(address=f"local:{socket.gethostname()}", user=getpass.getuser())
        shells = Shells(LocalDialer(), self.sudos.on(host.name, known.user), self.nonce)
        facts = await measured(shells, known, wall=self.wall, look=look)
        return LocalSession(Jobs(shells, self.nonce), facts, self.nonce)

    async def close(self) -> None:
        """Nothing is shared."""


class LocalSession:
    """The controller, open."""

    def __init__(self, jobs: Jobs, facts: HostFacts, nonce: Callable[[], str]) -> None:
        """Take what the connector has measured."""
        self._jobs, self._facts, self._nonce = jobs, facts, nonce
        self._lost = asyncio.Event()

    @property
    def facts(self) -> HostFacts:
        """Measured when it was opened."""
        return self._facts

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.run`."""
        if self._lost.is_set():
            return NeverSent("the session is closed")
        return await self._jobs.run(command, job, sink)

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.reattach`."""
        return await self._jobs.reattach(command, job, sink)

    async def claim(self, job: Job) -> Ending | None:
        """See `Session.claim`."""
        return await self._jobs.claim(job)

    async def forget(self, job: Job) -> None:
        """See `Session.forget`."""
        await self._jobs.forget(job)

    async def upload(
        self, source: Path, destination: str, *, mode: int | None = None, shown: Transferred | None = None
    ) -> Transferred:
        """Copy a file; see `Session.upload`."""
        return await asyncio.to_thread(
            files.copy, source, Path(destination), mode=mode, nonce=self._nonce(), shown=shown
        )

    async def download(self, source: str, destination: Path) -> Transferred:
        """Copy a file; see `Session.download`."""
        return await asyncio.to_thread(files.copy, Path(source), destination, mode=files.PRIVATE, nonce=self._nonce())

    async def sudo_password(self) -> Secret:
        """See `Session.sudo_password`."""
        return await self._jobs.sudo_password()

    async def close(self) -> None:
        """Refuse further commands."""
        if not self._lost.is_set():
            self._lost.set()
            await self._jobs.close()

    async def wait_lost(self) -> str:
        """Only closing it ends it."""
        await self._lost.wait()
        return "the session was closed"
