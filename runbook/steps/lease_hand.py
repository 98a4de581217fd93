"""One lease on one host, spoken to over a session: a text goes out, one line comes back.

It says nothing of what an answer means; the kind and the engine know. Each text is a job of its own that leaves no
trace, because a lease keeps its own, and asking it twice is always safe.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runbook.core.outcome import Exited, Grade, Stopped
from runbook.core.planned.command import Become, Command, Secret
from runbook.problem import Exit, problem
from runbook.transport.session import Job, Session, Stream
from runbook.transport.shell.lease import Answer, Lease, Verb, answer, arming, asking

LIMIT = 90.0
"""Seconds for one answer: a revert may take a minute by itself."""

_KEPT = 64 * 1024
"""Bytes of what a host says; answers are a line."""

_counter = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHand:
    """Where a lease is, and as whom it is spoken to."""

    open_session: Callable[[], Awaitable[Session]]
    directory: str
    own: str
    become: Become | None = None
    secrets: tuple[Secret, ...] = ()

    async def arm(self, lease: Lease) -> Answer:
        """Lay it and everything it needs on the host.

        Raises:
            Problems: The host could not be reached, or gave no answer.
        """
        return answer(await self.say(arming(lease)))

    async def ask(self, verb: Verb, *words: str) -> Answer:
        """One word of the protocol.

        Raises:
            Problems: As `arm`.
        """
        return answer(await self.say(asking(self.directory, self.own, verb, *words)))

    async def script(self, text: str) -> str:
        """Run one of a fault's own scripts without its lease; the last line that it printed.

        Raises:
            Problems: As `arm`.
        """
        nowhere = f"RUNBOOK_OWN={self.own} RUNBOOK_HERE={self.directory}/{self.own}\nexport RUNBOOK_OWN RUNBOOK_HERE\n"
        lines = (await self.say(nowhere + text)).split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    async def say(self, text: str) -> str:
        """What the host prints for a text.

        Raises:
            Problems: As `arm`.
            CancelledError: Nobody wants the answer any more.
        """
        session = await self.open_session()
        heard = Heard()
        job = Job(id=f"lease/{self.own}/{next(_counter)}", limit=LIMIT, durable=False, leaves_trace=False)
        ending = await session.run(Command(shell=text, become=self.become, secrets=self.secrets), job, heard)
        if isinstance(ending, Stopped):
            # Whoever asked is wanted no more; a session says so as an ending, and asking on would be believed.
            raise asyncio.CancelledError
        if not isinstance(ending, Exited):
            why = getattr(ending, "reason", "") or type(ending).__name__.lower()
            raise problem("the lease gave no answer", why=why, code="no-answer", exit=Exit.UNREACHABLE)
        return heard.text


class Heard:
    """Keeps the beginning of what a host says."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._data = bytearray()

    @property
    def text(self) -> str:
        """What was said, with what is no UTF-8 replaced."""
        return self._data.decode("utf-8", "replace")

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Standard output counts."""
        if stream is Stream.OUT:
            self._data += data[: _KEPT - len(self._data)]

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Nobody asks how durable a question was."""
