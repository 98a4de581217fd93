"""Entering a step: what fails here fails the step, in words, and sends nothing; waiting is by the run's own clock."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook.core.effect import Enter
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    Event,
    HostExcluded,
    NoteAdded,
    StepEnded,
    StepEntered,
)
from runbook.core.fold.evolve import evolve
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AnswerGate, CutWait, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, CommandAction, ConfirmAction, ParallelAction, WaitAction
from runbook.core.planned.command import MASK, Command, Secret
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import Shown, Surroundings, digest_of, hash_of, texts_of
from runbook.core.result import Result
from runbook.core.run import Run
from runbook.engine import entering, executor, rendering, runner
from runbook.engine.clock import SystemClock
from runbook.engine.entering import Entering, _seconds_until
from runbook.problem import Problems
from runbook.template.action_texts import render_action
from runbook.template.scope import Scope
from runbook.transport.scripted import Says, ScriptedConnector
from runbook.view.asking.gates import gate_view
from tests.builders import Story, plan, step
from tests.engine.stage import Stage

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12:00", 0.0),
        ("12:30", 1800.0),
        ("11:59", 86_340.0),
        ("2026-11-23T12:00:30Z", 30.0),
        ("2026-11-23T12:00:30", 30.0),
        ("2026-11-23T13:01+01:00", 60.0),
        ("2026-11-22T12:00Z", 0.0),
    ],
)
def test_waiting_until_a_time_takes_the_seconds_to_it(text: str, seconds: float) -> None:
    assert _seconds_until(text, NOON) == seconds


@pytest.mark.parametrize("text", ["25:00", "12:60", "soon", "", "12:00:00.5x", "-1:00"])
def test_what_is_no_time_is_a_problem_in_words(text: str) -> None:
    with pytest.raises(Problems, match="is no time to wait until"):
        _seconds_until(text, NOON)


async def test_waiting_for_no_time_at_all_fails_the_step_and_the_run_goes_by_its_policy(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    run = await stage.open(plan(step("1.1", WaitAction(until="soon"))), attended=False).to_its_end()
    assert (run.steps["1.1"].outcome, verdicts(run).run) == (Outcome.FAILED, "failed")
    assert '"soon" is no time to wait until' in run.steps["1.1"].detail


async def test_a_mistake_of_ours_in_entering_fails_the_step_and_not_every_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_given: object) -> None:
        raise RuntimeError("the words of a crash may hold anything")

    monkeypatch.setattr(entering, "evaluate", crash)
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    work = CommandAction(shell="work")
    of = plan(step("1.1", work, when="true", on_failure="continue"), step("1.2", work))
    run = await stage.open(of, attended=False).to_its_end()
    assert run.steps["1.1"].detail == "runbook itself failed (RuntimeError); nothing was sent"
    assert [event.step for event in stage.events(AttemptStarted)] == ["1.2"]


@pytest.mark.parametrize("field", ["failed_when", "until"])
async def test_an_expression_that_cannot_be_judged_fails_the_step_and_says_so(tmp_path: Path, field: str) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says(b"12\n")}))
    bad = step("1.1", CommandAction(shell="work"), **{field: "result.rc > nothing.rc"})
    run = await stage.open(plan(bad), attended=False).to_its_end()
    assert run.steps["1.1"].outcome is Outcome.FAILED
    assert '"nothing" is not defined' in run.steps["1.1"].detail


async def test_until_is_asked_after_each_attempt_until_it_holds(tmp_path: Path) -> None:
    replies = iter([Says(b"1\n"), Says(b"2\n"), Says(b"3\n")])
    stage = Stage(tmp_path, ScriptedConnector(lambda _host, _command: next(replies)))
    polls = step("1.1", CommandAction(shell="count"), until="result.stdout == '3'", retries=5, delay=0.001)
    run = await stage.open(plan(polls), attended=False).to_its_end()
    assert (run.steps["1.1"].outcome, run.steps["1.1"].attempts["db1"].number) == (Outcome.SUCCEEDED, 3)


class Host:
    """Says what a test has it say, and remembers in what surroundings it was asked."""

    def __init__(self, *values: str) -> None:
        self._values = list(values)
        self.regions: list[object] = []

    def __call__(self, _host: object, command: Command) -> Says:
        if command.shell == "ask":
            return Says(f"{self._values.pop(0)}\n".encode())
        self.regions.append(dict(command.env).get("REGION"))
        return Says()


def located(number: str, **fields: object) -> PlannedStep:
    """A step whose command is always the same and whose surroundings are not."""
    around = {
        "env": {"REGION": "{{ where.stdout }}"},
        "cwd": "/srv/{{ where.stdout }}",
        "become_user": "{{ where.stdout }}",
    }
    return step(number, CommandAction(shell="move"), awaits=("where",), confirm="key", become=True, **around, **fields)


async def test_a_gate_shows_and_confirms_the_surroundings_as_they_will_be_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector(Host("eu")))
    live = stage.open(plan(step("1.1", CommandAction(shell="ask"), register="where"), located("1.2")))
    run = await live.until(lambda run: run.open_gates)
    around = Surroundings(env={"REGION": "eu"}, cwd="/srv/eu", user="eu")
    shown = Shown(action=CommandAction(shell="move"), around=around)
    assert run.shown_on(run.steps["1.2"], "db1") == shown
    assert run.gates["1.2#1"].opened.digest == digest_of(texts_of({"db1": shown}), ("db1",))
    assert gate_view(run, "1.2#1", run.now).follows[0].texts[0].lines == ("move", "as eu, in /srv/eu, with REGION=eu")
    assert await live.ask(AnswerGate(gate="1.2#1", answer="proceed")) is None
    await live.to_its_end()
    assert [event.digest for event in stage.events(AttemptStarted)][1] == hash_of(shown.text)


async def test_surroundings_that_change_behind_a_gate_are_not_sent_and_a_retry_shows_them_anew(tmp_path: Path) -> None:
    host = Host("eu", "us")
    stage = Stage(tmp_path, ScriptedConnector(host))
    asks = step("1.1", CommandAction(shell="ask"), register="where")
    meanwhile = step("1.2.2", CommandAction(shell="ask"), register="where")
    beside = PlannedStep(id="1.2", name="Both", action=ParallelAction(), steps=(located("1.2.1"), meanwhile))
    live = stage.open(plan(asks, beside))
    await live.until(lambda run: run.open_gates and run.steps["1.2.2"].outcome)
    assert await live.ask(AnswerGate(gate="1.2.1#1", answer="proceed")) is None
    run = await live.until(lambda run: "1.2.1#2" in run.open_gates)
    assert (host.regions, run.steps["1.2.1"].outcome) == ([], Outcome.FAILED)
    assert "a value changed between showing this step and sending it" in run.steps["1.2.1"].detail
    assert await live.ask(ResolveFailure(step="1.2.1", choice="retry")) is None
    run = await live.until(lambda run: "1.2.1#3" in run.open_gates)
    assert run.shown_on(run.steps["1.2.1"], "db1").around.env == {"REGION": "us"}
    assert await live.ask(AnswerGate(gate="1.2.1#3", answer="proceed")) is None
    run = await live.to_its_end()
    assert (host.regions, run.steps["1.2.1"].outcome) == (["us"], Outcome.SUCCEEDED)


async def test_a_retry_that_shows_the_same_again_does_not_ask_again(tmp_path: Path) -> None:
    replies = iter([Says(b"eu\n"), Says(code=1), Says()])
    stage = Stage(tmp_path, ScriptedConnector(lambda _host, _command: next(replies)))
    live = stage.open(plan(step("1.1", CommandAction(shell="ask"), register="where"), located("1.2")))
    await live.until(lambda run: run.open_gates)
    assert await live.ask(AnswerGate(gate="1.2#1", answer="proceed")) is None
    await live.until(lambda run: run.open_gates == ("1.2#2",))
    assert await live.ask(ResolveFailure(step="1.2", choice="retry")) is None
    run = await live.to_its_end()
    assert (run.steps["1.2"].outcome, sorted(run.gates)) == (Outcome.SUCCEEDED, ["1.2#1", "1.2#2"])


async def test_a_secret_stands_in_the_digest_as_its_mask_and_in_the_surroundings_as_itself(tmp_path: Path) -> None:
    secret = Secret("token", "hunter22")
    host = Host()
    work = step("1.1", CommandAction(shell="move"), awaits=("token",), env={"REGION": "{{ token }}"}, confirm="key")
    gates = []
    for number, value in enumerate((secret, Secret("token", "swordfish"))):
        stage = Stage(tmp_path / str(number), ScriptedConnector(host), secrets=(value,))
        live = stage.open(plan(work))
        run = await live.until(lambda run: run.open_gates)
        gates.append(run.gates["1.1#1"].opened.digest)
        assert await live.ask(AnswerGate(gate="1.1#1", answer="proceed")) is None
        await live.to_its_end()
    assert gates[0] == gates[1]
    assert [region.reveal() for region in host.regions] == ["hunter22", "swordfish"]


# --- many hosts -------------------------------------------------------------------------------------------------------


def registered_on(hosts: int) -> Run:
    """A run whose first step has registered `u` on so many hosts; the second one names it in all that it has."""
    names = tuple(f"web{number:04}" for number in range(hosts))
    around = {"env": {"REGION": "{{ u.stdout }}"}, "cwd": "/srv/{{ u.stdout }}", "when": "u.rc == 0"}
    uses = CommandAction(shell="use {{ u.stdout }} {{ host.name }}")
    of = plan(step("1.1", hosts=names, register="u"), step("1.2", uses, hosts=names, awaits=("host", "u"), **around))
    tale = Story(of)
    tale.start()
    tale.add(StepEntered(step="1.1", hosts=names))
    for name in names:
        ended = {"outcome": Outcome.SUCCEEDED, "result": Result(rc=0, stdout=f"zone of {name}")}
        tale.add(AttemptStarted(step="1.1", host=name, number=1))
        tale.add(AttemptEnded(step="1.1", host=name, number=1, **ended))
    tale.add(StepEnded(step="1.1", outcome=Outcome.SUCCEEDED))
    return tale.run


def entered_and_sent(run: Run, enters: Entering) -> None:
    """What the runner does with the second step before anything leaves."""
    asyncio.run(enters.enter(run, Enter("1.2", 1)))
    visit = enters.visit(run, run.steps["1.2"].planned)
    for host in run.hosts:
        visit.shown(host)
        visit.sent(host)


def seconds_of(work: Callable[[], object]) -> float:
    """Processor time, the least of three."""
    costs = []
    for _ in range(3):
        gc.collect()
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs)


@pytest.mark.slow
def test_entering_on_a_thousand_hosts_costs_at_most_twelve_times_what_a_hundred_cost() -> None:
    few, many = registered_on(100), registered_on(1000)
    cost_of_few = seconds_of(lambda: entered_and_sent(few, Entering((), str, SystemClock(), folder=Path())))
    cost_of_many = seconds_of(lambda: entered_and_sent(many, Entering((), str, SystemClock(), folder=Path())))
    assert cost_of_many <= 12 * cost_of_few


def test_each_host_is_rendered_once_to_be_shown_and_once_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[tuple[str, bool]] = Counter()

    def counted(action: Action, scope: Scope, *, reveal: bool) -> Action:
        asked[scope.host.name, reveal] += 1
        return render_action(action, scope, reveal=reveal)

    monkeypatch.setattr(rendering, "render_action", counted)
    entered_and_sent(registered_on(3), Entering((), str, SystemClock(), folder=Path()))
    assert asked == {(f"web000{host}", reveal): 1 for host in range(3) for reveal in (False, True)}


async def test_others_get_a_turn_between_the_slices_of_entering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "SLICE", 0.0)
    run = registered_on(50)
    entered = asyncio.create_task(Entering((), str, SystemClock(), folder=Path()).enter(run, Enter("1.2", 1)))
    turns = 0
    while not entered.done():
        await asyncio.sleep(0)
        turns += 1
    # Every host is judged, and then rendered.
    assert turns >= 100


async def test_a_step_is_not_entered_on_what_has_changed_since() -> None:
    run = registered_on(3)
    answer = await Entering((), str, SystemClock(), folder=Path()).enter(run, Enter("1.2", 1))

    def then(event: Event) -> Run:
        return evolve(run, Entry(seq=run.seq + 1, at=run.now, wall="", event=event))

    again = AttemptStarted(step="1.1", host="web0000", number=2)
    other = AttemptEnded(step="1.1", host="web0000", number=2, outcome=Outcome.SUCCEEDED, result=Result(stdout="us"))
    registered = evolve(then(again), Entry(seq=run.seq + 2, at=run.now, wall="", event=other))
    assert [event.hosts for event in answer(then(NoteAdded(text="meanwhile")))] == [("web0000", "web0001", "web0002")]
    assert answer(then(HostExcluded(host="web0001", reason="gone"))) == ()
    assert answer(registered) == ()


def test_a_folder_and_a_user_that_a_secret_went_into_are_shown_masked_and_sent_as_they_are() -> None:
    around = {"cwd": "/srv/{{ token }}", "become": True, "become_user": "{{ token }}"}
    run = Story(plan(step("1.1", awaits=("token",), **around))).start().run
    enters = Entering((Secret("token", "hunter22"),), str, SystemClock(), folder=Path())
    visit = enters.visit(run, run.steps["1.1"].planned)
    sent = visit.sent("db1").planned
    assert visit.shown("db1").around == Surroundings(cwd=f"/srv/{MASK}", user=MASK)
    assert (sent.cwd, sent.become_user) == ("/srv/hunter22", "hunter22")


class Leap:
    """The clock of a laptop: it knows how long it slept, which the loop's timer does not."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.slept = 0.0

    def monotonic(self) -> float:
        return self._inner.monotonic() + self.slept

    def wall(self) -> float:
        return self._inner.wall() + self.slept

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def test_a_wait_that_lapses_while_the_laptop_sleeps_is_over_when_it_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "LONGEST_SLEEP", 0.05)
    stage = Stage(tmp_path, ScriptedConnector({}))
    stage.clock = Leap(stage.clock)
    live = stage.open(plan(step("1.1", WaitAction(seconds=3600.0))))
    await live.until(lambda run: run.steps["1.1"].entered_at is not None)
    stage.clock.slept = 7200.0
    run = await live.to_its_end()
    assert run.steps["1.1"].outcome is Outcome.SUCCEEDED


