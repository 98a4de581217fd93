"""The shells of one host: opened when needed, kept for the next step, never more than the server allows.

A shell runs one command at a time. Four commands may run at once on a host; the places beyond are for
followers of long ones, and two channels outside of them are kept for ending things. A shell is for one user;
steps that become somebody else have theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runbook.core.planned.command import Become, Command, Secret
from runbook.transport.shell.channel import Dialer
from runbook.transport.shell.sudo import Becoming, Sudo
from runbook.transport.shell.worker import Worker, open_worker

COMMANDS = 4
"""Commands that run at once on one host: six channels less two for followers."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A look that left with the opening of its host. Its answer is still to be read, by whoever asks for that look."""

    command: Command
    cookie: str
    worker: Worker


class Shells:
    """All workers of one session."""

    def __init__(self, dialer: Dialer, sudo: Sudo, nonce: Callable[[], str]) -> None:
        """Open nothing yet."""
        self._dialer, self._sudo, self.nonce = dialer, sudo, nonce
        self._turns = asyncio.Semaphore(COMMANDS)
        self._idle: dict[str, list[Worker]] = {}
        self._busy: set[Worker] = set()
        self._glance: Glance | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more command may run here."""
        async with self._turns:
            yield

    @asynccontextmanager
    async def worker(self, become: Become | None) -> AsyncIterator[Worker]:
        """A worker for one frame; kept afterwards if it is still usable.

        Raises:
            ChannelRefused: None is idle and none can be opened.
        """
        worker = await self._taken(become)
        self._busy.add(worker)
        try:
            yield worker
        finally:
            self._give_back(worker, become)

    @asynccontextmanager
    async def first(self, ahead: Callable[[], str]) -> AsyncIterator[Worker]:
        """The first worker of the login user, opened now; `ahead` gives frames that leave together with its functions.

        Raises:
            ChannelRefused: It cannot be opened.
        """
        worker = await open_worker(self._dialer, None, self._sudo, self.nonce(), ahead=ahead)
        self._busy.add(worker)
        try:
            yield worker
        finally:
            if self._glance is None or self._glance.worker is not worker:
                self._give_back(worker, None)

    def keep(self, glance: Glance) -> None:
        """Hold a worker back until somebody asks for what it looks at."""
        self._glance = glance

    @asynccontextmanager
    async def glance(self, command: Command) -> AsyncIterator[Glance | None]:
        """The look at just this, where it has left already and nobody has asked for it yet."""
        glance = self._glance
        if glance is None or glance.command != command:
            yield None
            return
        self._glance = None
        try:
            yield glance
        finally:
            self._give_back(glance.worker, None)

    def _give_back(self, worker: Worker, become: Become | None) -> None:
        self._busy.discard(worker)
        # One whose answer was not read to its end would give it as the next one's.
        if worker.is_usable:
            self._idle.setdefault(_user(become), []).append(worker)
        else:
            worker.close()

    @asynccontextmanager
    async def urgent(self, become: Become | None) -> AsyncIterator[Worker]:
        """A worker of its own for ending things, also when every place is taken.

        Raises:
            ChannelRefused: None can be opened.
        """
        worker = await open_worker(self._dialer, become, self._sudo, self.nonce(), urgent=True)
        try:
            yield worker
        finally:
            worker.close()

    def dialer(self, become: Become | None) -> Dialer:
        """Opens shells of that user which belong to nobody here."""
        return Becoming(self._dialer, become, self._sudo)

    async def sudo_password(self) -> Secret:
        """What sudo has taken here.

        Raises:
            ChannelRefused: See `Sudo.proved`.
        """
        return await self._sudo.proved(self._dialer)

    async def close(self) -> None:
        """Let go of all; those that run a durable job end with it."""
        for worker in (*self._busy, *(worker for workers in self._idle.values() for worker in workers)):
            worker.close()
        self._idle.clear()

    async def _taken(self, become: Become | None) -> Worker:
        idle = self._idle.get(_user(become), [])
        while idle:
            worker = idle.pop()
            if worker.is_usable:
                return worker
        # Another user's idle shell must not keep this one's command waiting for a channel.
        for user, workers in self._idle.items():
            if user != _user(become):
                for worker in workers:
                    worker.close()
                workers.clear()
        return await open_worker(self._dialer, become, self._sudo, self.nonce())


def _user(become: Become | None) -> str:
    return become.user if become else ""
