"""The one loop that lives a run: take in what happened, ask what is due, start it, and cancel what is due no longer.

A single task owns the record and the folded run. Workers never touch either: they `tell` events, and a worker's crash
is an outcome, never a lost task. Because effects have names, starting, halting, resuming and shutting down are the
same set difference: due and not in flight is started, in flight and not due is cancelled. Nothing leaves this process
before the event that announces it is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Coroutine
from typing import Protocol, assert_never

from runbook.core.decide import decide, refuse
from runbook.core.due import due
from runbook.core.effect import Attempt, Effect, Enter, Note, WakeAt, Watch, WriteMarks
from runbook.core.event import Actor, AttemptStarted, Event
from runbook.core.intent import Intent
from runbook.core.run import Run
from runbook.engine.recorder import Recorder
from runbook.problem import Problem, Problems

FLUSH = 0.1
"""Seconds that output is gathered before it is recorded (design D5)."""

COMMIT = 0.5
"""Seconds that what nobody waits for, samples and output, may stay undurable."""

MAX_UNREAD = 2000
"""Events told and not yet taken in; above this, whoever produces output waits."""


class Workers(Protocol):
    """What does the work that effects name. Each is one coroutine that tells events and returns."""

    def attempt(self, effect: Attempt, *, reattach: bool) -> Coroutine[None, None, None]:
        """Run a step on a host and tell how it ended."""

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        """The event that must be durable before `attempt` sends anything."""

    def enter(self, run: Run, effect: Enter) -> tuple[Event, ...]:
        """Evaluate a step's condition and render what waits for values. At once: it touches nothing outside."""

    def watch(self, effect: Watch) -> Coroutine[None, None, None]:
        """Ask a probe at its interval, for ever."""

    def write_marks(self) -> Coroutine[None, None, None]:
        """Write canary marks, for ever; read one back after each interruption."""

    async def close(self) -> None:
        """Hang up everywhere."""


