"""The loop that lives a run: what is durable before what, what is started and what is ended, and what a crash leaves."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.effect import Attempt, Enter, Hold, ReadPoint, Renew, Revert, Watch, WriteMarks
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    Event,
    GateAnswered,
    HaltRequested,
    NoteAdded,
    OutputArrived,
    ProbeSampled,
    StepEntered,
)
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AddNote, AnswerGate, ContinueRun, HaltRun, PauseRun, ResolveFailure
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import CommandAction, ConfirmAction, HttpAction
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import PlannedProbe, PlannedStep
from runbook.core.run import Run
from runbook.engine import executor
from runbook.engine.clock import SystemClock
from runbook.engine.entering import Entering
from runbook.engine.workers import Answer, kinds_of
from runbook.problem import Exit, Problems, problem
from runbook.record.checking.verify import verify
from runbook.record.form.codec import decode
from runbook.transport.scripted import Hangs, Says, ScriptedConnector, Vanishes, unreachable
from tests.builders import ANNA, plan, step
from tests.engine.stage import PATIENCE, Live, Stage

PROBE = PlannedProbe(name="write-ok", action=HttpAction(url="http://app/health"), every=0.01)


def does(number: str, text: str = "work", **fields: object) -> PlannedStep:
    """A command step on db1."""
    return step(number, CommandAction(shell=text), **fields)


def asks(number: str, **fields: object) -> PlannedStep:
    return step(number, ConfirmAction(message="Go on?"), **fields)


def under_way(run: Run) -> bool:
    """True once the first step's command is known to run on its host."""
    attempt = run.steps["1.1"].attempts.get("db1")
    return attempt is not None and attempt.grade is not None


class Hands:
    """Workers that do only what a test says, and remember what they were asked for."""

    def __init__(self, live: Live, attempt: Callable[[Attempt], Event | None] = lambda _effect: None) -> None:
        self._live = live
        self._attempt = attempt
        self._entering = Entering((), str, SystemClock(), folder=Path())
        self.asked: Counter[tuple[str, object]] = Counter()
        self.cancelled: list[object] = []
        self.kinds = kinds_of(self)

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        return AttemptStarted(step=effect.step, host=effect.host, number=effect.number)

    async def enter(self, effect: Enter) -> Answer:
        return await self._entering.enter(self._live.run, effect)

    async def resume(self, effect: Attempt) -> None:
        await self._attempted("reattach", effect)

    async def attempt(self, effect: Attempt) -> None:
        await self._attempted("start", effect)

    async def _attempted(self, how: str, effect: Attempt) -> None:
        self.asked[how, effect] += 1
        told = self._attempt(effect)
        try:
            if told is None:
                await asyncio.Event().wait()
            else:
                self._live.executor.tell(told)
        except asyncio.CancelledError:
            self.cancelled.append(effect)
            self._live.executor.tell(end(effect, Outcome.CANCELLED))

    async def stop(self, effect: Attempt) -> None:
        self.asked["stop", effect] += 1
        self._live.executor.tell(end(effect, Outcome.CANCELLED))

    async def watch(self, effect: Watch) -> None:
        self.asked["watch", effect] += 1
        raise RuntimeError("the words of a crash may hold anything")

    async def write_marks(self, _effect: WriteMarks) -> None:
        await asyncio.Event().wait()

    async def read_point(self, _effect: ReadPoint) -> None:
        await asyncio.Event().wait()

    async def renew(self, _effect: Renew) -> None:
        await asyncio.Event().wait()

    async def hold(self, _effect: Hold) -> None:
        """Nothing is broken."""

    async def revert(self, _effect: Revert) -> None:
        """Nothing is broken."""

    async def close(self) -> None:
        """Nothing is open."""


