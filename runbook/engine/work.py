"""Doing what effects name: attempts on hosts, probes at their interval. The effectful half of the engine.

An attempt is rendered with its secrets at the last moment, compared with what was shown, handed to its step kind, and
told as exactly one `AttemptEnded`, whatever went wrong on the way, our own mistakes included: those are *in doubt*,
because a crash of ours says nothing about the host.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runbook.core.action import Action, Work
from runbook.core.command import Become, Secret
from runbook.core.effect import Attempt, Enter, Watch
from runbook.core.event import AttemptEnded, AttemptStarted, CanarySampled, Checked, Event, ProbeSampled
from runbook.core.outcome import Outcome
from runbook.core.plan import PlannedCanary, PlannedProbe, PlannedStep
from runbook.core.result import Result
from runbook.core.run import AttemptState, Run
from runbook.document.recovery_point import MARK
from runbook.document.template import evaluate, replace_texts
from runbook.engine.entering import Entering, action_digest
from runbook.engine.executor import Executor
from runbook.engine.fleet import Fleet
from runbook.engine.recorder import Recorder
from runbook.engine.sink import NoSink, RecordSink, Unwanted
from runbook.problem import Exit, Problems, problem
from runbook.record.output import Source
from runbook.steps.kind import Bench, Clock, Finding, Sample
from runbook.steps.table import kind_for
from runbook.transport.masking import Masker
from runbook.transport.session import Job, Session, Sink

LEAST_TIME = 5.0
"""Seconds that an attempt gets to be found again in, though its time ran out while no runner was there."""

_MARK = re.compile(r"[0-9]{1,18}")
"""A mark as a host may print it; whatever else it prints is none."""

CLEANING_LIMIT = 10.0
"""Seconds that the end of a run waits for files on hosts to be removed; a host that is gone keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the workers of one run share."""

    recorder: Recorder
    executor: Executor
    fleet: Fleet
    masker: Masker
    entering: Entering
    clock: Clock
    secrets: tuple[Secret, ...]
    folder: Path
    """Relative paths in steps are relative to this."""


class RunWorkers:
    """Implements `executor.Workers` for a live run."""

    def __init__(self, tools: Tools) -> None:
        """Work with these tools."""
        self._tools = tools
        self._cleaning: set[asyncio.Task[None]] = set()
        self._questions = itertools.count(1)

    async def close(self) -> None:
        """Let what is on record be forgotten on the hosts, then hang up everywhere."""
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=CLEANING_LIMIT)
        await self._tools.fleet.close()

    def enter(self, run: Run, effect: Enter) -> tuple[Event, ...]:
        """Evaluate and render."""
        return self._tools.entering.enter(run, effect)

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        """The write-ahead event of an attempt."""
        action = run.steps[effect.step].action_on(effect.host)
        return AttemptStarted(
            step=effect.step,
            host=effect.host,
            number=effect.number,
            job=f"{run.id}/{effect.step}/{effect.host}/{effect.number}",
            digest=action_digest(action),
        )

    # --- attempts -----------------------------------------------------------------------------------------------------

    async def attempt(self, effect: Attempt, *, reattach: bool) -> None:
        """Do it, and tell how it ended. A runner that shuts down tells nothing: the attempt is still in flight."""
        await self._attempted(effect, reattach=reattach, wanted=True)

    async def stop(self, effect: Attempt) -> None:
        """Find again what an earlier runner left running, only to end it."""
        await self._attempted(effect, reattach=True, wanted=False)

    async def _attempted(self, effect: Attempt, *, reattach: bool, wanted: bool) -> None:
        tools = self._tools
        state = tools.recorder.run.steps[effect.step]
        planned, known = state.planned, state.attempts[effect.host]
        sink = RecordSink(
            source=Source(step=effect.step, host=effect.host, number=effect.number, stream="out"),
            output=tools.recorder.output,
            masker=tools.masker,
            tell=tools.executor.tell,
            room=tools.executor.has_room,
            fail=tools.executor.fail,
            keep=not planned.no_log,
            recorded=(known.recorded_out, known.recorded_err) if reattach else (0, 0),
        )
        finding = await self._found(effect, planned, sink if wanted else Unwanted(sink), reattach=reattach)
        sink.finish()
        if tools.executor.is_stopping:
            return
        tools.executor.tell(self._ended(effect, planned, finding))
        if planned.durable and finding.outcome is not Outcome.IN_DOUBT:
            job = Job(id=tools.recorder.run.steps[effect.step].attempts[effect.host].job)
            cleaning = asyncio.create_task(self._forget(effect.host, job), name=f"forget {job.id}")
            self._cleaning.add(cleaning)
            cleaning.add_done_callback(self._cleaning.discard)

    async def _forget(self, host: str, job: Job) -> None:
        """Remove a job's files from its host, not before the record holds all of it."""
        session = self._tools.fleet.opened(host)
        if session is not None and await self._tools.executor.wait_durable():
            await session.forget(job)

    async def _found(self, effect: Attempt, planned: PlannedStep, sink: Sink, *, reattach: bool) -> Finding:
        """What it came to. Whatever keeps us from following what an earlier runner started leaves it in doubt."""
        try:
            action = self._action(effect, planned, reattach=reattach)
            bench = self._bench(effect, planned, sink, reattach=reattach)
            return await kind_for(action).attempt(action, bench)
        except asyncio.CancelledError:
            if reattach:
                return Finding(
                    outcome=Outcome.IN_DOUBT, detail="no longer wanted, and it was not found again to be ended"
                )
            return Finding(outcome=Outcome.CANCELLED, detail="stopped: the run no longer wants it")
        except Problems as wrong:
            unreachable = wrong.exit is Exit.UNREACHABLE
            outcome = Outcome.UNREACHABLE if unreachable else Outcome.FAILED
            detail = "; ".join(str(one) for one in wrong.problems)
            return Finding(outcome=Outcome.IN_DOUBT if reattach else outcome, detail=detail)
        except Exception as crash:  # noqa: BLE001 - a mistake of ours must not take the run with it
            detail = f"runbook itself failed ({type(crash).__name__}: {crash}); whether it happened is not known"
            return Finding(outcome=Outcome.IN_DOUBT, detail=detail)

    def _action(self, effect: Attempt, planned: PlannedStep, *, reattach: bool) -> Action:
        """The action with its secrets, which must look exactly like what was shown; what was sent is sent."""
        run, entering = self._tools.recorder.run, self._tools.entering
        shown = run.steps[effect.step].action_on(effect.host)
        if not reattach and entering.render(run, planned, effect.host, reveal=False) != shown:
            raise problem(
                "a value changed between showing this step and sending it",
                why="another step registered it again in the meantime",
                fix="Retry the step: it will be shown again.",
                code="changed-since-shown",
                exit=Exit.REFUSED,
            )
        return entering.render(run, planned, effect.host, reveal=True)

    def _bench(self, effect: Attempt, planned: PlannedStep, sink: Sink, *, reattach: bool) -> Bench:
        tools, run = self._tools, self._tools.recorder.run
        attempt = run.steps[effect.step].attempts[effect.host]
        host = next((known for known in run.plan.hosts if known.name == effect.host), None)
        planned = tools.entering.filled_in(run, planned, effect.host)
        become = planned.become_user or (host.become_user if host else "") or "root"
        return Bench(
            planned=planned,
            host=effect.host,
            job=Job(id=attempt.job, limit=_left(planned, attempt, tools.recorder.now()), durable=planned.durable),
            sink=sink,
            clock=tools.clock,
            open_session=lambda: tools.fleet.session(effect.host),
            ask_probe=self.ask,
            evaluate=lambda expression, result: self._evaluate(effect, planned, expression, result),
            report=self._reporter(effect.host),
            secrets=tools.secrets,
            reattach=reattach,
            folder=tools.folder,
            env=tools.entering.environment(run, planned, effect.host),
            become=Become(user=become) if planned.become else None,
            address=host,
        )

    def _evaluate(self, effect: Attempt, planned: PlannedStep, expression: str, result: Result) -> bool:
        """`result` names this attempt's own result, as does the name that it registers."""
        run = self._tools.recorder.run
        own = {effect.host: result}
        names = {"result": own, **({planned.register: own} if planned.register else {})}
        return evaluate(expression, self._tools.entering.scope(run, effect.host, **names)).verdict

    def _reporter(self, host: str) -> Callable[[str, bool, str], asyncio.Future[None]]:
        def report(check: str, ok: bool, detail: str) -> asyncio.Future[None]:  # noqa: FBT001 - the seam's shape
            told = Checked(host=host, check=check, ok=ok, detail=self._tools.masker.mask_text(detail))
            self._tools.executor.tell(told)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done

        return report

    def _ended(self, effect: Attempt, planned: PlannedStep, finding: Finding) -> AttemptEnded:
        """The event, masked; a good moment is moved from the clock's axis to the run's."""
        mask = self._tools.masker.mask_text
        result = finding.result
        if planned.no_log:
            result = Result(rc=result.rc, status=result.status, duration=result.duration)
        elif not planned.register:
            # Output is in its file; only what a later step can name is kept in the journal as well.
            result = msgspec.structs.replace(result, stdout="", stderr="")
        result = msgspec.structs.replace(result, stdout=mask(result.stdout), stderr=mask(result.stderr))
        good_since = finding.good_since
        if good_since is not None:
            good_since = max(0.0, self._tools.recorder.now() - (self._tools.clock.monotonic() - good_since))
        return AttemptEnded(
            step=effect.step,
            host=effect.host,
            number=effect.number,
            outcome=finding.outcome,
            detail=mask(finding.detail),
            result=result,
            good_since=good_since,
        )

    # --- probes -------------------------------------------------------------------------------------------------------

    async def watch(self, effect: Watch) -> None:
        """Ask at every interval, on a fixed grid: a slow answer delays the next question and adds none."""
        clock = self._tools.clock
        probe = self._tools.recorder.run.plan.probe(effect.probe)
        due = clock.monotonic()
        while probe is not None:
            await self.ask(effect.probe)
            due = max(due + probe.every, clock.monotonic())
            await clock.sleep(due - clock.monotonic())

    async def ask(self, name: str) -> Sample:
        """Ask a probe once, put the sample on record, and give it.

        Raises:
            Problems: The plan has no such probe.
        """
        probe = self._tools.recorder.run.plan.probe(name)
        if probe is None:
            raise problem(f'the plan has no probe "{name}"', code="no-probe")
        sample = await self._sample(probe)
        detail = self._tools.masker.mask_text(sample.detail)
        if not self._tools.executor.is_stopping:
            self._tools.executor.tell(
                ProbeSampled(probe=name, ok=sample.ok, took=sample.took, value=sample.value, detail=detail)
            )
        return sample

    async def write_marks(self) -> None:
        """Write a mark at every interval; after a failed write, read the newest one back before writing the next."""
        clock = self._tools.clock
        canary = self._tools.recorder.run.plan.canary
        known = self._tools.recorder.run.canary
        mark, due = max(known.acknowledged, default=0), clock.monotonic()
        if canary is not None and known.failed_at is not None:
            # The runner before us had not read back what its failed write may have cost.
            await self._read_until_there(canary)
        while canary is not None:
            mark = max(mark + 1, int(clock.wall() * 1000))
            if not await self._write_mark(canary, mark):
                await self._read_until_there(canary)
            due = max(due + canary.every, clock.monotonic())
            await clock.sleep(due - clock.monotonic())

    async def _read_until_there(self, canary: PlannedCanary) -> None:
        while not await self._read_mark(canary):
            await self._tools.clock.sleep(canary.every)

    async def _write_mark(self, canary: PlannedCanary, mark: int) -> bool:
        action = replace_texts(canary.write, lambda field: field.text.replace(MARK, str(mark)))
        finding, took = await self._canary_side(canary, action, canary.write_on)
        ok = finding.outcome is Outcome.SUCCEEDED
        self._tell_canary(CanarySampled(kind="write", mark=mark, ok=ok, took=took, detail=finding.detail))
        return ok

    async def _read_mark(self, canary: PlannedCanary) -> bool:
        finding, took = await self._canary_side(canary, canary.read, canary.read_on)
        words = finding.result.stdout.split()
        ok = finding.outcome is Outcome.SUCCEEDED and bool(words) and _MARK.fullmatch(words[-1]) is not None
        if ok:
            self._tell_canary(CanarySampled(kind="read", mark=int(words[-1]), ok=True, took=took))
        return ok

    async def _canary_side(self, canary: PlannedCanary, action: Work, host: str) -> tuple[Finding, float]:
        """One write or read, and the seconds it took; one that gives no answer in time is no success."""
        began = self._tools.clock.monotonic()
        probe = PlannedProbe(name="canary", action=action, hosts=(host,), timeout=canary.timeout)
        try:
            async with asyncio.timeout(canary.timeout):
                finding = await self._asked_on(probe, host)
        except TimeoutError:
            finding = Finding(outcome=Outcome.TIMED_OUT, detail=f"no answer within {canary.timeout:g} s")
        return finding, self._tools.clock.monotonic() - began

    def _tell_canary(self, event: CanarySampled) -> None:
        if not self._tools.executor.is_stopping:
            masked = self._tools.masker.mask_text(event.detail)
            self._tools.executor.tell(msgspec.structs.replace(event, detail=masked))

    async def _sample(self, probe: PlannedProbe) -> Sample:
        began = self._tools.clock.monotonic()
        try:
            async with asyncio.timeout(probe.timeout):
                findings = await asyncio.gather(*(self._asked_on(probe, host) for host in probe.hosts))
        except TimeoutError:
            detail = f"no answer within {probe.timeout:g} s"
            return Sample(ok=False, took=self._tools.clock.monotonic() - began, detail=detail)
        took = self._tools.clock.monotonic() - began
        bad = next((finding for finding in findings if finding.outcome is not Outcome.SUCCEEDED), None)
        return Sample(ok=bad is None, took=took, detail=bad.detail if bad else "")

    async def _asked_on(self, probe: PlannedProbe, host: str) -> Finding:
        run = self._tools.recorder.run
        planned = PlannedStep(
            id=f"probe.{probe.name}",
            name=probe.name,
            action=probe.action,
            expect=probe.expect,
            awaits=probe.awaits,
            durable=False,
        )
        try:
            action = self._tools.entering.render(run, planned, host, reveal=True)
            return await kind_for(action).attempt(action, self._probe_bench(planned, probe, host))
        except Problems as wrong:
            return Finding(outcome=Outcome.FAILED, detail="; ".join(str(one) for one in wrong.problems))
        except Exception as crash:  # noqa: BLE001 - a probe that we cannot ask is not good, and is asked again
            return Finding(outcome=Outcome.FAILED, detail=f"runbook itself failed ({type(crash).__name__})")

    def _probe_bench(self, planned: PlannedStep, probe: PlannedProbe, host: str) -> Bench:
        tools, run = self._tools, self._tools.recorder.run
        # Every question is a job of its own: what was answered once is never asked again under the same name.
        job = f"{run.id}/probe/{probe.name}/{host}/{run.runners}.{next(self._questions)}"

        async def open_session() -> Session:
            return await tools.fleet.session(host)

        return Bench(
            planned=planned,
            host=host,
            job=Job(id=job, limit=probe.timeout, durable=False),
            sink=NoSink(),
            clock=tools.clock,
            open_session=open_session,
            ask_probe=self.ask,
            evaluate=lambda expression, _result: (
                evaluate(expression, tools.entering.scope(tools.recorder.run, host)).verdict
            ),
            report=self._reporter(host),
            secrets=tools.secrets,
            folder=tools.folder,
        )


def _left(planned: PlannedStep, attempt: AttemptState, now: float) -> float | None:
    """Seconds that are left of an attempt's timeout, which runs on while no runner does; None without one."""
    if not planned.timeout:
        return None
    return max(min(LEAST_TIME, planned.timeout), planned.timeout - (now - attempt.started_at))
