"""Blocks with rescue and always, nested runbooks, and steps that run together."""

from __future__ import annotations

import pytest

from runbook.core.fold.verdict import verdicts
from runbook.core.intent import PauseRun
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, ConfirmAction, NestedAction, ParallelAction, WaitAction
from runbook.core.planned.plan import PlannedStep
from tests.builders import plan, step
from tests.core.driving import Drive, picks, says

FAILED, DOUBT, GONE, LATE, OK = (
    Outcome.FAILED,
    Outcome.IN_DOUBT,
    Outcome.UNREACHABLE,
    Outcome.TIMED_OUT,
    Outcome.SUCCEEDED,
)


def child(of: str, action: object = None, **fields: object) -> PlannedStep:
    """A step whose failure its container handles."""
    return step(of, action, **{"on_failure": "propagate", **fields})


def block(of: str, *steps: PlannedStep, **fields: object) -> PlannedStep:
    return step(of, BlockAction(), steps=steps, **fields)


def together(of: str, *steps: PlannedStep, **fields: object) -> PlannedStep:
    return step(of, ParallelAction(), steps=steps, **fields)


# --- block ------------------------------------------------------------------------------------------------------------


def test_a_block_runs_its_steps_and_then_its_always_and_not_its_rescue() -> None:
    whole = block("1.1", child("1.1.1"), child("1.1.2"), rescue=(step("1.1.rescue.1"),), always=(step("1.1.always.1"),))
    drive = Drive(plan(whole, step("1.2"))).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.1.always.1@db1", "1.2@db1"]
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (OK, "")


@pytest.mark.parametrize("outcome", [FAILED, GONE, LATE])
def test_a_failure_reaches_rescue_and_an_unreachable_host_counts_as_one(outcome: Outcome) -> None:
    whole = block("1.1", child("1.1.1"), child("1.1.2"), rescue=(step("1.1.rescue.1"),), always=(step("1.1.always.1"),))
    drive = Drive(plan(whole, step("1.2")), outcomes={"1.1.1": outcome}, attended=False).go()
    assert drive.did == ["1.1.1@db1", "1.1.rescue.1@db1", "1.1.always.1@db1", "1.2@db1"]
    said = f"rescued after Step 1.1.1: {outcome.value.replace('_', ' ')}"
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (OK, said)
    assert verdicts(drive.run).run == "completed"


def test_a_rescue_that_fails_fails_the_block_after_its_always() -> None:
    whole = block("1.1", child("1.1.1"), rescue=(child("1.1.rescue.1"),), always=(step("1.1.always.1"),))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED, "1.1.rescue.1": GONE}, attended=False).go()
    assert drive.did == ["1.1.1@db1", "1.1.rescue.1@db1", "1.1.always.1@db1"]
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (GONE, "Step 1.1.rescue.1: unreachable")


def test_an_always_that_fails_fails_a_block_that_was_rescued() -> None:
    whole = block("1.1", child("1.1.1"), rescue=(child("1.1.rescue.1"),), always=(child("1.1.always.1"),))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED, "1.1.always.1": LATE}, attended=False).go()
    assert drive.outcome("1.1") is LATE


def test_a_block_without_a_rescue_takes_on_how_its_step_ended() -> None:
    drive = Drive(plan(block("1.1", child("1.1.1"), child("1.1.2"))), outcomes={"1.1.1": DOUBT}, attended=False).go()
    assert drive.did == ["1.1.1@db1"]
    assert drive.outcome("1.1") is DOUBT


def test_a_step_with_a_policy_of_its_own_does_not_reach_the_rescue() -> None:
    whole = block("1.1", step("1.1.1", on_failure="continue"), child("1.1.2"), rescue=(step("1.1.rescue.1"),))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED}).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1"]


def test_blocks_nest_and_a_failure_goes_outwards_until_it_is_rescued() -> None:
    inner = block("1.1.1", child("1.1.1.1"), on_failure="propagate")
    whole = block("1.1", inner, child("1.1.2"), rescue=(step("1.1.rescue.1"),))
    drive = Drive(plan(whole, step("1.2")), outcomes={"1.1.1.1": FAILED}).go()
    assert drive.did == ["1.1.1.1@db1", "1.1.rescue.1@db1", "1.2@db1"]
    assert drive.state("1.1").detail == "rescued after Step 1.1.1: Step 1.1.1.1: failed"