class Slow(Hands):
    """Hands that enter no step before they are let, and then as `comes_to` says."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.let = asyncio.Event()
        self.comes_to: Callable[[Answer], Answer] = lambda answer: answer

    async def enter(self, effect: Enter) -> Answer:
        self.asked["enter", effect] += 1
        await self.let.wait()
        return self.comes_to(await super().enter(effect))


def end(effect: Attempt, outcome: Outcome = Outcome.SUCCEEDED) -> AttemptEnded:
    return AttemptEnded(step=effect.step, host=effect.host, number=effect.number, outcome=outcome)


def handled(live: Live, attempt: Callable[[Attempt], Event | None]) -> Hands:
    """The same runner with other hands."""
    live.workers = Hands(live, attempt)
    return live.workers


def broken(*_given: object) -> Event:
    raise RuntimeError("the words of a crash may hold anything")


def cut_off(*_given: object) -> Event:
    raise asyncio.CancelledError


class Synced:
    """Stands in the way of the journal's `fdatasync`: knows what is durable, and fails when it is told to."""

    def __init__(self, live: Live, stage: Stage, fail_at: int = 0) -> None:
        self._path = stage.folder / "journal.jsonl"
        self._sync = live.recorder._writer._journal._sync
        self._fail_at = fail_at
        self.count = 0
        self.size = 0
        live.recorder._writer._journal._sync = self

    def __call__(self, number: int) -> None:
        self.count += 1
        if self.count == self._fail_at:
            raise OSError(5, os.strerror(5))
        self._sync(number)
        self.size = os.fstat(number).st_size

    def durable(self) -> list[Event]:
        """What a power cut would leave now."""
        return [decode(line)[0].event for line in self._path.read_bytes()[: self.size].splitlines(keepends=True)]


# --- write-ahead ------------------------------------------------------------------------------------------------------


async def test_an_attempt_is_durable_before_anything_is_sent(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def answer(_host: object, _command: object) -> Says:
        seen.append([event.job for event in synced.durable() if isinstance(event, AttemptStarted)])
        return Says()

    stage = Stage(tmp_path, ScriptedConnector(answer))
    live = stage.open(plan(does("1.1", hosts=("db1", "db2")), does("1.2")))
    synced = Synced(live, stage)
    await live.to_its_end()
    jobs = [sent.job for sent in stage.world.sent]
    assert len(jobs) == 3
    assert [job in durable for job, durable in zip(jobs, seen, strict=True)] == [True, True, True]


async def test_an_answer_is_granted_only_once_it_is_durable(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1"), asks("1.2")))
    synced = Synced(live, stage)
    await live.until(lambda run: run.open_gates)
    assert await live.ask(AnswerGate(gate="1.1#1", answer="proceed")) is None
    assert [event.gate for event in synced.durable() if isinstance(event, GateAnswered)] == ["1.1#1"]
    await live.stop()


async def test_what_is_shown_while_a_person_is_waited_for_is_durable_soon(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(does("1.1"), asks("1.2")))
    synced = Synced(live, stage)
    await live.until(lambda run: run.open_gates)
    async with asyncio.timeout(5):
        while live.recorder.has_uncommitted:
            await asyncio.sleep(0.01)
    assert synced.durable() == stage.events(*(type(entry.event) for entry in stage.entries()))
    await live.stop()


# --- starting, cancelling, crashing -----------------------------------------------------------------------------------


async def test_what_is_named_is_started_once_and_what_is_no_longer_named_is_cancelled(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(does("1.1", hosts=("db1", "db2")), does("1.2")))
    hands = handled(live, lambda _effect: None)
    await live.until(lambda run: len(run.steps["1.1"].running) == 2)
    for count in range(5):
        assert await live.ask(AddNote(text=f"note {count}")) is None
    assert await live.ask(HaltRun(reason="wrong database")) is None
    run = await live.to_its_end()
    both = [Attempt("1.1", "db1", 1), Attempt("1.1", "db2", 1)]
    assert hands.asked == {("start", both[0]): 1, ("start", both[1]): 1}
    assert sorted(hands.cancelled, key=lambda effect: effect.host) == both
    assert (run.steps["1.1"].outcome, run.steps["1.2"].outcome) == (Outcome.CANCELLED, None)


async def test_a_worker_that_crashes_is_in_doubt_and_is_not_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(does("1.1")), attended=False)
    hands = handled(live, broken)
    run = await live.to_its_end()
    assert hands.asked == {("start", Attempt("1.1", "db1", 1)): 1}
    assert run.steps["1.1"].outcome is Outcome.IN_DOUBT
    assert run.steps["1.1"].detail == "runbook itself failed (RuntimeError); whether it happened is not known"
    logged = capsys.readouterr().err
    assert (logged.splitlines()[0], "in broken" in logged) == ("Traceback (most recent call last):", True)


async def test_a_worker_that_is_cut_off_without_a_word_does_not_hold_up_the_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(does("1.1")))
    handled(live, cut_off)
    assert await live.until(lambda run: run.steps["1.1"].outcome is Outcome.IN_DOUBT)
    assert await live.ask(HaltRun(reason="enough")) is None
    assert verdicts(await live.to_its_end()).run == "aborted"


