"""The four verdicts, the exit status made of them, and what a reviewer is pointed to."""

from __future__ import annotations

import pytest

from runbook.core.events.event import CanarySampled, StepSkipped, WaitCut
from runbook.core.fold.verdict import Verdicts, loss_verdict, not_as_planned, verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, HttpAction, PreflightAction, WaitAction
from runbook.core.planned.plan import Objectives, Plan, PlannedCanary, PlannedProbe
from runbook.problem import Exit
from tests.builders import ANNA, Story, plan, step
from tests.core.driving import Drive

FAILED, OK = Outcome.FAILED, Outcome.SUCCEEDED
PROBES = tuple(
    PlannedProbe(name=name, action=HttpAction(url="http://app1/"), every=1.0) for name in ("reads", "writes")
)


def steady(*answers: tuple[str, bool], rto: float | None = None) -> Story:
    tale = Story(plan(step("1.1"), probes=PROBES, objectives=Objectives(rto=rto))).start()
    for probe, ok in answers:
        tale.sample(probe, ok)
    return tale.ran("1.1").finish()


def verdict(**fields: object) -> Verdicts:
    held = {"run": "completed", "steady_state": "met", "objectives": "met", "revert": "none"}
    return Verdicts(**{**held, **fields})


# --- run --------------------------------------------------------------------------------------------------------------


def test_a_run_without_an_end_was_interrupted() -> None:
    assert verdicts(Story(plan(step())).start().run).run == "interrupted"


def test_a_run_that_did_its_steps_completed() -> None:
    assert verdicts(Drive(plan(step())).go().run) == Verdicts(
        run="completed",
        steady_state="inconclusive",
        objectives="not_measured",
        revert="none",
        steady_declared=False,
        objectives_declared=False,
    )


def test_a_preflight_that_could_not_reach_a_host_ends_a_run_as_unreachable() -> None:
    drive = Drive(plan(step("0.1", PreflightAction(), hosts=("db1",)), step("1.1")),
                  outcomes={"0.1": Outcome.UNREACHABLE}, attended=False).go()  # fmt: skip
    assert drive.did == ["0.1@db1"]
    assert (verdicts(drive.run).run, verdicts(drive.run).exit) == ("failed", Exit.UNREACHABLE)


# --- steady state -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "inconclusive"),
        ([("reads", True)], "inconclusive"),
        ([("reads", True), ("writes", True)], "met"),
        ([("reads", False), ("writes", True)], "deviated"),
        ([("reads", False), ("writes", True), ("reads", True)], "met"),
    ],
)
def test_the_steady_state_is_what_every_probe_said_last(answers: list[tuple[str, bool]], said: str) -> None:
    assert verdicts(steady(*answers).run).steady_state == said


# --- objectives -------------------------------------------------------------------------------------------------------


def test_an_objective_that_nobody_set_is_not_measured_and_is_no_reproach() -> None:
    said = verdicts(steady(("reads", True), ("writes", True)).run)
    assert (said.objectives, said.objectives_declared, said.is_green) == ("not_measured", False, True)


@pytest.mark.parametrize(("rto", "said"), [(1.01, "met"), (1.0, "missed")])
def test_an_objective_is_met_only_by_the_widest_reading(rto: float, said: str) -> None:
    # Asked every half second and answered in 10 ms: good at 0.5, bad at 1.0, good at 1.5.
    tale = steady(("reads", True), ("reads", False), ("reads", True), rto=rto)
    assert verdicts(tale.run).objectives == said


def test_a_service_that_never_came_back_misses_its_objective() -> None:
    assert verdicts(steady(("reads", True), ("reads", False), rto=900.0).run).objectives == "missed"


def test_an_objective_without_an_outage_is_not_measured_and_not_green() -> None:
    said = verdicts(steady(("reads", True), ("writes", True), rto=900.0).run)
    assert (said.objectives, said.is_green, said.exit) == ("not_measured", False, Exit.FAILED)


def losing(rpo: float | None, *, read: int | None, rto: float | None = None) -> Story:
    canary = PlannedCanary(
        write=CommandAction(shell="put {seq}"), read=CommandAction(shell="last"), write_on="app1", read_on="app1"
    )
    of = plan(step("1.1"), canary=canary, objectives=Objectives(rpo=rpo, rto=rto))
    tale = Story(of).start()
    for mark in (1, 2, 3):
        tale.wait(1.0).add(CanarySampled(kind="write", ok=True, mark=mark, took=0.0))
    tale.wait(1.0).add(CanarySampled(kind="write", ok=False, mark=4, took=0.0))
    if read is not None:
        tale.wait(1.0).add(CanarySampled(kind="read", ok=True, mark=read, took=0.0))
    return tale.ran("1.1").finish()


