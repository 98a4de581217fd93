"""A runner that is killed and another that takes its run, and what people may still leave out."""

from __future__ import annotations

import pytest

from runbook.core.effect import Attempt
from runbook.core.events.event import AttemptEnded, AttemptStarted, RunnerStarted
from runbook.core.intent import ExcludeHost, HaltRun, SkipStep
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    ConfirmAction,
)
from runbook.core.rules.due import due
from runbook.core.run import Phase
from tests.builders import ANNA, plan, step
from tests.core.driving import Drive
from tests.core.shapes import changing, closing

FAILED, DOUBT, OK, CANCELLED, GONE = (
    Outcome.FAILED,
    Outcome.IN_DOUBT,
    Outcome.SUCCEEDED,
    Outcome.CANCELLED,
    Outcome.UNREACHABLE,
)


# --- a runner that is killed ------------------------------------------------------------------------------------------


def test_a_resumed_run_names_what_was_in_flight_with_the_same_number() -> None:
    drive = Drive(plan(step("1.1", hosts=("a", "b"))))
    drive.settle()
    before = {effect for effect in drive.effects if isinstance(effect, Attempt)}
    drive.crash_and_resume()
    assert {effect for effect in due(drive.run, drive.now) if isinstance(effect, Attempt)} == before
    drive.go()
    assert drive.events.count(AttemptStarted(step="1.1", host="a", number=1)) == 1
    assert drive.run.runners == 2


def test_a_new_runner_holds_no_session_of_the_old_one() -> None:
    drive = Drive(plan(step("1.1")))
    drive.story.start("db1")
    assert list(drive.run.sessions) == ["db1"]
    drive.crash_and_resume()
    assert (dict(drive.run.sessions), dict(drive.run.lost)) == ({}, {})


def test_an_attempt_of_a_killed_runner_that_cannot_be_found_again_is_in_doubt_and_asked_about() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")))
    drive.settle()
    drive.crash_and_resume()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=DOUBT, detail="the runner was killed"))
    drive.go()
    assert drive.did == ["1.1@db1"]
    assert drive.tale[-1] == "ask 1.1#1 failure"


def test_an_attempt_of_a_killed_runner_that_was_provably_never_sent_is_tried_again_and_costs_no_retry() -> None:
    drive = Drive(plan(step("1.1", retries=1), step("1.2")), outcomes={"1.1": [OK, FAILED, OK]})
    drive.settle()
    drive.crash_and_resume()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=GONE, detail="not sent: it never started"))
    drive.go()
    assert drive.did == ["1.1@db1", "1.1@db1", "1.1@db1", "1.2@db1"]
    assert drive.tale[1:5] == ["1.1@db1#1 unreachable", "1.1@db1#2 failed", "1.1@db1#3 succeeded", "end 1.1 succeeded"]


def test_a_host_that_the_runner_itself_could_not_reach_is_no_such_attempt() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")), outcomes={"1.2": GONE}, attended=False)
    drive.settle()
    drive.crash_and_resume().go()
    assert drive.did == ["1.1@db1", "1.2@db1"]
    assert drive.outcome("1.2") is GONE


def test_every_runner_that_dies_between_announcing_and_sending_costs_nothing_but_time() -> None:
    drive = Drive(plan(step("1.1")))
    for number in range(1, 4):
        drive.settle()
        drive.crash_and_resume()
        drive.story.add(AttemptEnded(step="1.1", host="db1", number=number, outcome=GONE))
    drive.go()
    assert (drive.outcome("1.1"), drive.state("1.1").attempts["db1"].number, drive.state("1.1").errors) == (OK, 4, 0)


def test_what_was_never_sent_is_not_tried_again_once_the_run_does_not_want_it_any_more() -> None:
    drive = Drive(closing(step("1.1")))
    drive.settle()
    drive.crash_and_resume()
    assert drive.ask(HaltRun(reason="wrong window")) is None
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=GONE))
    drive.go()
    assert (drive.did, drive.outcome("1.1")) == (["1.1@db1", "A.1@db1"], CANCELLED)


def test_a_gate_that_was_open_when_the_runner_was_killed_is_still_open_and_not_asked_twice() -> None:
    drive = Drive(plan(step("1.1", ConfirmAction(message="Sure?")))).go()
    drive.crash_and_resume().go()
    assert drive.run.open_gates == ("1.1#1",)


def test_a_halt_is_remembered_over_a_kill() -> None:
    drive = Drive(closing(step("1.1"), step("1.2")))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    drive.crash_and_resume()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=CANCELLED))
    drive.go()
    assert drive.did == ["1.1@db1", "A.1@db1"]


@pytest.mark.parametrize("phase", [Phase.ROLLBACK, Phase.ALWAYS])
def test_a_killed_runner_goes_on_in_the_phase_that_it_was_in(phase: Phase) -> None:
    drive = Drive(closing(changing("1.1"), step("1.2", on_failure="rollback")), outcomes={"1.2": FAILED})
    drive.go(until=lambda drive: drive.run.phase is phase and drive.in_flight)
    drive.crash_and_resume().go()
    assert drive.did == ["1.1@db1", "1.2@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1"]


def test_every_prefix_of_a_record_resumes_to_the_same_end() -> None:
    of = closing(changing("1.1", hosts=("a", "b"), retries=1), step("1.2", on_failure="rollback"))
    whole = Drive(of, outcomes={"1.1@b": [FAILED, OK], "1.2": FAILED}).go()
    for length in range(2, len(whole.story.entries)):
        drive = Drive(of, outcomes={"1.1@b": [FAILED, OK], "1.2": FAILED})
        drive.story.add(*(entry.event for entry in whole.story.entries[2:length]))
        drive.story.add(RunnerStarted(pid=4712, resumed=True, by=ANNA))
        assert drive.go().did == whole.did


# --- skipping ---------------------------------------------------------------------------------------------------------


def test_a_step_that_is_not_ahead_cannot_be_skipped() -> None:
    drive = Drive(plan(step("1.1"), step("1.2", required=True)))
    drive.settle()
    assert drive.ask(SkipStep(step="1.1", reason="x")).why == "it is running"
    assert drive.ask(SkipStep(step="1.2", reason="x")).what == "step 1.2 is required and cannot be skipped"
    unknown = drive.ask(SkipStep(step="1.22", reason="x"))
    assert (unknown.what, unknown.fix) == ('there is no step "1.22"', 'Did you mean "1.2"?')
    drive.go()
    assert drive.ask(SkipStep(step="1.1", reason="x")).what == "the run has ended"


def test_a_skip_and_an_exclusion_go_on_record_with_a_reason() -> None:
    drive = Drive(plan(step("1.1")))
    assert drive.ask(SkipStep(step="1.1", reason="")).code == "no-reason"
    assert drive.ask(ExcludeHost(host="db1", reason="")).code == "no-reason"


def test_a_host_is_excluded_once_and_must_be_one_of_the_run() -> None:
    drive = Drive(plan(step("1.1")))
    assert drive.ask(ExcludeHost(host="db9", reason="x")).fix == 'Did you mean "db1"?'
    assert drive.ask(ExcludeHost(host="db1", reason="broken fan")) is None
    assert drive.ask(ExcludeHost(host="db1", reason="x")).why == "broken fan"
