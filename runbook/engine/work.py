"""Doing what effects name: attempts on hosts, and through `sampling` what is asked all the time.

An attempt is rendered with its secrets at the last moment, compared with what was shown, handed to its step kind, and
told as exactly one `AttemptEnded`, whatever went wrong on the way, our own mistakes included: those are *in doubt*,
because a crash of ours says nothing about the host.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Sequence

import msgspec

from runbook.core.effect import Attempt, Enter, Hold, ReadPoint, Renew, Revert, Watch, WriteMarks
from runbook.core.events.event import AttemptEnded, AttemptStarted, AttemptStated, Event
from runbook.core.events.fact import Fact
from runbook.core.outcome import Ending, Grade, Outcome
from runbook.core.planned.action import CONTROLLER, CommandAction, HttpAction, ScriptAction, UploadAction
from runbook.core.planned.command import Become
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import becomes, hash_of, pinned_as
from runbook.core.result import Result
from runbook.core.rules.ground import ground
from runbook.core.run import AttemptState, Run
from runbook.core.still_running import may_act
from runbook.engine import policing
from runbook.engine.faulting import Faulting
from runbook.engine.log import log_crash
from runbook.engine.masked import masked
from runbook.engine.measuring import Measuring
from runbook.engine.rendering import Sent
from runbook.engine.sampling import Sampling
from runbook.engine.sink import RecordSink, Unwanted
from runbook.engine.tools import Tools
from runbook.engine.unlogged import kept
from runbook.engine.workers import Answer, kinds_of
from runbook.problem import Exit, Problems, problem
from runbook.record.files.output import Source
from runbook.steps.kind import ASKED_AFTER, LEAST_TIME, PATIENCE, WORTH_A_UNIT, Bench, Finding
from runbook.steps.table import kind_for
from runbook.template.template import evaluate
from runbook.transport.session import Job, Sink

CLEANING_LIMIT = 10.0
"""Seconds that the end of a run waits for files on hosts to be removed; a host that is gone keeps them."""


class RunWorkers:
    """Implements `executor.Workers` for a live run."""

    def __init__(self, tools: Tools) -> None:
        """Work with these tools."""
        self._tools = tools
        self._cleaning: set[asyncio.Task[None]] = set()
        self._sampling = Sampling(tools)
        self._measuring = Measuring(tools, self._sampling)
        self._faulting = Faulting(tools)
        self.kinds = kinds_of(self)

    async def close(self) -> None:
        """Let what is on record be forgotten on the hosts, then hang up everywhere."""
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=CLEANING_LIMIT)
        await self._faulting.close()
        await self._tools.fleet.close()

    async def enter(self, effect: Enter) -> Answer:
        """Evaluate and render."""
        answer = await self._tools.entering.enter(self._tools.recorder.run, effect)
        return lambda run: self._policed(run, effect, answer(run))

    def _policed(self, run: Run, effect: Enter, events: Sequence[Event]) -> tuple[Event, ...]:
        wall, at = self._tools.clock.wall(), self._tools.recorder.now()
        return policing.held(run, run.steps[effect.step], tuple(events), wall=wall, at=at)

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        """The write-ahead event of an attempt."""
        state = run.steps[effect.step]
        text, user = run.text_on(state, effect.host), run.shown_on(state, effect.host).around.user
        return AttemptStarted(
            step=effect.step,
            host=effect.host,
            number=effect.number,
            job=f"{run.id}/{effect.step}/{effect.host}/{effect.number}",
            digest=hash_of(text),
            place=_place(run, effect.host, user) if isinstance(state.planned.action, _FOLLOWED) else "",
        )

    async def watch(self, effect: Watch) -> None:
        """Ask a probe at its interval."""
        await self._sampling.watch(effect)

    async def write_marks(self, effect: WriteMarks) -> None:
        """Write canary marks."""
        del effect
        await self._sampling.write_marks()

    async def read_point(self, effect: ReadPoint) -> None:
        """Read what tells of data loss."""
        del effect
        await self._measuring.read()

    async def renew(self, effect: Renew) -> None:
        """Keep a lease alive."""
        await self._faulting.renew(effect)

    async def hold(self, effect: Hold) -> None:
        """Keep a fault until somebody lifts it."""
        await self._faulting.hold(effect)

    async def revert(self, effect: Revert) -> None:
        """Lift a fault."""
        await self._faulting.revert(effect)

    # --- attempts -----------------------------------------------------------------------------------------------------

    async def attempt(self, effect: Attempt) -> None:
        """Do it, and tell how it ended. A runner that shuts down tells nothing: the attempt is still in flight."""
        await self._attempted(effect, reattach=False, wanted=True)

    async def resume(self, effect: Attempt) -> None:
        """Follow what an earlier runner left running."""
        await self._attempted(effect, reattach=True, wanted=True)

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
            announced="" if reattach else known.place,
            durable=tools.executor.wait_durable,
        )
        finding = await self._found(effect, planned, sink, reattach=reattach, wanted=wanted)
        sink.finish()
        if tools.executor.is_stopping:
            return
        tools.executor.tell(self._ended(effect, planned, finding))
        # A job that never began is fenced on its host, and a start that is still on its way must find that fence.
        if planned.durable and finding.outcome not in {Outcome.IN_DOUBT, Outcome.UNREACHABLE}:
            job = Job(id=tools.recorder.run.steps[effect.step].attempts[effect.host].job)
            cleaning = asyncio.create_task(self._forget(effect.host, job), name=f"forget {job.id}")
            self._cleaning.add(cleaning)
            cleaning.add_done_callback(self._cleaning.discard)

    async def _forget(self, host: str, job: Job) -> None:
        """Remove a job's files from its host, not before the record holds all of it."""
        session = self._tools.fleet.opened(host)
        if session is not None and await self._tools.executor.wait_durable():
            await session.forget(job)

    async def _found(
        self, effect: Attempt, planned: PlannedStep, sink: RecordSink, *, reattach: bool, wanted: bool
    ) -> Finding:
        """What it came to. Whatever keeps us from following what an earlier runner started leaves it in doubt."""
        try:
            sent = self._sent(effect, planned, reattach=reattach)
            if isinstance(sent.action, FaultAction) and not reattach:
                tools = self._tools
                policing.check_fault(tools.recorder.run, wall=tools.clock.wall(), at=tools.recorder.now())
            bench = self._bench(effect, sent, sink if wanted else Unwanted(sink), reattach=reattach)
            return await kind_for(sent.action).attempt(sent.action, bench)
        except asyncio.CancelledError:
            if reattach:
                return Finding(
                    outcome=Outcome.IN_DOUBT, detail="no longer wanted, and it was not found again to be ended"
                )
            if sink.is_reached and may_act(planned.action):
                # It had reached its host, and whoever was to end it there was cut off: a halt in the middle of a limit.
                detail = "no longer wanted, and nobody knows whether it has ended"
                return Finding(
                    outcome=Outcome.IN_DOUBT, detail=detail, is_over=isinstance(planned.action, _ENDS_WITH_US)
                )
            return Finding(outcome=Outcome.CANCELLED, detail="stopped: the run no longer wants it")
        except Problems as wrong:
            unreachable = wrong.exit is Exit.UNREACHABLE
            outcome = Outcome.UNREACHABLE if unreachable else Outcome.FAILED
            detail = "; ".join(str(one) for one in wrong.problems)
            return Finding(outcome=Outcome.IN_DOUBT if reattach else outcome, detail=detail)
        except Exception as crash:  # noqa: BLE001 - a mistake of ours must not take the run with it
            log_crash(crash)
            detail = f"runbook itself failed ({type(crash).__name__}: {crash}); whether it happened is not known"
            return Finding(outcome=Outcome.IN_DOUBT, detail=detail)

    def _sent(self, effect: Attempt, planned: PlannedStep, *, reattach: bool) -> Sent:
        """The step with its secrets. It and its surroundings must look as shown; what was sent is sent."""
        run = self._tools.recorder.run
        visit = self._tools.entering.visit(run, planned)
        shown = run.shown_on(run.steps[effect.step], effect.host)
        if not reattach and visit.shown(effect.host).of(shown).text != shown.text:
            raise problem(
                "a value changed between showing this step and sending it",
                why="another step registered it again in the meantime",
                fix="Retry the step: it will be shown again.",
                code="changed-since-shown",
                exit=Exit.REFUSED,
            )
        sent = visit.sent(effect.host)
        return dataclasses.replace(sent, action=pinned_as(sent.action, shown.action))

    def _bench(self, effect: Attempt, sent: Sent, sink: Sink, *, reattach: bool) -> Bench:
        tools, run, planned = self._tools, self._tools.recorder.run, sent.planned
        attempt = run.steps[effect.step].attempts[effect.host]
        host = run.hosts.get(effect.host)
        user = becomes(planned, host)
        # What ran attached has left its claim, and no output to be followed.
        is_durable = bool(planned.durable) and not (reattach and attempt.grade is Grade.ATTACHED)
        is_asked_about = run.attended and not is_durable
        return Bench(
            planned=planned,
            host=effect.host,
            job=dataclasses.replace(
                _followed(attempt) if reattach else _new(run, effect, (effect.host, _keeper(planned, user))),
                limit=_left(planned, attempt, tools.recorder.now()),
                durable=is_durable,
                as_unit=_is_unit(planned, attempt.grade if reattach else None),
                outlast=ASKED_AFTER if is_asked_about else None,
            ),
            sink=sink,
            clock=tools.clock,
            open_session=functools.partial(tools.fleet.session, effect.host),
            ask_probe=self._sampling.ask,
            evaluate=lambda expression, result: self._evaluate(effect, planned, expression, result),
            report=tools.reporter(effect.host),
            state=lambda fact: self._state(effect, fact),
            stated=attempt.stated,
            number=effect.number,
            tell=self._faulting.tell,
            new_login=lambda: tools.fleet.new_login(effect.host),
            has_canary_written=lambda: run.plan.canary is None or bool(tools.recorder.run.canary.acknowledged),
            secrets=tools.secrets,
            reattach=reattach,
            has_printed=reattach and attempt.recorded_out + attempt.recorded_err > 0,
            patience=0.0 if isinstance(sink, Unwanted) else ASKED_AFTER if is_asked_about else PATIENCE,
            folder=tools.folder,
            env=sent.env,
            become=Become(user=user) if planned.become else None,
            claim=lambda: self._claim(effect),
            accepted=run.accepted_key,
            keys=tools.keys,
            address=host,
        )

    async def _state(self, effect: Attempt, fact: Fact) -> None:
        """Durable when it returns."""
        known = masked(fact, self._tools.masker.mask_text)
        await self._tools.executor.state(
            AttemptStated(step=effect.step, host=effect.host, number=effect.number, fact=known)
        )

    async def _claim(self, effect: Attempt) -> Ending | None:
        """Claim an attempt on the controller, from where it acts."""
        session = await self._tools.fleet.session(CONTROLLER)
        return await session.claim(_new(self._tools.recorder.run, effect, (CONTROLLER, "")))

    def _evaluate(self, effect: Attempt, planned: PlannedStep, expression: str, result: Result) -> bool:
        """`result` names this attempt's own result, as does the name that it registers."""
        run = self._tools.recorder.run
        own = {effect.host: result}
        names = {"result": own, **({planned.register: own} if planned.register else {})}
        scope = self._tools.entering.scope(run, effect.host, planned=planned, own=names)
        return evaluate(expression, scope).verdict

    def _ended(self, effect: Attempt, planned: PlannedStep, finding: Finding) -> AttemptEnded:
        """The event, masked; a good moment is moved from the clock's axis to the run's."""
        mask, finding = self._tools.masker.mask_text, kept(planned, finding)
        result = finding.result
        if not planned.register:
            # Output is in its file; only what a later step can name is kept in the journal as well.
            result = msgspec.structs.replace(result, stdout="", stderr="")
        result = masked(result, mask)
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
            changed_key=finding.changed_key if finding.outcome is Outcome.UNREACHABLE else None,
            is_over=finding.is_over,
            is_last=finding.is_last,
            survivors=tuple(mask(survivor) for survivor in finding.survivors),
        )