async def test_a_wait_goes_on_where_it_was_after_a_resume_and_can_still_be_cut(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(step("1.1", WaitAction(seconds=3600.0)), step("1.2", ConfirmAction(message="Go on?"))))
    await live.until(lambda run: run.steps["1.1"].entered_at is not None)
    await live.crash()
    later = stage.resume()
    later.begin()
    assert await later.ask(CutWait(step="1.1", reason="long enough")) is None
    await later.until(lambda run: run.open_gates)
    assert await later.ask(AnswerGate(gate="1.2#1", answer="proceed")) is None
    await later.to_its_end()
    assert len([event for event in stage.events(StepEntered) if event.step == "1.1"]) == 1


async def test_a_resume_after_a_reboot_counts_the_time_that_nobody_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(step("1.1", WaitAction(seconds=3600.0))))
    await live.until(lambda run: run.steps["1.1"].entered_at is not None)
    await live.crash()
    monkeypatch.setattr(runner, "boot_id", lambda: "another boot")
    stage.clock = Leap(stage.clock)
    wall = stage.clock.wall
    stage.clock.monotonic = lambda: 5.0
    stage.clock.wall = lambda: wall() + 600.0
    later = stage.resume()
    assert 600.0 <= later.run.now < 605.0
    await later.stop()