class Executor:
    """Drives one run to its end, or to the runner's."""

    def __init__(self, recorder: Recorder) -> None:
        """Drive the run of this recorder; `drive` is given the workers."""
        self._recorder = recorder
        self._told: deque[Event] = deque()
        self._asked: deque[tuple[Intent, Actor, asyncio.Future[Problem | None]]] = deque()
        self._in_flight: dict[Effect, asyncio.Task[None]] = {}
        self._cancelling: set[Effect] = set()
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self._flushed_at = self._committed_at = 0.0
        self._committed = asyncio.Event()

    # --- called by others ---------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Something happened. Taken in at the loop's next turn, in the order told."""
        self._told.append(event)
        self._woken.set()

    async def has_room(self) -> None:
        """Wait while too much was told that has not been taken in."""
        while len(self._told) > MAX_UNREAD and not self._stopping:
            self._room.clear()
            await self._room.wait()

    async def submit(self, intent: Intent, by: Actor) -> Problem | None:
        """Ask for something on behalf of a person; the refusal, or None when it is granted and durable."""
        if self._stopping:
            return refuse("the runner is shutting down", fix="Resume the run first.")
        answer: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
        self._asked.append((intent, by, answer))
        self._woken.set()
        return await answer

    async def wait_durable(self) -> None:
        """Return once everything told so far is on disk."""
        while self._told:
            await self._committed.wait()
        await self._committed.wait()

    def shut_down(self) -> None:
        """Leave the run as it stands: what is in flight stays in flight, to be re-attached by the next runner."""
        self._stopping = True
        self._woken.set()

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def drive(self, workers: Workers) -> Run:
        """Live the run until it has ended or `shut_down` was called.

        Raises:
            Problems: The record can no longer be written; work in flight is left to be found by a resume.
        """
        try:
            while True:
                granted = self._take_in()
                effects = self._settle(workers)
                self._start(workers, effects)
                await self._commit_if_due(must=bool(granted) or self._recorder.run.has_ended)
                for answer, problem in granted:
                    answer.set_result(problem) if not answer.done() else None
                if self._recorder.run.has_ended or self._stopping:
                    return self._recorder.run
                await self._wait(effects)
        finally:
            self._stopping = True
            await self._leave(workers)

    def _take_in(self) -> list[tuple[asyncio.Future[Problem | None], Problem | None]]:
        """Record what was told, in one batch, then what was asked; the answers wait until they are durable."""
        self._woken.clear()
        if self._told:
            events = tuple(self._told)
            self._told.clear()
            self._room.set()
            self._recorder.record(*events)
        answers: list[tuple[asyncio.Future[Problem | None], Problem | None]] = []
        while self._asked:
            intent, by, answer = self._asked.popleft()
            decision = decide(self._recorder.run, intent, by)
            if isinstance(decision, Problem):
                answers.append((answer, decision))
            else:
                self._recorder.record(*decision)
                answers.append((answer, None))
        return answers

    def _settle(self, workers: Workers) -> tuple[Effect, ...]:
        """Record every decision that the state itself calls for, until only work is left to name."""
        while True:
            run = self._recorder.run
            effects = due(run, self._recorder.now())
            events = [effect.event for effect in effects if isinstance(effect, Note)]
            for effect in effects:
                if isinstance(effect, Enter):
                    events.extend(workers.enter(run, effect))
            if not events:
                return effects
            self._recorder.record(*events)

    def _start(self, workers: Workers, effects: tuple[Effect, ...]) -> None:
        """The set difference, both ways; attempts are made durable together before any of them leaves."""
        named = {effect for effect in effects if isinstance(effect, Attempt | Watch | WriteMarks)}
        for gone in self._in_flight.keys() - named - self._cancelling:
            self._cancelling.add(gone)
            self._in_flight[gone].cancel()
        fresh = [effect for effect in effects if effect in named and effect not in self._in_flight]
        run = self._recorder.run
        attempts = [effect for effect in fresh if isinstance(effect, Attempt)]
        resumed = {effect for effect in attempts if _was_started(run, effect)}
        announced = [workers.started(run, effect) for effect in attempts if effect not in resumed]
        if announced:
            self._recorder.record(*announced)
            self._commit()
        for effect in fresh:
            self._launch(effect, workers, reattach=effect in resumed)

    def _launch(self, effect: Effect, workers: Workers, *, reattach: bool) -> None:
        match effect:
            case Attempt():
                work = workers.attempt(effect, reattach=reattach)
            case Watch():
                work = workers.watch(effect)
            case WriteMarks():
                work = workers.write_marks()
            case Note() | Enter() | WakeAt():
                return
            case _:
                assert_never(effect)
        task = asyncio.create_task(work, name=repr(effect))
        self._in_flight[effect] = task
        task.add_done_callback(lambda _done: self._landed(effect))

    def _landed(self, effect: Effect) -> None:
        self._in_flight.pop(effect, None)
        self._cancelling.discard(effect)
        self._woken.set()

    # --- waiting and durability ---------------------------------------------------------------------------------------

    async def _wait(self, effects: tuple[Effect, ...]) -> None:
        """Sleep until somebody tells or asks, something lapses, or gathered output should be shown."""
        wakes = [effect.at for effect in effects if isinstance(effect, WakeAt)]
        until = min([*wakes, self._next_tick()], default=math.inf) - self._recorder.now()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(until) else max(0.0, until)):
                await self._woken.wait()
        if self._recorder.now() - self._flushed_at >= FLUSH:
            self._recorder.flush_output()
            self._flushed_at = self._recorder.now()

    def _next_tick(self) -> float:
        """Output is flushed while anything runs; an idle run waiting for a person costs nothing."""
        return self._flushed_at + FLUSH if self._in_flight else math.inf

    async def _commit_if_due(self, *, must: bool) -> None:
        if must or self._recorder.now() - self._committed_at >= COMMIT:
            await self._recorder.commit_output()
            self._commit()

    def _commit(self) -> None:
        self._recorder.commit()
        self._committed_at = self._recorder.now()
        self._committed.set()
        self._committed = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """True once nothing new is started: a worker that loses its link then has nothing to tell."""
        return self._stopping

    async def _leave(self, workers: Workers) -> None:
        """Hang up first, so that what still runs on a host is left running, then end every worker.

        What they still tell is kept, unless the record is gone.
        """
        self._room.set()
        await workers.close()
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, _, answer in self._asked:
            answer.set_result(refuse("the run has ended or its runner is shutting down")) if not answer.done() else None
        with contextlib.suppress(Problems):
            if self._told and not self._recorder.run.has_ended:
                self._recorder.record(*self._told)
            self._recorder.close()


def _was_started(run: Run, effect: Attempt) -> bool:
    """True for an attempt that an earlier runner put on record: it may run already, so it is never started again."""
    state = run.steps.get(effect.step)
    return state is not None and state.running.get(effect.host) == effect.number
