"""A job followed to its end: through lost links, and across the runners that it outlives.

The job lives on its host, so a link that goes is no reason to ask a person: the host is opened again and asked. What is
certain stays certain and nothing else becomes so. A host that has no answer is believed; one that cannot be reached is
waited for, as long as the job may take, and then left in doubt; one that must not be trusted is not asked. Nothing is
ever started here a second time. Of a job that ran attached nobody has the output any more, so it stays in doubt; but it
is waited for until nothing of it runs, or ended at its limit, because what follows must not happen beside it.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine

import msgspec

from runbook.core.outcome import Ending, Expired, Grade, Lost, NeverSent, Stopped
from runbook.core.planned.command import Command
from runbook.problem import Problems
from runbook.steps.capture import Capture
from runbook.steps.ending import told
from runbook.steps.kind import LEAST_TIME, Bench
from runbook.transport.session import Job, Session, Stream

PAUSE = 0.5
"""Seconds before an absent host is tried again; whoever opens it may answer without dialling (`engine/fleet.py`)."""

SETTLE = 2.0
"""Seconds in which the loss of a link that took an answer with it is known; one that lasts longer is taken to be up."""

ASKED = 3
"""Questions to an open host that may fail before they reach the job; each takes longer the deader its link is."""

ANSWERED = 2
"""Questions that reach the job and bring no ending: the second answer is the host's, and not that of a dying link."""

TO_END = 5.0
"""Seconds in which a host that is away may come back for what is no longer wanted there to be ended."""

_MAY_COME_BACK = frozenset({"refused", "reset", "no-route", "forbidden", "timeout", "dns", "protocol", "jump"})
"""Codes of `Connector.connect` that time may heal. A wrong key may be an attack, and a refused login locks accounts."""


