"""`wait_for`: ask until the answer has been good for `hold` without a break, or the time is up.

The end of a recovery is measured here, so two moments are kept apart: the answer that begins the stretch that held,
which is when the service was back, and the end of the hold, which is when we believed it. One bad answer begins the
wait anew. A host that cannot be reached is a bad answer and not an end: waiting for a reboot is what this is for. It
refuses to decide how a probe is asked, and never sleeps but by the clock it is given.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import msgspec

from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import WaitForAction
from runbook.core.planned.command import Command
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.command import carried_out, prepared
from runbook.steps.ending import told
from runbook.steps.kind import Bench, Finding
from runbook.transport.session import Stream

BREATH = 0.05
"""Seconds that lie at least between two questions, whatever the interval: a wait must not become a load."""


class WaitForKind:
    """Polls."""

    async def attempt(self, action: WaitForAction, bench: Bench) -> Finding:
        """Until good for the hold, or too late. A wait begun by a dead runner begins anew: it only looks."""
        return await _Wait(action, dataclasses.replace(bench, reattach=False)).run()


class _Wait:
    """One wait: when it ends at the latest, and since when answers have been good."""

    def __init__(self, action: WaitForAction, bench: Bench) -> None:
        self._action, self._bench = action, bench
        self._began = bench.clock.monotonic()
        self._deadline = self._began + min(action.timeout, bench.job.limit or action.timeout)
        self._good_since: float | None = None
        self._said = ""
        self._polls = 0

    async def run(self) -> Finding:
        await self._bench.sink.reached(Grade.ATTACHED)
        while True:
            asked = self._bench.clock.monotonic()
            last = await self._ask()
            now = self._bench.clock.monotonic()
            await self._tell(last)
            if last.outcome is Outcome.CANCELLED:
                return last
            self._note(last, now)
            if self._good_since is not None and now - self._good_since >= self._action.hold:
                return self._held(last, now)
            if now >= self._deadline:
                return self._too_late(last, now)
            await self._bench.clock.sleep(self._pause(asked, now))

    async def _ask(self) -> Finding:
        self._polls += 1
        if self._action.probe:
            return await self._ask_probe()
        bench = self._bench
        left = max(BREATH, self._deadline - bench.clock.monotonic())
        # Each poll is a job of its own: the same id twice would be the same job.
        job = dataclasses.replace(
            bench.job, id=f"{bench.job.id}/{self._polls}", limit=left, durable=False, leaves_trace=False
        )
        poll = dataclasses.replace(bench, job=job, sink=_Unheard())
        return await carried_out(prepared(Command(shell=self._action.command), bench), poll)

    async def _ask_probe(self) -> Finding:
        try:
            sample = await self._bench.ask_probe(self._action.probe)
        except Problems as problems:
            return Finding(outcome=Outcome.FAILED, detail=told(problems))
        outcome = Outcome.SUCCEEDED if sample.ok else Outcome.FAILED
        return Finding(outcome=outcome, detail=sample.detail, result=Result(value=sample.value))

    def _note(self, last: Finding, now: float) -> None:
        if last.outcome is not Outcome.SUCCEEDED:
            self._good_since = None
        elif self._good_since is None:
            self._good_since = now

    def _pause(self, asked: float, now: float) -> float:
        """To the next beat of the interval, or to the end of the hold or of the time when that comes first."""
        ends = [asked + self._action.interval, self._deadline]
        if self._good_since is not None:
            ends.append(self._good_since + self._action.hold)
        return max(BREATH, min(ends) - now)

    async def _tell(self, last: Finding) -> None:
        """One line of output whenever the answer changes: the story of the wait, without its repetitions."""
        said = "good" if last.outcome is Outcome.SUCCEEDED else "not yet"
        line = f"{said}: {last.detail}" if last.detail else said
        if line != self._said:
            self._said = line
            await self._bench.sink.receive(Stream.OUT, f"{line}\n".encode())

    def _held(self, last: Finding, now: float) -> Finding:
        held = f"good for {now - (self._good_since or now):.3g} s, after {now - self._began:.3g} s"
        return self._ended(Outcome.SUCCEEDED, held, last, now)

    def _too_late(self, last: Finding, now: float) -> Finding:
        wanted = f"good for {self._action.hold:g} s without a break" if self._action.hold else "good"
        detail = f"not {wanted} within {self._deadline - self._began:g} s; last: {last.detail or 'good'}"
        return self._ended(Outcome.TIMED_OUT, detail, last, now)

    def _ended(self, outcome: Outcome, detail: str, last: Finding, now: float) -> Finding:
        result = msgspec.structs.replace(last.result, duration=now - self._began)
        since = self._good_since if outcome is Outcome.SUCCEEDED else None
        return Finding(outcome=outcome, detail=detail, result=result, good_since=since)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """The sink of a poll: what it says is in its result, and a thousand polls must not fill a record."""

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Let it go."""

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Nobody asks."""