_ENDS_WITH_US = (UploadAction, HttpAction)
"""What goes on nowhere once nobody here does it any more."""

_FOLLOWED = (CommandAction, ScriptAction)
"""What leaves its trace on its host, as the user that it becomes."""


def _is_unit(planned: PlannedStep, found: Grade | None) -> bool:
    """Whether the host's systemd is to run it; of what an earlier runner began, whether it does."""
    if found is not None:
        return found is Grade.UNIT
    return planned.durable == "unit" or planned.timeout >= WORTH_A_UNIT


def _keeper(planned: PlannedStep, user: str) -> str:
    """In whose place an attempt leaves its trace; empty is whoever logs in."""
    return user if isinstance(planned.action, _FOLLOWED) else ""


def _place(run: Run, host: str, user: str) -> str:
    known = run.places.get((host, user))
    return known.word if known else ""


def _new(run: Run, effect: Attempt, keeper: tuple[str, str]) -> Job:
    """An attempt that is to begin."""
    state = run.steps[effect.step]
    attempt, on = state.attempts[effect.host], ground(run, state, effect.host, keeper)
    return Job(
        id=attempt.job, place=on.place, is_resumed=run.runners > 1, is_blind=on.is_missing, unsent=attempt.unsent
    )


def _followed(attempt: AttemptState) -> Job:
    """One that an earlier runner announced."""
    return Job(id=attempt.job, place=attempt.place)


def _left(planned: PlannedStep, attempt: AttemptState, now: float) -> float | None:
    """Seconds that are left of an attempt's timeout, which runs on while no runner does; None without one."""
    if not planned.timeout:
        return None
    return max(min(LEAST_TIME, planned.timeout), planned.timeout - (now - attempt.started_at))
