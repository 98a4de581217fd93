"""Waiting: the hold, the break, the deadline, and when the service was back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import Expectation, Tolerance, WaitForAction
from runbook.core.result import Result
from runbook.problem import Exit, problem
from runbook.steps.kind import Finding, Sample
from runbook.steps.wait_for import WaitForKind
from runbook.transport.scripted import Reply, Says, ScriptedConnector, unreachable
from runbook.transport.session import Job
from tests.steps.desk import Desk, scripted

GOOD = Sample(ok=True, took=0.01, value=200)
BAD = Sample(ok=False, took=0.01, detail="HTTP status is 503")


def waiting(**parts: float) -> WaitForAction:
    return WaitForAction(probe="write-ok", **{"timeout": 60.0, "interval": 1.0, **parts})


async def test_the_first_good_answer_is_enough_without_a_hold():
    desk = Desk(samples=[BAD, BAD, GOOD])
    assert await WaitForKind().attempt(waiting(), desk.bench()) == Finding(
        outcome=Outcome.SUCCEEDED,
        detail="good for 0 s, after 2 s",
        result=Result(value=200, duration=2.0),
        good_since=1002.0,
    )


async def test_a_break_in_the_hold_begins_it_anew():
    desk = Desk(samples=[GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD])
    finding = await WaitForKind().attempt(waiting(hold=3), desk.bench())
    assert (finding.outcome, finding.good_since, finding.result.duration) == (Outcome.SUCCEEDED, 1003.0, 6.0)


async def test_the_stretch_begins_when_its_first_answer_was_known():
    desk = Desk(samples=[GOOD, GOOD])
    desk.on_ask = lambda: setattr(desk.clock, "now", desk.clock.now + 0.25)
    finding = await WaitForKind().attempt(waiting(hold=1), desk.bench())
    assert (finding.good_since, desk.clock.now) == (1000.25, 1001.25)


async def test_the_end_of_the_hold_is_not_missed_for_a_long_interval():
    desk = Desk(samples=[GOOD, GOOD])
    await WaitForKind().attempt(waiting(hold=2, interval=30), desk.bench())
    assert desk.clock.slept == [2.0]


async def test_too_late_is_timed_out_with_the_last_answer_and_no_moment_of_recovery():
    desk = Desk(samples=[BAD] * 10)
    assert await WaitForKind().attempt(waiting(timeout=3, hold=2), desk.bench()) == Finding(
        outcome=Outcome.TIMED_OUT,
        detail="not good for 2 s without a break within 3 s; last: HTTP status is 503",
        result=Result(duration=3.0),
    )


async def test_good_but_not_for_long_enough_is_too_late():
    desk = Desk(samples=[BAD, BAD, GOOD, GOOD])
    finding = await WaitForKind().attempt(waiting(timeout=3, hold=2), desk.bench())
    assert (finding.outcome, finding.detail, finding.good_since) == (
        Outcome.TIMED_OUT,
        "not good for 2 s without a break within 3 s; last: good",
        None,
    )


async def test_the_steps_own_limit_counts_when_it_is_shorter():
    desk = Desk(samples=[BAD] * 10)
    finding = await WaitForKind().attempt(waiting(timeout=60), desk.bench(job=Job(id="j", limit=2)))
    assert finding.detail == "not good within 2 s; last: HTTP status is 503"


async def test_a_slow_answer_takes_from_the_interval_and_never_all_of_the_breath():
    desk = Desk(samples=[BAD, BAD, GOOD])
    steps = iter([0.4, 5.0, 0.0])
    desk.on_ask = lambda: setattr(desk.clock, "now", desk.clock.now + next(steps))
    await WaitForKind().attempt(waiting(interval=1), desk.bench())
    assert desk.clock.slept == pytest.approx([0.6, 0.05])


async def test_the_record_gets_one_line_for_each_change():
    desk = Desk(samples=[BAD, BAD, GOOD, BAD, GOOD, GOOD])
    await WaitForKind().attempt(waiting(hold=1), desk.bench())
    assert desk.page.out == b"not yet: HTTP status is 503\ngood\nnot yet: HTTP status is 503\ngood\n"


async def test_a_probe_that_cannot_be_asked_is_a_bad_answer():
    async def refuse(name: str) -> Sample:
        raise problem(f"{name} cannot be asked", exit=Exit.UNREACHABLE)

    bench = dataclasses.replace(Desk().bench(), ask_probe=refuse)
    finding = await WaitForKind().attempt(waiting(timeout=1), bench)
    assert finding.detail == "not good within 1 s; last: write-ok cannot be asked."


def replies(*each: Reply) -> Callable[..., Reply]:
    rest = iter(each)
    return lambda host, command: next(rest)


LAG = WaitForAction(command="orders lag", timeout=60.0, interval=1.0)


async def test_a_command_is_polled_as_a_new_job_each_time_and_judged_by_the_steps_tolerance():
    desk = scripted(replies(Says(b"40\n"), Says(code=1), Says(b"9\n")))
    bench = desk.bench(expect=Expectation(stdout=Tolerance(max=10)))
    finding = await WaitForKind().attempt(LAG, bench)
    assert (finding.outcome, finding.result) == (Outcome.SUCCEEDED, Result(rc=0, stdout="9", duration=2.0))
    assert [sent.job for sent in desk.connector.sent] == [f"run/1.1/db1/1/{n}" for n in (1, 2, 3)]


async def test_a_host_that_is_away_is_a_bad_answer_and_not_an_end():
    world = ScriptedConnector({"orders lag": Says()}, unreachable={"db1": unreachable("db1")})
    desk = Desk(connector=world)
    desk.clock.sleep = _coming_back(world, desk)
    finding = await WaitForKind().attempt(LAG, desk.bench())
    assert (finding.outcome, finding.good_since) == (Outcome.SUCCEEDED, 1003.0)
    assert desk.page.out.startswith(b"not yet: host db1: db1 cannot be reached")


def _coming_back(world: ScriptedConnector, desk: Desk) -> Callable[[float], object]:
    async def sleep(seconds: float) -> None:
        desk.clock.now += seconds
        if desk.clock.now >= 1003.0:
            world.unreachable.clear()

    return sleep


async def test_a_wait_that_a_dead_runner_began_begins_anew():
    desk = scripted({"orders lag": Says()})
    finding = await WaitForKind().attempt(LAG, desk.bench(reattach=True))
    assert finding.outcome is Outcome.SUCCEEDED