async def test_a_probe_that_crashes_is_on_record_and_does_not_spin(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1"), probes=(PROBE,)))
    hands = handled(live, broken)
    await live.until(lambda run: run.notes)
    for count in range(5):
        assert await live.ask(AddNote(text=f"note {count}")) is None
    await live.stop()
    assert hands.asked == {("watch", Watch("write-ok")): 1}
    told = [event.text for event in stage.events(NoteAdded) if "itself failed" in event.text]
    assert told == ["runbook itself failed (RuntimeError) and stopped: Watch(probe='write-ok')"]


async def test_what_nobody_can_record_costs_neither_the_run_nor_what_was_told_with_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1"), probes=(PROBE,)))
    handled(live, broken)
    await live.until(lambda run: run.open_gates)
    live.executor.tell(ProbeSampled(probe="write-ok", ok=True, took=0.1))
    live.executor.tell(ProbeSampled(probe="write-ok", ok=True, took=0.1, value=_nested(2000)))
    live.executor.tell(NoteAdded(text="after"))
    await live.until(lambda run: any(note.text == "after" for note in run.notes))
    samples = [(event.ok, event.value) for event in stage.events(ProbeSampled)]
    assert samples == [(True, None), (False, None)]
    await live.stop()


async def test_an_answer_that_cannot_be_recorded_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1")))
    await live.until(lambda run: run.open_gates)
    refused = await live.ask(AnswerGate(gate="1.1#1", answer="proceed", value=_nested(2000)))
    assert refused is not None
    assert refused.code == "record-unreadable"
    assert await live.ask(AnswerGate(gate="1.1#1", answer="proceed")) is None
    assert verdicts(await live.to_its_end()).run == "completed"


def _nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


# --- entering ---------------------------------------------------------------------------------------------------------


async def entering(tmp_path: Path, *steps: PlannedStep, **how: object) -> tuple[Stage, Live, Slow]:
    """A run whose first step is being entered."""
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(*steps, **how))
    live.workers = Slow(live)
    live.begin()
    async with asyncio.timeout(PATIENCE):
        while not live.workers.asked:
            await asyncio.sleep(0)
    return stage, live, live.workers


async def test_people_are_answered_and_probes_sampled_while_a_step_is_being_entered(tmp_path: Path) -> None:
    stage, live, hands = await entering(tmp_path, does("1.1"), probes=(PROBE,))
    live.executor.tell(ProbeSampled(probe="write-ok", ok=True, took=0.1))
    assert await live.ask(AddNote(text="meanwhile")) is None
    assert [type(event) for event in stage.events(ProbeSampled, NoteAdded, StepEntered)][-1] is NoteAdded
    assert stage.events(StepEntered) == []
    hands.let.set()
    await live.until(lambda run: run.steps["1.1"].running)
    await live.stop()


async def test_a_halt_while_a_step_is_being_entered_wins_also_when_both_come_at_once(tmp_path: Path) -> None:
    stage, live, hands = await entering(tmp_path, does("1.1"))
    halting = asyncio.create_task(live.ask(HaltRun(reason="wrong database")))
    hands.let.set()
    assert await halting is None
    run = await live.to_its_end()
    assert (stage.events(StepEntered), run.steps["1.1"].visit, verdicts(run).run) == ([], 0, "aborted")