@pytest.mark.parametrize(
    ("rpo", "read", "said"),
    [(None, 3, None), (1.0, 3, "met"), (1.0, 2, "missed"), (2.0, 2, "met"), (30.0, None, "not_measured")],
)
def test_the_loss_objective_is_met_when_the_newest_mark_that_survived_is_young_enough(
    rpo: float | None, read: int | None, said: str | None
) -> None:
    assert loss_verdict(losing(rpo, read=read).run) == said


@pytest.mark.parametrize(("read", "said"), [(3, "not_measured"), (1, "missed"), (None, "not_measured")])
def test_one_miss_is_a_miss_and_what_nobody_measured_leaves_it_open(read: int | None, said: str) -> None:
    assert verdicts(losing(1.0, read=read, rto=60.0).run).objectives == said


# --- green and the exit status ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "green", "code"),
    [
        ({}, True, Exit.HELD),
        ({"revert": "verified"}, True, Exit.HELD),
        ({"steady_state": "inconclusive", "steady_declared": False}, True, Exit.HELD),
        ({"steady_state": "inconclusive"}, False, Exit.FAILED),
        ({"steady_state": "deviated"}, False, Exit.FAILED),
        ({"objectives": "missed"}, False, Exit.FAILED),
        ({"objectives": "not_measured"}, False, Exit.FAILED),
        ({"objectives": "not_measured", "objectives_declared": False}, True, Exit.HELD),
        ({"run": "completed with deviations"}, False, Exit.HELD),
        ({"run": "completed with deviations", "foreseen": False}, False, Exit.FAILED),
        ({"run": "completed with deviations", "objectives": "missed"}, False, Exit.FAILED),
        ({"run": "failed"}, False, Exit.FAILED),
        ({"run": "aborted"}, False, Exit.FAILED),
        ({"run": "failed", "unreachable": True}, False, Exit.UNREACHABLE),
        ({"run": "interrupted"}, False, Exit.INTERRUPTED),
        ({"revert": "unverified"}, False, Exit.FAULT_LIVE),
        ({"revert": "failed", "run": "interrupted", "unreachable": True}, False, Exit.FAULT_LIVE),
    ],
)
def test_green_needs_the_best_of_each_and_a_live_fault_outranks_all(
    fields: dict[str, object], green: bool, code: Exit
) -> None:
    said = verdict(**fields)
    assert (said.is_green, said.exit) == (green, code)


# --- not as planned ---------------------------------------------------------------------------------------------------


def odd(of: Plan, **tables: object) -> list[str]:
    return [state.id for state in not_as_planned(Drive(of, **tables).go().run)]


def test_steps_that_simply_succeeded_and_steps_not_reached_are_as_planned() -> None:
    assert odd(plan(step("1.1"), step("1.2", undo=(step("1.2.undo.1"),)))) == []
    assert odd(plan(step("1.1", on_failure="abort"), step("1.2")), outcomes={"1.1": FAILED}) == ["1.1"]


def test_what_needed_a_second_try_is_not_as_planned() -> None:
    assert odd(plan(step("1.1", retries=1)), outcomes={"1.1": [FAILED, OK]}) == ["1.1"]


def test_what_was_visited_twice_is_not_as_planned() -> None:
    of = plan(step("1.1", WaitAction(seconds=1.0)), step("1.2", on_failure="goto", goto="1.1"))
    assert odd(of, outcomes={"1.2": [FAILED, OK]}) == ["1.1", "1.2"]


def test_what_failed_on_some_hosts_within_tolerance_is_not_as_planned() -> None:
    assert odd(plan(step("1.1", hosts=("a", "b"), max_errors=1)), outcomes={"1.1@a": FAILED}) == ["1.1"]


def test_what_was_skipped_is_not_as_planned_unless_its_condition_was_false() -> None:
    of = plan(step("0.1", PreflightAction(), hosts=("db1",)), step("1.1"), step("1.2"))
    tale = Story(of).start()
    tale.add(
        StepSkipped(step="0.1", reason="anna: in a hurry"),
        StepSkipped(step="1.1", reason="its condition is false: x", expression="x"),
    )
    assert [state.id for state in not_as_planned(tale.run)] == ["0.1"]


def test_a_wait_that_was_cut_is_not_as_planned() -> None:
    tale = Story(plan(step("1.1", WaitAction(seconds=60.0)))).start().enter("1.1")
    tale.add(WaitCut(step="1.1", by=ANNA, reason="drained")).end("1.1")
    assert [state.id for state in not_as_planned(tale.run)] == ["1.1"]


def test_what_was_not_as_planned_is_told_in_the_order_of_the_plan() -> None:
    of = plan(step("1.1"), step("1.2", on_failure="rollback"), always=(step("A.1"),))
    assert odd(of, outcomes={"1.2": FAILED, "A.1": FAILED}) == ["1.2", "A.1"]
