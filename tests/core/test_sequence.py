"""The way forward: one step after another, conditions, skips, pauses, waits, notices and abort rules."""

from __future__ import annotations

import pytest

from runbook.core.effect import Attempt, Enter, WakeAt, Watch, WriteMarks
from runbook.core.events.event import ProbeSampled, RunEnded
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import ContinueRun, CutWait, ExcludeHost, PauseRun, SkipStep
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, HttpAction, NoticeAction, WaitAction
from runbook.core.planned.plan import AbortRule, PlannedCanary, PlannedProbe
from runbook.core.rules.due import due
from runbook.core.run import Phase, StepPhase
from tests.builders import ANNA, Story, plan, section, step
from tests.core.driving import Drive, says

HEALTH = PlannedProbe(name="health", action=HttpAction(url="http://app1/health"), every=0.5)


def test_steps_run_one_after_another_and_the_run_ends_completed() -> None:
    drive = Drive(plan(step("1.1"), step("1.2"))).go()
    assert drive.tale == [
        "enter 1.1", "1.1@db1#1 succeeded", "end 1.1 succeeded",
        "enter 1.2", "1.2@db1#1 succeeded", "end 1.2 succeeded",
        "close", "ended",
    ]  # fmt: skip
    assert verdicts(drive.run).run == "completed"
    assert drive.run.ended == "every step is done"


def test_sections_run_in_their_order() -> None:
    waves = section("1", step("1.1")), section("2w1", step("2w1.1")), section("2w2", step("2w2.1"))
    assert Drive(plan(sections=waves)).go().did == ["1.1@db1", "2w1.1@db1", "2w2.1@db1"]


def test_a_plan_without_steps_ends_at_once() -> None:
    assert Drive(plan(sections=(section("1"),))).go().tale == ["close", "ended"]


def test_an_opened_run_calls_for_nothing_until_a_runner_takes_it() -> None:
    tale = Story(plan(step()))
    assert due(tale.run, 0.0) == ()


def test_an_ended_run_calls_for_nothing() -> None:
    drive = Drive(plan(step(), probes=(HEALTH,))).go()
    assert due(drive.run, drive.now + 1e6) == ()


def test_a_step_is_entered_before_it_is_attempted_and_attempted_with_a_name() -> None:
    tale = Story(plan(step("1.1"))).add()
    tale.start()
    assert due(tale.run, 0.0) == (Enter("1.1", 1),)
    tale.enter("1.1")
    assert due(tale.run, 0.0) == (Attempt("1.1", "db1", 1),)
    tale.attempt("1.1", "db1")
    assert due(tale.run, 0.0) == (Attempt("1.1", "db1", 1),), "what runs is named again, so it is not cancelled"


def test_a_false_condition_skips_the_step_and_the_run_goes_on() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")), false=["1.1"]).go()
    assert drive.did == ["1.2@db1"]
    assert drive.outcome("1.1") is Outcome.SKIPPED
    assert verdicts(drive.run).run == "completed"


def test_a_condition_that_is_false_for_one_host_leaves_that_host_out() -> None:
    drive = Drive(plan(step("1.1", hosts=("db1", "db2"))), false=["1.1@db1"]).go()
    assert drive.did == ["1.1@db2"]
    assert drive.state("1.1").left_out == {"db1": "when"}
    assert drive.outcome("1.1") is Outcome.SUCCEEDED


def test_an_excluded_host_takes_no_part_in_later_steps() -> None:
    drive = Drive(plan(step("1.1"), step("1.2", hosts=("db1", "db2")), step("1.3")))
    assert drive.ask(ExcludeHost(host="db1", reason="disk is failing")) is None
    drive.go()
    assert drive.did == ["1.2@db2"]
    assert drive.state("1.2").left_out == {"db1": "excluded: disk is failing"}
    assert drive.outcome("1.3") is Outcome.SKIPPED


def test_a_person_may_skip_a_step_that_is_still_ahead() -> None:
    drive = Drive(plan(step("1.1"), step("1.2"), step("1.3")))
    assert drive.ask(SkipStep(step="1.2", reason="done by hand")) is None
    drive.go()
    assert drive.did == ["1.1@db1", "1.3@db1"]
    assert drive.state("1.2").detail == "anna: done by hand"


def test_continuous_probes_are_watched_from_the_start_to_the_end() -> None:
    asked_only = PlannedProbe(name="lag", action=CommandAction(shell="lag"))
    drive = Drive(plan(step("1.1"), always=(step("A.1"),), probes=(HEALTH, asked_only)))
    watched = []
    while not drive.run.has_ended:
        drive.settle()
        watched.append([effect for effect in drive.effects if isinstance(effect, Watch)])
        drive.happen()
    assert watched == [[Watch("health")], [Watch("health")], []]


def test_canary_marks_are_written_from_the_start_to_the_end() -> None:
    canary = PlannedCanary(
        write=CommandAction(shell="put {seq}"), write_on="a", read=CommandAction(shell="last"), read_on="a"
    )
    drive = Drive(plan(step("1.1"), canary=canary))
    drive.settle()
    assert drive.effects == (WriteMarks(), Attempt("1.1", "db1", 1))
    assert drive.go().effects == ()


# --- pausing ----------------------------------------------------------------------------------------------------------