async def test_what_is_being_entered_is_left_while_the_run_is_paused_and_entered_once_it_goes_on(
    tmp_path: Path,
) -> None:
    stage, live, hands = await entering(tmp_path, does("1.1"))
    assert await live.ask(PauseRun()) is None
    hands.let.set()
    assert await live.ask(AddNote(text="still here")) is None
    assert stage.events(StepEntered) == []
    assert await live.ask(ContinueRun()) is None
    await live.until(lambda run: run.steps["1.1"].running)
    assert hands.asked["enter", Enter("1.1", 1)] == 2
    await live.stop()


async def test_an_answer_that_no_longer_holds_is_asked_for_again(tmp_path: Path) -> None:
    stage, live, hands = await entering(tmp_path, does("1.1"))
    stale = iter([True, False])
    hands.comes_to = lambda answer: (lambda _run: ()) if next(stale) else answer
    hands.let.set()
    await live.until(lambda run: run.steps["1.1"].running)
    assert (hands.asked["enter", Enter("1.1", 1)], len(stage.events(StepEntered))) == (2, 1)
    await live.stop()


async def test_a_mistake_of_ours_while_entering_fails_the_step_and_nothing_is_sent(tmp_path: Path) -> None:
    stage, live, hands = await entering(tmp_path, does("1.1"))
    hands.comes_to = broken
    hands.let.set()
    run = await live.until(lambda run: run.open_gates)
    assert run.steps["1.1"].detail == "runbook itself failed (RuntimeError); nothing was sent"
    assert stage.events(AttemptStarted) == []
    await live.stop()


# --- stopping and resuming --------------------------------------------------------------------------------------------


async def test_a_runner_that_shuts_down_leaves_what_runs_in_flight_and_begins_nothing(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n"), "next": Says()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long"), does("1.2", "next")))
    await live.until(under_way)
    # The end of the step and the order to stop come in the same turn of the loop.
    live.executor.tell(end(Attempt("1.1", "db1", 1)))
    await live.stop()
    assert [sent.text for sent in world.sent] == ["long"]
    assert [event.step for event in stage.events(AttemptStarted)] == ["1.1"]


async def test_a_runner_that_is_stopped_while_many_hosts_begin_begins_no_more_of_them(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(does("1.1", hosts=tuple(f"web{number}" for number in range(80)))))
    hands = handled(live, lambda _effect: live.executor.shut_down())
    await live.to_its_end()
    assert (len(stage.events(AttemptStarted)), sum(hands.asked.values())) == (80, executor.TOGETHER)


