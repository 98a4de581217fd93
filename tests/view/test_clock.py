"""The recovery clock and the time axis."""

from __future__ import annotations

from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, HttpAction, ParallelAction
from runbook.core.planned.plan import Objectives, PlannedProbe
from runbook.view.clock import RecoveryClock, recovery_clock
from runbook.view.timeline import Span, TimeMark, draw, event_marks, timeline
from tests.builders import Story, plan, step
from tests.stories import failover, failover_plan

PROBE = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5)


def small(**fields: object) -> Story:
    steps = (
        step("1.1", expected=10.0),
        step("1.2", expected=5.0, sets=Milestone.SERVICE_RESTORED),
        step("1.3", expected=99.0),
    )
    return Story(plan(*steps, probes=(PROBE,), **{"objectives": Objectives(rto=60.0), **fields})).start()


def test_before_the_outage_the_clock_is_idle_and_knows_what_is_ahead() -> None:
    clock = recovery_clock(small().run, 3.0)
    assert clock == RecoveryClock(state="idle", objective=60.0, counts_from="outage", remaining=15.0)


def test_from_the_last_good_sample_on_time_is_used_and_the_rest_estimated() -> None:
    tale = small().sample("write-ok", True, False, every=1.0, took=0.0)
    tale.enter("1.1").attempt("1.1", "db1")
    clock = recovery_clock(tale.run, 6.0)
    assert clock == RecoveryClock(
        state="running", objective=60.0, counts_from="outage", started_at=1.0, used=5.0, remaining=11.0
    )
    assert (clock.left, clock.is_over) == (55.0, False)


def test_waiting_for_people_is_shown_apart_and_still_counts() -> None:
    tale = small().sample("write-ok", True, False, every=1.0, took=0.0).ask("1.1", "before").wait(8.0)
    clock = recovery_clock(tale.run, 12.0)
    assert (clock.used, clock.waiting_for_people, clock.remaining) == (11.0, 10.0, 15.0)


def test_an_objective_that_is_missed_already_says_so() -> None:
    tale = small().sample("write-ok", True, False, every=1.0, took=0.0)
    clock = recovery_clock(tale.run, 71.0)
    assert (clock.left, clock.is_over) == (-10.0, True)


def test_steps_that_nobody_gave_a_duration_make_the_estimate_a_lower_bound() -> None:
    side = step(
        "1.1", ParallelAction(), steps=(step("1.1.1", expected=3.0), step("1.1.2", expected=7.0), step("1.1.3"))
    )
    tale = Story(plan(side, step("1.2"), probes=(PROBE,), objectives=Objectives(rto=60.0))).start()
    clock = recovery_clock(tale.sample("write-ok", False, took=0.5).run, 0.5)
    assert (clock.remaining, clock.unplanned) == (7.0, 2)


def test_the_clock_stops_when_the_service_is_back() -> None:
    tale = failover()
    clock = recovery_clock(tale.run, tale.now + 1000.0)
    assert clock.state == "stopped"


def test_an_objective_can_count_from_the_declaration() -> None:
    objectives = Objectives(rto=60.0, rto_starts_at="declared")
    tale = failover(objectives=objectives)
    clock = recovery_clock(tale.run, tale.now)
    declared = tale.run.milestones[Milestone.DECLARED].at
    assert (clock.counts_from, clock.started_at) == ("declared", declared)
    assert recovery_clock(Story(failover_plan(objectives=objectives)).run, 1.0).state == "idle"


def test_without_an_objective_the_time_used_is_still_shown() -> None:
    tale = small(objectives=Objectives()).sample("write-ok", True, False, every=1.0, took=0.0)
    clock = recovery_clock(tale.run, 3.0)
    assert (clock.state, clock.used, clock.left) == ("running", 2.0, None)


def test_a_row_of_the_time_axis_has_spans_of_work_and_of_waiting() -> None:
    tale = Story(plan(step("1.1", CommandAction(shell="x"), confirm="key"), step("1.2"))).start()
    tale.wait(10.0).enter("1.1").ask("1.1", "before").wait(20.0).say().attempt("1.1", "db1").wait(10.0)
    tale.answer("1.1", "db1", Outcome.FAILED, detail="exit code 1").end("1.1", Outcome.FAILED, "exit code 1")
    tale.ask("1.1", "failure").wait(10.0)
    axis = timeline(tale.run, 50.0)
    assert axis.rows[0].spans == (Span(10.0, 30.0, "wait"), Span(30.0, 40.0, "work"), Span(40.0, 50.0, "wait"))
    assert axis.rows[0].marks == (
        TimeMark(10.0, "gate", "gate 1.1#1"),
        TimeMark(30.0, "answer", "proceed by anna"),
        TimeMark(40.0, "gate", "gate 1.1#2"),
        TimeMark(40.0, "failure", "db1: exit code 1"),
    )
    assert draw(axis.rows[0], axis, 25) == "     g.........A====X...."
    assert draw(axis.rows[1], axis, 25) == " " * 25


def test_a_running_step_points_at_now_and_the_objective_has_its_mark() -> None:
    tale = small(objectives=Objectives(rto=4.0)).sample("write-ok", True, False, every=1.0, took=0.0)
    tale.enter("1.1").attempt("1.1", "db1")
    axis = timeline(tale.run, 10.0)
    assert (axis.limit, axis.milestones) == (5.0, (TimeMark(2.0, "milestone", "outage"),))
    assert draw(axis.rows[0], axis, 10) == "  ===!===>"
    assert [draw(axis.rows[0], axis, width) for width in (0, 1)] == ["!", "!"]


def test_the_marks_of_a_failover_are_those_that_people_look_for() -> None:
    assert [(mark.kind, mark.text) for mark in event_marks(failover().entries)] == [
        ("gate", "gate 1.2#1: Kills the primary db1. Writers see errors."),
        ("answer", "proceed at gate 1.2#1 by anna"),
        ("failure", "probe write-ok failed"),
        ("milestone", "detected"),
        ("gate", "gate 2.1#1: Fail over?"),
        ("answer", "approve at gate 2.1#1 by ben"),
        ("failure", "step 2.2 on db2: failed"),
    ]