def test_a_paused_run_finishes_what_it_began_and_enters_nothing() -> None:
    drive = Drive(plan(step("1.1", hosts=("db1", "db2"), concurrency=1), step("1.2")))
    drive.settle()
    assert drive.ask(PauseRun()) is None
    drive.go()
    assert drive.did == ["1.1@db1", "1.1@db2"]
    assert drive.state("1.2").phase is StepPhase.AHEAD
    assert drive.ask(ContinueRun()) is None
    assert drive.go().did == ["1.1@db1", "1.1@db2", "1.2@db1"]


def test_a_paused_run_is_still_watched() -> None:
    drive = Drive(plan(step("1.1"), probes=(HEALTH,)))
    drive.ask(PauseRun())
    assert due(drive.run, 0.0) == (Watch("health"),)


def test_pausing_twice_or_continuing_a_running_run_is_refused() -> None:
    drive = Drive(plan(step("1.1")))
    assert drive.ask(ContinueRun()).what == "the run is not paused"
    assert drive.ask(PauseRun()) is None
    assert drive.ask(PauseRun()).what == "the run is paused already"


# --- waits and notices ------------------------------------------------------------------------------------------------


def test_a_wait_ends_by_itself_when_its_time_is_over() -> None:
    drive = Drive(plan(step("1.1", WaitAction(seconds=90.0)), step("1.2"))).go(until=lambda drive: drive.did)
    assert drive.now == 90.0
    assert drive.state("1.1").ended_at == 90.0


def test_a_wait_names_the_moment_at_which_it_is_over() -> None:
    drive = Drive(plan(step("1.1", WaitAction(seconds=90.0))))
    drive.settle()
    assert drive.effects == (WakeAt(90.0),)


def test_a_wait_is_cut_short_with_a_reason_and_only_once() -> None:
    drive = Drive(plan(step("1.1", WaitAction(seconds=90.0))))
    assert drive.ask(CutWait(step="1.1", reason="drained")).what == "step 1.1 is not a running wait"
    drive.settle()
    assert drive.ask(CutWait(step="1.1", reason=" ")).code == "no-reason"
    assert drive.ask(CutWait(step="1.1", reason="drained")) is None
    assert drive.ask(CutWait(step="1.1", reason="drained")).why == "drained"
    drive.go()
    assert (drive.now, drive.state("1.1").detail) == (0.0, "cut short: drained")


def test_a_refusal_to_cut_names_the_wait_that_runs() -> None:
    drive = Drive(plan(step("1.1", WaitAction(seconds=90.0))))
    drive.settle()
    assert drive.ask(CutWait(step="1.2", reason="drained")).fix == "Waiting now: 1.1."


def test_a_notice_waits_for_nobody() -> None:
    drive = Drive(plan(step("1.1", NoticeAction(text="Writers see errors from here on")))).go()
    assert (drive.now, drive.outcome("1.1")) == (0.0, Outcome.SUCCEEDED)


# --- stepping ---------------------------------------------------------------------------------------------------------


def test_in_step_mode_every_working_step_is_asked_about_before_it_runs() -> None:
    drive = Drive(
        plan(step("1.1"), step("1.2", NoticeAction(text="half way")), step("1.3")),
        step_mode=True,
        replies={"1.1": [says("proceed")], "1.3": [says("proceed")]},
    ).go()
    assert [words for words in drive.tale if words.startswith(("ask", "anna"))] == [
        "ask 1.1#1 before", "anna: proceed 1.1#1", "ask 1.3#1 before", "anna: proceed 1.3#1",
    ]  # fmt: skip
    assert drive.did == ["1.1@db1", "1.3@db1"]


# --- abort rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("failed", "stops"), [(2, False), (3, True)])
def test_an_abort_rule_stops_the_run_after_so_many_failures_in_a_row(failed: int, stops: bool) -> None:
    rules = (AbortRule(probe="health", failed=3),)
    drive = Drive(plan(step("1.1"), step("1.2"), probes=(HEALTH,), abort_when=rules))
    drive.settle()
    for ok in (False, False, True, *[False] * failed):
        drive.story.add(ProbeSampled(probe="health", ok=ok, took=0.0))
    drive.go()
    assert ("halt by rule" in drive.tale) is stops
    assert verdicts(drive.run).run == ("aborted" if stops else "completed")


def test_an_abort_says_by_which_rule() -> None:
    drive = Drive(plan(step("1.1"), probes=(HEALTH,), abort_when=(AbortRule(probe="health"),)))
    drive.settle()
    drive.story.add(ProbeSampled(probe="health", ok=False, took=0.0))
    drive.go()
    assert drive.run.stop.reason == "abort rule: health failed 1 times in a row"
    assert drive.tale == ["enter 1.1", "halt by rule", "1.1@db1#1 cancelled", "end 1.1 cancelled", "close", "ended"]


def test_an_abort_rule_whose_probe_was_never_asked_is_silent() -> None:
    rules = (AbortRule(probe="health"), AbortRule(probe="unknown"))
    assert verdicts(Drive(plan(step(), probes=(HEALTH,), abort_when=rules)).go().run).run == "completed"


def test_the_phases_of_a_run_only_move_on() -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1"),)))
    phases = [drive.run.phase]
    while drive.happen() or not drive.run.has_ended:
        drive.settle()
        phases.append(drive.run.phase)
    assert list(dict.fromkeys(phases)) == [Phase.FORWARD, Phase.ALWAYS, Phase.ENDED]
    assert drive.events[-1] == RunEnded(reason="every step is done")
    assert drive.run.operator == ANNA