async def test_a_resume_follows_what_is_still_running_and_starts_it_never_again(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long")))
    await live.until(under_way)
    await live.stop()
    assert stage.events(AttemptEnded) == []
    world.settle(stage.events(AttemptStarted)[0].job, Says(b"begun\ndone\n"))
    run = await stage.resume().to_its_end()
    assert (run.steps["1.1"].outcome, len(world.sent)) == (Outcome.SUCCEEDED, 1)
    assert (stage.folder / "out" / "db1.log").read_bytes() == b"begun\ndone\n"
    assert verify(stage.folder).grade == "sound"


@pytest.mark.parametrize("durable", [True, False])
async def test_a_run_that_was_halted_and_then_lost_its_runner_still_ends(tmp_path: Path, durable: bool) -> None:
    world = ScriptedConnector({"long": Hangs(), "close": Says()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long", durable=durable), always=(does("A.1", "close"),)))
    await live.until(under_way)
    handled_end = live.executor.tell
    live.executor.tell = lambda event: None if isinstance(event, AttemptEnded) else handled_end(event)
    await live.ask(HaltRun(reason="wrong database"))
    await live.crash()

    run = await stage.resume().to_its_end()
    assert run.steps["1.1"].outcome in {Outcome.CANCELLED, Outcome.IN_DOUBT}
    assert (run.steps["A.1"].outcome, verdicts(run).run) == (Outcome.SUCCEEDED, "aborted")
    assert [sent.text for sent in world.sent] == ["long", "close"]


async def test_what_still_runs_after_a_halt_is_ended_by_the_next_runner(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long")))
    await live.until(under_way)
    job = stage.events(AttemptStarted)[0].job
    live.recorder.record(HaltRequested(by=None, reason="wrong database"))
    await live.crash()
    world.settle(job, Hangs())
    await stage.resume().to_its_end()
    assert world.started(job) != Hangs()


async def test_a_step_that_prints_nothing_does_not_hold_up_the_end_of_its_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(does("1.1"), does("1.2")))
    async with asyncio.timeout(3):
        await live.to_its_end()
    assert len(stage.world.forgotten) == 2


async def test_who_asks_too_late_is_told_why(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(does("1.1")))
    await live.to_its_end()
    refused = await live.ask(HaltRun(reason="too late"))
    assert refused is not None
    assert (refused.what, refused.why) == ("the run has ended", "every step is done")


# --- a disk that fails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fail_at", range(1, 4))
async def test_a_sync_that_fails_stops_the_run_and_a_resume_ends_it(tmp_path: Path, fail_at: int) -> None:
    world = ScriptedConnector({"work": Says(b"worked\n"), "more": Says(b"more\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1"), does("1.2", "more"), asks("1.3"), asks("1.4")))
    Synced(live, stage, fail_at)
    with pytest.raises(Problems, match="The journal cannot be made durable"):
        await _answered(live)
    run = await _answered(stage.resume())
    assert {state.outcome for state in run.steps.values()} <= {Outcome.SUCCEEDED, Outcome.IN_DOUBT, Outcome.UNREACHABLE}
    assert max(Counter(sent.job for sent in world.sent).values()) == 1
    assert verify(stage.folder).grade == "sound"


async def _answered(live: Live) -> Run:
    """Answer what is asked, on to the end: accept what is in doubt, try again what was never sent."""
    live.begin()
    while live.driving is not None and not live.driving.done():
        for gate in live.run.open_gates:
            opened = live.run.gates[gate].opened
            choice = "accept" if "accept" in opened.choices else "retry"
            asked = (
                ResolveFailure(step=opened.step, choice=choice, reason="looked")
                if opened.kind == "failure"
                else AnswerGate(gate=gate, answer="proceed")
            )
            await live.ask(asked)
        await asyncio.sleep(0.001)
    return await live.to_its_end()


async def test_whoever_waits_for_an_answer_is_told_that_the_record_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1")))
    await live.until(lambda run: run.open_gates)
    Synced(live, stage, fail_at=1)
    refused = await live.ask(AnswerGate(gate="1.1#1", answer="proceed"))
    assert refused is not None
    assert (refused.code, refused.why) == ("record-unwritable", os.strerror(5))
    with pytest.raises(Problems):
        await live.to_its_end()


async def test_output_that_cannot_be_kept_stops_the_run_and_says_nothing_about_the_step(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": Says(b"x" * 100_000)})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1")))
    (stage.folder / "out" / "db1.log").mkdir()
    with pytest.raises(Problems, match="Output cannot be written"):
        await live.to_its_end()
    assert stage.events(AttemptEnded) == []
    (stage.folder / "out" / "db1.log").rmdir()
    run = await stage.resume().to_its_end()
    assert (run.steps["1.1"].outcome, len(world.sent)) == (Outcome.SUCCEEDED, 1)
    assert (stage.folder / "out" / "db1.log").read_bytes() == b"x" * 100_000


async def test_a_record_that_vanishes_stops_the_run_before_anything_more_is_sent(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": Says()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(asks("1.1"), does("1.2")))
    await live.until(lambda run: run.open_gates)
    stage.folder.rename(stage.folder.with_name("elsewhere"))
    refused = await live.ask(AnswerGate(gate="1.1#1", answer="proceed"))
    assert refused is not None
    assert refused.what == "The record has vanished"
    with pytest.raises(Problems, match="The record has vanished"):
        await live.to_its_end()
    assert world.sent == []


# --- output -----------------------------------------------------------------------------------------------------------


async def test_chunks_of_a_file_stand_in_the_journal_in_their_order(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"flood": Hangs(b"x" * 70_000)}))
    live = stage.open(plan(does("1.1", "flood")))
    live.executor._flushed_at = -1.0
    await live.until(lambda run: run.outputs and run.steps["1.1"].attempts["db1"].recorded_out == 70_000)
    await live.stop()
    chunks = [(event.offset, event.length) for event in stage.events(OutputArrived)]
    assert chunks == [(0, 65_536), (65_536, 4_464)]


