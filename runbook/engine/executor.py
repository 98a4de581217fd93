"""The one loop that lives a run: take in what happened and what was asked, record what follows, let fly what is due.

One task appends events and folds them. Workers read the run as it stands and store output; what they have to say is
told to this loop, stated to it where it must be durable before they go on, or is an answer that is recorded while it
still holds. In flight is what is named: due and not in flight is begun, in flight and not due is cancelled. So
starting, pausing, halting and resuming are one set difference. A runner that shuts down only lets go.

What an effect is, and what it is worth, is no business of this file: the row of its kind says how it begins and what
a crash of it tells (`workers.py`), so that no crash of a worker takes the run with it. What may outlive this process is
announced, and the announcement durable, before it begins; an answer to a person is durable before it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runbook.core.actor import Actor
from runbook.core.effect import Conclude, Effect, WakeAt
from runbook.core.events.event import Event
from runbook.core.intent import Intent
from runbook.core.rules.decide import decide
from runbook.core.rules.due import due
from runbook.core.rules.refusing import refuse
from runbook.core.run import Run
from runbook.engine.log import log_crash
from runbook.engine.policing import answered
from runbook.engine.recordable import told_otherwise
from runbook.engine.recorder import Recorder
from runbook.engine.workers import Answer, Begin, Kind, Kinds, Work, Workers
from runbook.problem import Problem, Problems

FLUSH = 0.1
"""Seconds that output is gathered before it is recorded (design D5)."""

COMMIT = 0.5
"""Seconds that what nobody waits for, samples and output, may stay undurable."""

LONGEST_SLEEP = 5.0
"""Seconds between two looks at a deadline: the loop's timer stands still while a laptop sleeps, the run's does not."""

MAX_UNREAD = 2000
"""Events told and not yet taken in; above this, whoever produces output waits."""

TOGETHER = 50
"""Works begun before others get a turn of the loop: each renders what it sends before it first waits."""


class Executor:
    """Drives one run to its end, or to the runner's."""

    def __init__(self, recorder: Recorder) -> None:
        """Drive the run of this recorder; `drive` is given the workers."""
        self._recorder = recorder
        self._told: deque[Event] = deque()
        self._asked: deque[tuple[_Wish, _Reply]] = deque()
        self._decided: list[tuple[_Reply, Problem | None]] = []
        self._kinds: Kinds = {}
        self._in_flight: dict[Effect, asyncio.Task[Answer | None]] = {}
        self._answers: dict[Effect, Answer] = {}
        """What questions came to since the loop last looked."""
        self._cancelling: set[Effect] = set()
        self._crashed: set[Effect] = set()
        """What stood and crashed: not begun again before it was, for a while, not named."""
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self._failure: Problems | None = None
        self._inherited: dict[Effect, Begin] = {}
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
        rec = self._recorder
        return await self._durably(lambda run: answered(run, decide(run, intent, by), wall=rec.wall(), at=rec.now()))

    async def state(self, event: Event) -> None:
        """Something must be durable before whoever says it goes on. It stands behind everything told before.

        Raises:
            Problems: It is not on record, or will not be for certain: what was to follow must not be done.
        """
        refused = await self._durably(lambda _run: (event,))
        if refused is not None:
            raise Problems([refused])

    async def _durably(self, wish: _Wish) -> Problem | None:
        if self._stopping:
            return self._too_late()
        reply: _Reply = asyncio.get_running_loop().create_future()
        self._asked.append((wish, reply))
        self._woken.set()
        return await reply

    async def wait_durable(self) -> bool:
        """Return once everything told so far is on disk: True; False when the runner stops before it is."""
        while self._told or self._recorder.has_uncommitted:
            if self._stopping:
                return False
            await self._committed.wait()
        return True

    def fail(self, failure: Problems) -> None:
        """Evidence can no longer be kept: stop as `shut_down` does, and let `drive` raise this."""
        self._failure = self._failure or failure
        self.shut_down()

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
        self._kinds = workers.kinds
        self._inherited = dict(self._left())
        try:
            while True:
                self._take_in()
                # A runner that stops begins nothing: what it has not announced is the next runner's to begin.
                effects = () if self._stopping else await self._advance()
                await self._commit_if_due(must=bool(self._decided) or self._stopping or self._recorder.run.has_ended)
                self._answer_decided()
                if self._recorder.run.has_ended or self._stopping:
                    break
                await self._wait(effects)
        except Problems as failure:
            self._failure = failure
        finally:
            self._stopping = True
            await self._leave(workers)
        if self._failure is not None:
            raise self._failure
        return self._recorder.run

    def _take_in(self) -> None:
        """Record what was told, in one batch, then what was asked; the answers wait until they are durable."""
        self._woken.clear()
        if self._told:
            events = tuple(self._told)
            self._told.clear()
            self._room.set()
            self._record(events)
        while self._asked:
            wish, reply = self._asked.popleft()
            self._decided.append((reply, self._too_late()))
            self._decided[-1] = (reply, self._granted(wish))

    def _record(self, events: tuple[Event, ...]) -> None:
        """Record what was told; one value that no record can hold must not cost the others, nor the run."""
        try:
            self._recorder.record(*events)
        except Problems as wrong:
            if not _is_about_a_value(wrong):
                raise
            if len(events) > 1:
                for event in events:
                    self._record((event,))
            else:
                self._recorder.record(told_otherwise(events[0], wrong))

    def _granted(self, wish: _Wish) -> Problem | None:
        """Record it, or say why not; whatever somebody asks for, it never takes the run with it."""
        try:
            decision = wish(self._recorder.run)
        except Exception as crash:  # noqa: BLE001 - a mistake of ours is an answer, not the end of the run
            log_crash(crash)
            return refuse("runbook itself failed over this", why=type(crash).__name__)
        if isinstance(decision, Problem):
            return decision
        try:
            self._recorder.record(*decision)
        except Problems as wrong:
            if not _is_about_a_value(wrong):
                raise
            return wrong.problems[0]
        return None

    def _answer_decided(self) -> None:
        for reply, refused in self._decided:
            reply.set_result(refused) if not reply.done() else None
        self._decided.clear()

    def _too_late(self) -> Problem:
        """What everybody is told who asks for something that can no longer be made durable."""
        if self._failure is not None:
            return self._failure.problems[0]
        if self._recorder.run.has_ended:
            return refuse("the run has ended", why=self._recorder.run.ended)
        return refuse("the runner is shutting down", fix="Resume the run first.")

    async def _advance(self) -> tuple[Effect, ...]:
        effects = self._settle()
        await self._start(tuple(effect for effect in effects if type(effect) in self._kinds))
        return effects

    def _settle(self) -> tuple[Effect, ...]:
        """Record every decision that the state itself calls for, until only work is left to name."""
        while True:
            run = self._recorder.run
            effects = due(run, self._recorder.now())
            events = [effect.event for effect in effects if isinstance(effect, Conclude)] or self._answered(
                run, effects
            )
            if not events:
                self._answers.clear()
                return effects
            self._recorder.record(*events)

    def _answered(self, run: Run, effects: tuple[Effect, ...]) -> Sequence[Event]:
        """What came of the effects that are still named, as far as it still holds.

        Of all at once: a thousand steps entered side by side would ask a thousand times what is due.
        """
        return [event for effect in effects if effect in self._answers for event in self._answers.pop(effect)(run)]

    async def _start(self, named: tuple[Effect, ...]) -> None:
        """The set difference, both ways; what outlives us is made durable together before any of it begins.

        What was announced and is not begun, because somebody stopped the runner in between, the next runner finds.
        """
        wanted = set(named)
        for gone in self._in_flight.keys() - wanted - self._cancelling:
            self._cancelling.add(gone)
            self._in_flight[gone].cancel()
        self._crashed &= wanted
        works = await self._announced([one for one in named if one not in self._in_flight and one not in self._crashed])
        if self.is_stopping:
            return
        # Of these no task of ours would hear a cancel: they are still to be ended where they run.
        unwanted = [effect for effect in self._inherited if effect not in wanted]
        self._cancelling.update(unwanted)
        works += [(effect, self._inherited[effect]) for effect in unwanted]
        self._inherited = {}
        for count, (effect, begin) in enumerate(works, start=1):
            self._fly(effect, begin(effect))
            if count % TOGETHER == 0:
                await asyncio.sleep(0)
                if self._stopping:
                    return

    async def _announced(self, fresh: list[Effect]) -> list[tuple[Effect, Begin]]:
        """How each begins, or is found again, with the announcements of those that outlive us on disk."""
        run, works, events = self._recorder.run, list[tuple[Effect, Begin]](), list[Event]()
        for effect in fresh:
            kind = self._kinds[type(effect)]
            if kind.outlives is None:
                works.append((effect, kind.begin))
            elif kind.outlives.is_begun(run, effect):
                works.append((effect, kind.outlives.resume))
            else:
                works.append((effect, kind.begin))
                events.append(kind.outlives.announced(run, effect))
        if events:
            self._recorder.record(*events)
            await self._commit()
        return works

    def _left(self) -> Iterator[tuple[Effect, Begin]]:
        """What an earlier runner left in flight, and how it is ended."""
        for kind in self._kinds.values():
            if kind.outlives is not None:
                yield from ((effect, kind.outlives.stop) for effect in kind.outlives.left(self._recorder.run))

    def _fly(self, effect: Effect, work: Work) -> None:
        task = asyncio.create_task(work, name=repr(effect))
        self._in_flight[effect] = task
        task.add_done_callback(lambda done: self._landed(effect, done))

    def _landed(self, effect: Effect, done: asyncio.Task[Answer | None]) -> None:
        """A worker is done. One that crashed told nothing, so it is told here; its effect is never tried again."""
        kind = self._kinds[type(effect)]
        crash = _crash_of(kind, done)
        del self._in_flight[effect]
        self._cancelling.discard(effect)
        if crash is not None and kind.is_standing:
            self._crashed.add(effect)
        if crash is None:
            answer = None if done.cancelled() else done.result()
        else:
            answer = self._after_crash(kind, effect, crash)
        if answer is not None:
            self._answers[effect] = answer
        self._woken.set()

    def _after_crash(self, kind: Kind[Any], effect: Effect, crash: BaseException) -> Answer | None:
        """Tell what a mistake of ours comes to; its words may hold anything, so only its kind."""
        if self._stopping:
            return None
        log_crash(crash)
        told = kind.crashed(effect, f"runbook itself failed ({type(crash).__name__})")
        if kind.is_question:
            return lambda _run: told
        self._told.extend(told)
        return None

    # --- waiting and durability ---------------------------------------------------------------------------------------

    async def _wait(self, effects: tuple[Effect, ...]) -> None:
        """Sleep until somebody tells or asks, something lapses, or gathered output should be shown."""
        wakes = [effect.at for effect in effects if isinstance(effect, WakeAt)]
        until = min([*wakes, self._next_tick()], default=math.inf) - self._recorder.now()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(until) else min(max(0.0, until), LONGEST_SLEEP)):
                await self._woken.wait()
        if self._recorder.now() - self._flushed_at >= FLUSH:
            # Behind what was told before, or chunks of one file would stand in the journal in the wrong order.
            self._told.extend(self._recorder.output.flush())
            self._flushed_at = self._recorder.now()

    def _next_tick(self) -> float:
        """Output is flushed while anything runs; an idle run costs nothing once all of its record is durable."""
        if self._in_flight:
            return self._flushed_at + FLUSH
        return self._committed_at + COMMIT if self._recorder.has_uncommitted else math.inf

    async def _commit_if_due(self, *, must: bool) -> None:
        if must or self._recorder.now() - self._committed_at >= COMMIT:
            await self._recorder.commit_output()
            await self._commit()

    async def _commit(self) -> None:
        await self._recorder.commit()
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
        self._committed.set()
        await workers.close()
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._decided = [(reply, self._too_late()) for reply, _ in self._decided]
        self._decided.extend((reply, self._too_late()) for _, reply in self._asked)
        self._answer_decided()
        with contextlib.suppress(Problems):
            if self._told and not self._recorder.run.has_ended:
                self._recorder.record(*self._told)
        with contextlib.suppress(Problems):
            await self._recorder.close()


_Reply = asyncio.Future[Problem | None]

_Wish = Callable[[Run], tuple[Event, ...] | Problem]
"""What somebody wants on record, decided in the state that it meets."""


def _crash_of(kind: Kind[Any], done: asyncio.Task[Answer | None]) -> BaseException | None:
    """Why work ended without a word, where it had one to say."""
    if not done.cancelled():
        return done.exception()
    # What outlives us answers a cancel with an end: what did not was cut off before it could.
    return asyncio.CancelledError() if kind.outlives else None


def _is_about_a_value(wrong: Problems) -> bool:
    """True when the record is sound and only refuses what it was given."""
    return all(problem.code == "record-unreadable" for problem in wrong.problems)