class Following:
    """One job that leaves a trace on one host."""

    def __init__(self, command: Command, bench: Bench, capture: Capture) -> None:
        """The job's limit runs from here on."""
        self._command, self._bench, self._capture = command, bench, capture
        self._began = self._heard_at = bench.clock.monotonic()
        self._reason = "the runner that followed it is gone"
        self._place, self._is_unit = bench.job.place, bench.job.as_unit
        self._is_wanted = True
        self._was_last = False

    async def to_its_end(self, session: Session | None) -> Ending:
        """Send it on this session; without one, find again what an earlier runner sent.

        Raises:
            Problems: The command cannot be said in a shell.
        """
        ending: Ending = Lost(self._reason)
        if session is not None:
            ending = await self._answer(session.run(self._command, self._bench.job, self._capture))
            self._heard_at, self._place = self._bench.clock.monotonic(), self._capture.place
            self._is_unit = self._capture.grade is Grade.UNIT
        while True:
            try:
                return self._told(await self._asked_until_known(session, ending))
            except asyncio.CancelledError:
                if not self._is_wanted:
                    return Lost(f"{self._reason}; it could not be reached to be ended")
                self._no_longer_wanted()
                session = None

    def _no_longer_wanted(self) -> None:
        """Answer a cancel with an ending, as sessions do; what is left to do is to end it."""
        if task := asyncio.current_task():
            task.uncancel()
        self._is_wanted, self._heard_at = False, self._bench.clock.monotonic()

    async def _asked_until_known(self, session: Session | None, ending: Ending) -> Ending:
        """Ask again while an answer was lost that the host may have."""
        asked = answered = 0
        while isinstance(ending, Lost) and not ending.is_over:
            self._reason = ending.reason
            if session is None or await self._is_down(session):
                opened = await self._opened(session)
                if isinstance(opened, Lost):
                    return opened
                session, asked, answered = opened, 0, 0
            elif asked >= ASKED or answered >= ANSWERED:
                return ending
            ending = await self._asked(session)
            asked, answered = (asked, answered + 1) if self._capture.grade else (asked + 1, answered)
        return ending

    async def _asked(self, session: Session) -> Ending:
        """How the job stands, by its host."""
        self._capture.expect_grade()
        ending = await self._answer(session.reattach(self._command, self._rest(), self._capture))
        if self._capture.grade is None:
            return ending
        self._heard_at, self._was_last = self._bench.clock.monotonic(), False
        if isinstance(ending, NeverSent) and (self._bench.has_printed or any(self._capture.taken.values())):
            return Lost("the host has no trace of it any more, and yet it has begun")
        if isinstance(ending, NeverSent) and self._bench.reattach and not self._bench.job.durable:
            # It reached a shell of the host before that runner went, and its claim is all that it would have left.
            return Lost("the host has no trace of it, and what runs attached leaves hardly any")
        return ending

    async def _answer(self, reading: Coroutine[None, None, Ending]) -> Ending:
        """What a session says, in a task of its own.

        A session answers a cancel with an ending. Were it our own task that it answers for, nobody would know here that
        a job whose answer was lost on the way is no longer wanted.
        """
        task = asyncio.create_task(reading)
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                self._no_longer_wanted()
                task.cancel()
        return task.result()

    async def _is_down(self, session: Session) -> bool:
        """True once the link is gone; what it took with it may be told a moment sooner."""
        lost = asyncio.create_task(session.wait_lost())
        try:
            if (await asyncio.wait({lost}, timeout=0))[0]:
                return True
            settling = asyncio.create_task(self._bench.clock.sleep(SETTLE))
            try:
                await asyncio.wait({lost, settling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                settling.cancel()
            return lost.done()
        finally:
            lost.cancel()

    async def _opened(self, lost: Session | None) -> Session | Lost:
        """The host, once it is there; `Lost` when it stays away or must not be asked."""
        clock, refusal = self._bench.clock, ""
        while not self._was_last:
            if lost is not None or refusal:
                await clock.sleep(PAUSE)
            self._was_last = clock.monotonic() >= self._given_up_at()
            try:
                session = await self._bench.open_session()
            except Problems as problems:
                refusal = told(problems)
                if not may_come_back(problems):
                    return Lost(f"{self._reason}; then it could not be asked: {refusal}")
            else:
                if session is not lost:
                    return session
        return Lost(f"{self._reason}; {self._given_up()}{refusal and f': {refusal}'}")

    def _given_up_at(self) -> float:
        """When the last try to reach the host begins."""
        patient = self._heard_at + (self._bench.patience if self._is_wanted else min(TO_END, self._bench.patience))
        limit = self._bench.job.limit
        return patient if limit is None else min(patient, self._began + limit)

    def _given_up(self) -> str:
        limit, now = self._bench.job.limit, self._bench.clock.monotonic()
        if limit is not None and now >= self._began + limit:
            return f"at its limit of {self._whole_limit(limit):g} s it could not be reached to be ended"
        return f"the host was tried for {now - self._heard_at:.0f} s"

    def _rest(self) -> Job:
        """The job from where its output is already here, with what is left of its time."""
        job, limit = self._bench.job, self._bench.job.limit
        if limit is not None:
            limit = max(min(LEAST_TIME, limit), self._began + limit - self._bench.clock.monotonic())
        if not self._is_wanted:
            limit = 0.0
        taken = self._capture.taken
        return dataclasses.replace(
            job,
            limit=limit,
            place=self._place,
            as_unit=self._is_unit,
            out_offset=taken[Stream.OUT],
            err_offset=taken[Stream.ERR],
        )

    def _told(self, ending: Ending) -> Ending:
        """In an operator's words: the limit that they know, and not what was left of it when it was found again."""
        if isinstance(ending, Expired) and not self._is_wanted:
            return Stopped(ending.survivors)
        if isinstance(ending, Lost) and not self._is_wanted and not ending.is_over:
            return Lost(f"{ending.reason}; no longer wanted, and it could not be reached to be ended")
        if isinstance(ending, Expired):
            return msgspec.structs.replace(ending, after=self._whole_limit(ending.after))
        return ending

    def _whole_limit(self, known: float) -> float:
        return self._bench.planned.timeout or self._bench.job.limit or known


def may_come_back(problems: BaseException | None) -> bool:
    """True for a refusal that time may heal, also one that a bastion on the way has met."""
    while isinstance(problems, Problems):
        if any(problem.code not in _MAY_COME_BACK for problem in problems.problems):
            return False
        problems = problems.__cause__
    return True