# --- following again what an earlier runner started -------------------------------------------------------------------


async def interrupted(stage: Stage, *steps: PlannedStep, **how: object) -> str:
    """Run until the first step runs, then crash; gives the job."""
    live = stage.open(plan(*steps), **how)
    await live.until(under_way)
    await live.crash()
    return stage.events(AttemptStarted)[-1].job


async def test_what_cannot_be_rendered_any_more_is_in_doubt_and_not_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector(lambda _host, _command: Hangs()), secrets=(Secret("pw", "hunter22"),))
    await interrupted(stage, does("1.1", "login {{ pw }}", awaits=("pw",)), attended=False)
    stage.secrets = ()
    run = await stage.resume().to_its_end()
    assert run.steps["1.1"].outcome is Outcome.IN_DOUBT


async def test_a_timeout_runs_on_while_no_runner_does(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs()})
    stage = Stage(tmp_path, world)
    job = await interrupted(stage, does("1.1", "long", timeout=0.3), attended=False)
    world.settle(job, Hangs())
    await asyncio.sleep(0.3)
    later = stage.resume()
    began = later.recorder.now()
    run = await later.to_its_end()
    assert run.steps["1.1"].outcome is Outcome.TIMED_OUT
    assert run.now - began < 2.0


async def test_a_host_that_is_away_is_waited_for_and_what_ran_there_is_followed(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    job = await interrupted(stage, does("1.1", "long"), asks("1.2"))
    world.settle(job, Says(b"begun\nended\n"))
    world.unreachable["db1"] = unreachable("db1")
    later = stage.resume()
    run = await later.until(lambda run: run.lost)
    assert (dict(run.lost), dict(run.steps["1.1"].running)) == ({"db1": "db1 cannot be reached: scripted"}, {"db1": 1})
    world.unreachable.clear()
    run = await later.until(lambda run: run.open_gates)
    assert (run.steps["1.1"].outcome, len(world.sent)) == (Outcome.SUCCEEDED, 1)
    await later.stop()
    data = (stage.folder / "out" / "db1.log").read_bytes()
    assert b"".join(data[e.offset : e.offset + e.length] for e in stage.events(OutputArrived)) == b"begun\nended\n"


async def test_what_is_halted_while_its_host_is_away_is_in_doubt(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long")))
    await live.until(under_way)
    world.unreachable["db1"] = unreachable("db1")
    world.cut("db1")
    await live.until(lambda run: run.lost)
    assert await live.ask(HaltRun(reason="enough")) is None
    run = await live.to_its_end()
    assert (run.steps["1.1"].attempts["db1"].outcome, run.ended) == (Outcome.IN_DOUBT, "enough")


async def test_what_is_to_be_ended_by_the_next_runner_waits_for_no_host(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long")))
    await live.until(under_way)
    live.recorder.record(HaltRequested(reason="enough", by=ANNA))
    await live.recorder.commit()
    await live.crash()
    world.unreachable["db1"] = unreachable("db1")
    run = await stage.resume().to_its_end()
    assert run.steps["1.1"].attempts["db1"].outcome is Outcome.IN_DOUBT


class Forgotten(list[str]):
    """What a host was told to forget, and whether the record held all of it then, and durably."""

    def __init__(self) -> None:
        super().__init__()
        self.live: Live
        self.held: list[tuple[bool, bool]] = []

    def append(self, job: str) -> None:
        super().append(job)
        step = self.live.run.steps[job.split("/")[1]]
        self.held.append((step.attempts["db1"].outcome is not None, not self.live.recorder.has_uncommitted))


async def test_a_host_forgets_a_job_when_the_record_holds_its_end_durably_and_not_before(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": Says(b"output\n")})
    world.forgotten = forgotten = Forgotten()
    forgotten.live = live = Stage(tmp_path, world).open(plan(*(does(f"1.{number}", "work") for number in range(1, 4))))
    await live.to_its_end()
    assert (len(forgotten), forgotten.held) == (3, [(True, True)] * 3)


async def test_of_a_runner_whose_record_takes_no_more_a_host_forgets_nothing(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": Says(b"output\n")})
    live = Stage(tmp_path, world).open(plan(does("1.1", "work")))

    commit = live.recorder.commit

    async def full() -> None:
        attempt = live.run.steps["1.1"].attempts.get("db1")
        if attempt is not None and attempt.outcome is not None:
            raise problem("No space left on device", code="record-unwritable", exit=Exit.REFUSED)
        await commit()

    live.recorder.commit = full
    with pytest.raises(Problems, match="No space"):
        await live.to_its_end()
    assert world.forgotten == []


async def test_what_a_host_keeps_of_a_job_in_doubt_stays_there(tmp_path: Path) -> None:
    """It is all that anybody will ever learn of it; what ended before it is forgotten."""
    world = ScriptedConnector({"long": Vanishes(), "work": Says()})
    live = Stage(tmp_path, world).open(plan(does("1.1"), does("1.2", "long")), attended=False)
    run = await live.to_its_end()
    assert [run.steps[step].outcome for step in ("1.1", "1.2")] == [Outcome.SUCCEEDED, Outcome.IN_DOUBT]
    assert world.forgotten == [run.steps["1.1"].attempts["db1"].job]


async def test_the_fence_of_a_job_that_never_began_stays_on_its_host(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs()})
    stage = Stage(tmp_path, world)
    job = await interrupted(stage, does("1.1", "long"), attended=False)
    world.lose_trace(job)
    world._answers = {"long": Says()}
    run = await stage.resume().to_its_end()
    ends = [(event.number, event.outcome) for event in stage.events(AttemptEnded)]
    assert ends == [(1, Outcome.UNREACHABLE), (2, Outcome.SUCCEEDED)]
    assert (run.steps["1.1"].outcome, world.forgotten) == (Outcome.SUCCEEDED, [f"{job[:-1]}2"])


async def test_a_host_that_was_restarted_meanwhile_proves_nothing_by_having_no_trace(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs()})
    stage = Stage(tmp_path, world)
    job = await interrupted(stage, does("1.1", "long"), attended=False)
    world.lose_trace(job)
    world.place = "scripted.2.after-a-restart"
    run = await stage.resume().to_its_end()
    assert (run.steps["1.1"].outcome, len(world.sent)) == (Outcome.IN_DOUBT, 1)


async def test_what_has_printed_something_has_begun_whatever_its_host_says(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "long")), attended=False)
    await live.until(lambda run: run.outputs)
    await live.crash()
    world.lose_trace(stage.events(AttemptStarted)[-1].job)
    run = await stage.resume().to_its_end()
    assert (run.steps["1.1"].outcome, len(world.sent)) == (Outcome.IN_DOUBT, 1)


async def test_what_ran_attached_is_in_doubt_though_its_host_has_room_for_jobs_now(tmp_path: Path) -> None:
    world = ScriptedConnector({"long": Hangs(b"begun\n")})
    world.grade = Grade.ATTACHED
    stage = Stage(tmp_path, world)
    job = await interrupted(stage, does("1.1", "long"), attended=False)
    world.grade = Grade.SESSION
    world.lose_trace(job)
    run = await stage.resume().to_its_end()
    assert run.steps["1.1"].outcome is Outcome.IN_DOUBT
