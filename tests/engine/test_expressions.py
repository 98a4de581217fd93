"""Nothing that an author wrote, and nothing that a host answered, keeps a runner from its people."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptEnded, NoteAdded
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AddNote, HaltRun
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, Expectation, Tolerance
from runbook.core.planned.plan import PlannedStep
from runbook.matching import matcher
from runbook.matching.off_loop import off_loop
from runbook.steps import ending, tolerance
from runbook.transport.scripted import Says, ScriptedConnector
from tests.builders import plan, step
from tests.engine.stage import Stage
from tests.place import Place, command, ended, eventually, gone, until
from tests.place import plan as here

EVIL = r"^([a-z]+ ?)+$"
ANSWER = Says(b"a" * 40 + b"!\n")
FLEET = tuple(f"web{number:04}" for number in range(1000))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once the first expression is being tried."""
    event = asyncio.Event()

    async def told(work: Callable[[], object]) -> object:
        event.set()
        return await off_loop(work)

    monkeypatch.setattr(ending, "off_loop", told)
    return event


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the patience."""
    monkeypatch.setattr(matcher, "WITHIN", 0.1)


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    "expect",
    [
        Expectation(stdout=Tolerance(matches=EVIL + "|one")),
        Expectation(json=Tolerance(jsonpath="$[?search(@.a, '(x+)+$')]")),
        Expectation(json=Tolerance(jsonpath="$..[*]..[*]..[*]..[*]..[*]")),
    ],
    ids=["pattern", "pattern in a path", "path"],
)
async def test_an_expression_that_never_ends_fails_the_step_in_words(tmp_path: Path, expect: Expectation) -> None:
    answer = ANSWER if expect.stdout else Says(b'[{"a": "' + b"x" * 60 + b'!"}' + b",[[[[[[[[[1]]]]]]]]]" * 300 + b"]")
    stage = Stage(tmp_path, ScriptedConnector({"look": answer}))
    run = await stage.open(plan(step("1.1", CommandAction(shell="look"), expect=expect)), attended=False).to_its_end()
    [end] = stage.events(AttemptEnded)
    assert (run.steps["1.1"].outcome, verdicts(run).run) == (Outcome.FAILED, "failed")
    assert "did not answer within 0.1 s" in end.detail or "finds too much" in end.detail


def fleet_look(pattern: str) -> PlannedStep:
    expect = Expectation(stdout=Tolerance(matches=pattern))
    return step("1.1", CommandAction(shell="look"), hosts=FLEET, concurrency=1000, max_errors=1000, expect=expect)


@pytest.mark.usefixtures("hurry")
async def test_a_thousand_hosts_do_not_wait_a_thousand_times_for_an_expression_without_answer(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"look": ANSWER}))
    await stage.open(plan(fleet_look(EVIL + "|many")), attended=False).to_its_end()
    details = [event.detail for event in stage.events(AttemptEnded)]
    assert len(details) == 1000
    assert sum("did not answer" in detail for detail in details) == matcher.MOST_FAILURES
    assert sum("is not tried any more" in detail for detail in details) == 1000 - matcher.MOST_FAILURES


class Stuck:
    """A matcher that answers when a test lets it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let = threading.Event()

    def found(self, *_question: object) -> tuple[bool, ...]:
        self.asked.set()
        assert self.let.wait(timeout=60)
        return (True,)


async def test_people_are_answered_while_a_thousand_hosts_wait_for_an_expression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck()
    monkeypatch.setattr(tolerance, "matcher", lambda: stuck)
    stage = Stage(tmp_path, ScriptedConnector({"look": ANSWER}))
    live = stage.open(plan(fleet_look("a")), attended=False).begin()
    try:
        await live.until(lambda _: stuck.asked.is_set())
        for number in range(5):
            assert await live.ask(AddNote(text=f"note {number}")) is None
        assert stage.events(AttemptEnded) == []
    finally:
        stuck.let.set()
    run = await live.to_its_end()
    assert (run.steps["1.1"].outcome, len(stage.events(NoteAdded))) == (Outcome.SUCCEEDED, 5)


@pytest.mark.usefixtures("hurry")
async def test_a_host_whose_answer_hangs_an_expression_is_judged_failed_although_the_run_was_halted(
    tmp_path: Path, asked: asyncio.Event
) -> None:
    """What it did is done, so it is never told as cancelled."""
    stage = Stage(tmp_path, ScriptedConnector({"look": ANSWER}))
    looks = step("1.1", CommandAction(shell="look"), expect=Expectation(stdout=Tolerance(matches=EVIL + "|halted")))
    live = stage.open(plan(looks)).begin()
    await asked.wait()
    assert await live.ask(HaltRun(reason="enough")) is None
    await live.to_its_end()
    assert [event.outcome for event in stage.events(AttemptEnded)] == [Outcome.FAILED]


async def test_a_template_that_never_ends_fails_the_step_in_words(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"say": Says(b"x" * 60_000)}))
    says = step("1.1", CommandAction(shell="say"), register="said")
    loops = "{% for a in said.stdout %}{% for b in said.stdout %}{{ said.stdout | upper }}{% endfor %}{% endfor %}"
    uses = step("1.2", CommandAction(shell=f"echo {loops}"), awaits=("said",), on_failure="continue")
    asks = step("1.3", CommandAction(shell="say"), when=" or ".join(["said.stdout < said.stdout * 16"] * 90))
    run = await stage.open(plan(says, uses, asks), attended=False).to_its_end()
    assert run.steps["1.2"].outcome is Outcome.FAILED
    assert "a template that is not allowed: " in run.steps["1.2"].detail


async def test_a_real_runner_answers_a_halt_while_an_expression_does_not_end(place: Place) -> None:
    look = command("1.1", f"echo {'a' * 40}!", expect=Expectation(stdout=Tolerance(matches=EVIL)), retries=50)
    feed = await place.start(here(look), attended=False)
    await until(feed, lambda run: run.steps["1.1"].running)
    assert await feed.send(HaltRun(reason="stop")) is None
    assert verdicts(await ended(feed)).run == "aborted"


async def test_the_attempt_in_which_until_holds_is_the_last_and_its_exit_code_still_counts(tmp_path: Path) -> None:
    tries = iter(range(1, 5))
    stage = Stage(tmp_path, ScriptedConnector(lambda _host, _command: Says(b"try %d\n" % next(tries), code=3)))
    counting = step("1.1", CommandAction(shell="count"), retries=3, until="result.stdout == 'try 2'")
    run = await stage.open(plan(counting), attended=False).to_its_end()
    assert [event.is_last for event in stage.events(AttemptEnded)] == [False, True]
    assert run.steps["1.1"].outcome is Outcome.FAILED


async def test_a_real_runner_lets_go_when_it_is_told_to_while_an_expression_does_not_end(place: Place) -> None:
    look = command("1.1", f"echo {'a' * 40}!", expect=Expectation(stdout=Tolerance(matches=EVIL)), retries=50)
    feed = await place.start(here(look), attended=False)
    await until(feed, lambda run: run.steps["1.1"].running)
    (pid,) = place.runners(feed.run.id)
    os.kill(pid, signal.SIGTERM)
    await eventually(lambda: gone(pid))