def test_a_block_that_is_retried_begins_with_its_first_step() -> None:
    whole = block("1.1", child("1.1.1"), child("1.1.2"), rescue=(child("1.1.rescue.1"),))
    drive = Drive(
        plan(whole),
        outcomes={"1.1.2": [FAILED, OK], "1.1.rescue.1": FAILED},
        replies={"1.1": [picks("retry")]},
    ).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.1.rescue.1@db1", "1.1.1@db1", "1.1.2@db1"]
    assert (drive.outcome("1.1"), drive.state("1.1").visit) == (OK, 2)


def test_a_block_whose_condition_is_false_is_skipped_with_all_it_holds() -> None:
    drive = Drive(plan(block("1.1", child("1.1.1")), step("1.2")), false=["1.1"]).go()
    assert drive.did == ["1.2@db1"]


def test_a_person_in_a_block_is_asked_in_the_block() -> None:
    whole = block("1.1", child("1.1.1", ConfirmAction(message="Sure?")), child("1.1.2"))
    drive = Drive(plan(whole), replies={"1.1.1": [says("proceed")]}).go()
    assert drive.did == ["1.1.2@db1"]


def test_a_failure_within_closing_steps_reaches_their_rescue() -> None:
    whole = block("A.1", child("A.1.1"), child("A.1.2"), rescue=(step("A.1.rescue.1"),))
    drive = Drive(plan(step("1.1"), always=(whole,)), outcomes={"A.1.1": FAILED}).go()
    assert drive.did == ["1.1@db1", "A.1.1@db1", "A.1.rescue.1@db1"]
    assert verdicts(drive.run).run == "completed"


# --- nested runbook ---------------------------------------------------------------------------------------------------


def test_a_nested_runbook_runs_its_steps_and_closes_itself() -> None:
    nested = step(
        "1.1", NestedAction(file="check.yaml"), steps=(step("1.1.1"), step("1.1.2")), always=(step("1.1.always.1"),)
    )
    drive = Drive(plan(nested, step("1.2"))).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.1.always.1@db1", "1.2@db1"]


# --- parallel ---------------------------------------------------------------------------------------------------------


def test_steps_in_parallel_start_together_and_it_ends_when_all_have() -> None:
    whole = together("1.1", child("1.1.1"), child("1.1.2"), child("1.1.3", WaitAction(seconds=30.0)))
    drive = Drive(plan(whole, step("1.2")), took={"1.1.2": 10.0}).go()
    assert {drive.state(f"1.1.{number}").entered_at for number in (1, 2, 3)} == {0.0}
    assert (drive.state("1.1").ended_at, drive.outcome("1.1")) == (30.0, OK)
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.2@db1"]


def test_a_child_that_fails_does_not_stop_the_others_and_fails_the_whole() -> None:
    whole = together("1.1", child("1.1.1"), child("1.1.2"))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED}, took={"1.1.2": 10.0}, attended=False).go()
    assert drive.outcome("1.1.2") is OK
    assert (drive.state("1.1").ended_at, drive.outcome("1.1")) == (10.0, FAILED)
    assert drive.state("1.1").detail == "Step 1.1.1: failed"


def test_a_gate_in_one_child_does_not_hold_up_the_others() -> None:
    whole = together("1.1", child("1.1.1", ConfirmAction(message="Sure?")), block("1.1.2", child("1.1.2.1")))
    drive = Drive(plan(whole)).go()
    assert drive.did == ["1.1.2.1@db1"]
    assert drive.run.open_gates == ("1.1.1#1",)


def test_a_failure_that_is_asked_about_in_one_child_does_not_hold_up_the_others() -> None:
    whole = together("1.1", step("1.1.1", on_failure="ask"), child("1.1.2", retries=1, delay=5.0))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED, "1.1.2": [FAILED, OK]}).go()
    assert (drive.outcome("1.1.2"), drive.run.open_gates) == (OK, ("1.1.1#1",))


def test_a_child_that_aborts_cancels_its_siblings() -> None:
    whole = together("1.1", step("1.1.1", on_failure="abort"), child("1.1.2"))
    drive = Drive(plan(whole), outcomes={"1.1.1": FAILED}, took={"1.1.2": 60.0}).go()
    assert drive.tale[3:] == [
        "1.1.1@db1#1 failed", "end 1.1.1 failed", "policy: abort 1.1.1",
        "1.1.2@db1#1 cancelled", "end 1.1.2 cancelled", "end 1.1 cancelled", "close", "ended",
    ]  # fmt: skip


def test_pausing_keeps_children_from_being_entered() -> None:
    drive = Drive(plan(block("1.1", child("1.1.1"))))
    drive.story.enter("1.1")
    drive.ask(PauseRun())
    assert drive.go().did == []
