"""What follows a failure: the author's policy, the menu put to a person, and what is refused."""

from __future__ import annotations

import pytest

from runbook.core.events.event import StepEnded
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import ExcludeHost, HaltRun, ResolveFailure, RollBack
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, CommandAction
from runbook.core.planned.plan import PlannedStep
from runbook.problem import Exit
from tests.builders import BEN, RUN_ID, plan, step
from tests.core.driving import Drive, picks

FAILED, DOUBT, GONE, OK = Outcome.FAILED, Outcome.IN_DOUBT, Outcome.UNREACHABLE, Outcome.SUCCEEDED


def undoing(of: str, **fields: object) -> PlannedStep:
    return step(of, undo=(step(f"{of}.undo.1", CommandAction(shell="undo")),), **fields)


# --- policies ---------------------------------------------------------------------------------------------------------


def test_an_attended_run_asks_by_default() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")), outcomes={"1.1": FAILED}).go()
    assert drive.tale[-1] == "ask 1.1#1 failure"
    assert not drive.run.has_ended


def test_an_unattended_run_aborts_by_default() -> None:
    drive = Drive(plan(undoing("1.1"), step("1.2")), outcomes={"1.1": FAILED}, attended=False).go()
    assert drive.tale == ["enter 1.1", "1.1@db1#1 failed", "end 1.1 failed", "policy: abort 1.1", "close", "ended"]
    assert verdicts(drive.run).run == "failed"
    assert drive.run.stop.reason == "step 1.1 Step 1.1: failed"


@pytest.mark.parametrize("attended", [True, False])
def test_continue_goes_on_with_the_next_step(attended: bool) -> None:
    drive = Drive(
        plan(step("1.1", on_failure="continue"), step("1.2")), outcomes={"1.1": FAILED}, attended=attended
    ).go()
    assert drive.did == ["1.1@db1", "1.2@db1"]
    assert verdicts(drive.run).run == "completed with deviations"


@pytest.mark.parametrize("attended", [True, False])
def test_abort_stops_without_an_undo(attended: bool) -> None:
    drive = Drive(plan(undoing("1.1", on_failure="abort")), outcomes={"1.1": FAILED}, attended=attended).go()
    assert drive.did == ["1.1@db1"]
    assert verdicts(drive.run).run == "failed"


@pytest.mark.parametrize("attended", [True, False])
def test_rollback_undoes_what_ran(attended: bool) -> None:
    drive = Drive(
        plan(undoing("1.1"), undoing("1.2", on_failure="rollback")), outcomes={"1.2": FAILED}, attended=attended
    ).go()
    assert drive.did == ["1.1@db1", "1.2@db1", "1.2.undo.1@db1", "1.1.undo.1@db1"]
    assert verdicts(drive.run).run == "failed"


@pytest.mark.parametrize("attended", [True, False])
def test_goto_goes_on_elsewhere(attended: bool) -> None:
    drive = Drive(
        plan(step("1.1", on_failure="goto", goto="1.3"), step("1.2"), step("1.3")),
        outcomes={"1.1": FAILED},
        attended=attended,
    ).go()
    assert drive.did == ["1.1@db1", "1.3@db1"]
    assert drive.state("1.2").detail == "jumped over from step 1.1"


def test_ask_aborts_where_nobody_is_there() -> None:
    drive = Drive(plan(step("1.1", on_failure="ask")), outcomes={"1.1": FAILED}, attended=False).go()
    assert "policy: abort 1.1" in drive.tale


def test_a_run_that_could_not_reach_a_host_ends_with_the_status_for_that() -> None:
    drive = Drive(plan(step("1.1")), outcomes={"1.1": GONE}, attended=False).go()
    assert verdicts(drive.run).exit is Exit.UNREACHABLE


# --- doubt ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["default", "ask", "abort", "continue", "rollback", "goto"])
def test_a_doubt_is_put_to_a_person_whatever_the_author_wrote(wish: str) -> None:
    drive = Drive(plan(step("1.1", on_failure=wish, goto="1.1")), outcomes={"1.1": DOUBT}).go()
    assert drive.tale[-1] == "ask 1.1#1 failure"


@pytest.mark.parametrize(
    ("wish", "choice"),
    [("default", "abort"), ("continue", "abort"), ("goto", "abort"), ("abort", "abort"), ("rollback", "rollback")],
)
def test_where_nobody_is_there_a_doubt_never_goes_on(wish: str, choice: str) -> None:
    drive = Drive(plan(undoing("1.1", on_failure=wish, goto="1.1")), outcomes={"1.1": DOUBT}, attended=False).go()
    assert f"policy: {choice} 1.1" in drive.tale


def test_an_idempotent_step_in_doubt_follows_the_author() -> None:
    drive = Drive(plan(step("1.1", idempotent=True, on_failure="continue")), outcomes={"1.1": DOUBT}).go()
    assert "policy: continue 1.1" in drive.tale


def test_accepting_a_doubt_takes_the_step_for_done_and_marks_its_milestone() -> None:
    drive = Drive(
        plan(step("1.1", sets=Milestone.RECOVERY_STARTED), step("1.2")),
        outcomes={"1.1": DOUBT},
        replies={"1.1": [picks("accept", "promoted, I looked")]},
    ).go()
    assert drive.did == ["1.1@db1", "1.2@db1"]
    assert drive.outcome("1.1") is DOUBT
    assert drive.run.milestones[Milestone.RECOVERY_STARTED].at == 1.0


def test_what_failed_for_certain_on_one_host_cannot_be_accepted_with_the_doubt_about_another() -> None:
    drive = Drive(plan(step("1.1", hosts=("a", "b"))), outcomes={"1.1@a": FAILED, "1.1@b": DOUBT}).go()
    assert drive.run.gates["1.1#1"].opened.choices == FULL


# --- the menu ---------------------------------------------------------------------------------------------------------

FULL = ("retry_failed", "exclude", "skip", "retry", "rollback", "abort")
"""The least that helps first; what reaches hosts that are well behind it."""


@pytest.mark.parametrize(
    ("fields", "outcome", "menu"),
    [
        ({}, FAILED, ("retry", "skip", "rollback", "abort")),
        ({"hosts": ("a", "b")}, FAILED, FULL),
        ({"required": True}, FAILED, ("retry", "rollback", "abort")),
        ({"hosts": ("a", "b"), "required": True}, FAILED, ("retry_failed", "retry", "rollback", "abort")),
        ({}, DOUBT, ("accept", "retry", "skip", "rollback", "abort")),
        ({"required": True}, DOUBT, ("accept", "retry", "rollback", "abort")),
    ],
)
def test_the_menu_offers_what_makes_sense(fields: dict[str, object], outcome: Outcome, menu: tuple[str, ...]) -> None:
    drive = Drive(plan(step("1.1", **fields)), outcomes={"1.1": outcome}).go()
    assert drive.run.gates["1.1#1"].opened.choices == menu


def test_a_step_that_never_got_to_its_hosts_has_no_host_to_exclude() -> None:
    drive = Drive(plan(step("1.1", hosts=("a", "b"))))
    drive.story.enter("1.1", hosts=()).end("1.1", FAILED, '"lag" is not defined')
    drive.settle()
    assert drive.run.gates["1.1#1"].opened.choices == ("retry", "skip", "rollback", "abort")


def test_retry_runs_the_step_again_on_all_its_hosts_with_new_numbers() -> None:
    drive = Drive(
        plan(step("1.1", hosts=("a", "b"), retries=1), step("1.2", hosts=("a",))),
        outcomes={"1.1@a": OK, "1.1@b": [FAILED, FAILED, FAILED, OK]},
        replies={"1.1": [picks("retry")]},
    ).go()
    assert drive.tale[:10] == [
        "enter 1.1", "1.1@a#1 succeeded", "1.1@b#1 failed", "1.1@b#2 failed", "end 1.1 failed",
        "ask 1.1#1 failure", "anna: retry 1.1", "1.1@a#2 succeeded", "1.1@b#3 failed", "1.1@b#4 succeeded",
    ]  # fmt: skip
    assert drive.state("1.1").visit == 2


def test_retry_failed_leaves_alone_what_succeeded() -> None:
    drive = Drive(
        plan(step("1.1", hosts=("a", "b", "c"))),
        outcomes={"1.1@b": [FAILED, OK]},
        replies={"1.1": [picks("retry_failed")]},
    ).go()
    assert drive.did == ["1.1@a", "1.1@b", "1.1@c", "1.1@b"]
    assert drive.outcome("1.1") is OK


def test_retry_failed_takes_up_hosts_that_a_threshold_kept_from_starting() -> None:
    drive = Drive(
        plan(step("1.1", hosts=("a", "b", "c"), concurrency=1)),
        outcomes={"1.1@a": [FAILED, OK]},
        replies={"1.1": [picks("retry_failed")]},
    ).go()
    assert drive.did == ["1.1@a", "1.1@a", "1.1@b", "1.1@c"]


@pytest.mark.parametrize("choice", ["retry", "retry_failed"])
def test_a_step_in_waves_is_retried_in_its_waves(choice: str) -> None:
    drive = Drive(
        plan(step("1.1", hosts=("a", "b", "c"), waves=(1, 1, 1))),
        outcomes={"1.1@b": [FAILED, FAILED, OK]},
        replies={"1.1": [picks(choice), picks("abort")]},
    ).go()
    again = {"retry": ["1.1@a", "1.1@b"], "retry_failed": ["1.1@b"]}[choice]
    assert drive.did == ["1.1@a", "1.1@b", *again], "c waits until b is well"


def test_a_host_that_was_excluded_while_the_menu_was_open_is_not_retried() -> None:
    drive = Drive(plan(step("1.1", hosts=("a", "b"))), outcomes={"1.1": FAILED}).go()
    assert drive.ask(ExcludeHost(host="a", reason="broken fan")) is None
    assert drive.ask(ResolveFailure(step="1.1", choice="retry")) is None
    drive.go()
    assert drive.did == ["1.1@a", "1.1@b", "1.1@b"]


def test_a_retry_without_any_host_left_is_entered_anew_and_skipped() -> None:
    drive = Drive(plan(step("1.1"), step("1.2", hosts=("db2",))), outcomes={"1.1": FAILED}).go()
    drive.ask(ExcludeHost(host="db1", reason="broken fan"))
    assert drive.ask(ResolveFailure(step="1.1", choice="retry")) is None
    drive.go()
    assert (drive.did, drive.outcome("1.1")) == (["1.1@db1", "1.2@db2"], Outcome.SKIPPED)


def test_skip_goes_on_and_keeps_the_failure_on_record() -> None:
    drive = Drive(
        plan(step("1.1"), step("1.2")), outcomes={"1.1": FAILED}, replies={"1.1": [picks("skip", by=BEN)]}
    ).go()
    assert drive.did == ["1.1@db1", "1.2@db1"]
    assert (drive.outcome("1.1"), drive.state("1.1").resolution.by) == (FAILED, BEN)


def test_exclude_takes_the_failed_hosts_out_and_goes_on_with_the_others() -> None:
    drive = Drive(
        plan(step("1.1", hosts=("a", "b", "c")), step("1.2", hosts=("a", "b", "c"))),
        outcomes={"1.1@a": FAILED, "1.1@c": GONE},
        replies={"1.1": [picks("exclude", "old kernel")]},
    ).go()
    assert dict(drive.run.excluded) == {"a": "old kernel", "c": "old kernel"}
    assert drive.did == ["1.1@a", "1.1@b", "1.1@c", "1.2@b"]


def test_rollback_from_the_menu_is_a_failed_run_that_was_undone() -> None:
    drive = Drive(plan(undoing("1.1")), outcomes={"1.1": FAILED}, replies={"1.1": [picks("rollback")]}).go()
    assert drive.did == ["1.1@db1", "1.1.undo.1@db1"]
    assert verdicts(drive.run).run == "failed"


def test_abort_from_the_menu_ends_the_run_with_the_reason_given() -> None:
    drive = Drive(plan(undoing("1.1")), outcomes={"1.1": FAILED}, replies={"1.1": [picks("abort", "wrong host")]}).go()
    assert drive.did == ["1.1@db1"]
    assert drive.run.stop.reason == "wrong host"


# --- refusals ---------------------------------------------------------------------------------------------------------


def failed_run(**fields: object) -> Drive:
    return Drive(plan(step("1.1", **fields), step("1.2")), outcomes={"1.1": FAILED}).go()


def test_a_choice_that_is_not_offered_is_refused_with_what_is() -> None:
    refused = failed_run(required=True).ask(ResolveFailure(step="1.1", choice="skip", reason="never mind"))
    assert refused.what == '"skip" is not offered for step 1.1'
    assert refused.fix == "Offered: retry, rollback, abort."
    assert refused.exit is Exit.REFUSED


@pytest.mark.parametrize("choice", ["skip", "accept"])
def test_going_on_over_a_failure_needs_a_reason(choice: str) -> None:
    outcome = DOUBT if choice == "accept" else FAILED
    drive = Drive(plan(step("1.1")), outcomes={"1.1": outcome}).go()
    assert drive.ask(ResolveFailure(step="1.1", choice=choice, reason="  ")).code == "no-reason"


def test_a_failure_is_decided_once() -> None:
    drive = failed_run()
    assert drive.ask(ResolveFailure(step="1.1", choice="retry")) is None
    assert drive.ask(ResolveFailure(step="1.1", choice="abort")).what == "step 1.1 is not waiting for a decision"


def test_a_refusal_names_the_steps_that_do_wait() -> None:
    how = f"Shown by: runbook approve {RUN_ID}"
    assert failed_run().ask(ResolveFailure(step="9.9", choice="retry")).fix == f"Waiting now: 1.1#1. {how}"
    assert Drive(plan(step())).ask(ResolveFailure(step="1.1", choice="retry")).fix == f"Waiting now: none. {how}"


def test_a_step_that_was_cancelled_by_a_halt_cannot_be_retried() -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1"),)))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    drive.settle()
    assert drive.outcome("1.1") is Outcome.CANCELLED
    assert drive.ask(ResolveFailure(step="1.1", choice="retry")).what == "step 1.1 is not waiting for a decision"


@pytest.mark.parametrize("intent", [HaltRun(reason="enough"), RollBack(reason="enough")])
def test_stopping_the_run_closes_the_menu_of_a_failed_step(intent: HaltRun | RollBack) -> None:
    drive = failed_run()
    assert drive.ask(intent) is None
    assert drive.run.open_gates == ()
    assert drive.ask(ResolveFailure(step="1.1", choice="retry")).what == "step 1.1 is not waiting for a decision"
    assert drive.go().run.has_ended


def test_a_container_in_doubt_can_be_accepted() -> None:
    block = step("1.1", BlockAction(), steps=(step("1.1.1", on_failure="propagate"),))
    drive = Drive(plan(block), outcomes={"1.1.1": DOUBT}, replies={"1.1": [picks("accept")]}).go()
    assert drive.run.has_ended
    assert verdicts(drive.run).run == "completed with deviations"


def test_the_first_of_two_failures_at_once_decides() -> None:
    drive = Drive(plan(undoing("1.1", on_failure="rollback"), step("1.2", on_failure="abort")), attended=False)
    drive.story.enter("1.1").enter("1.2")
    drive.story.add(StepEnded(step="1.1", outcome=FAILED), StepEnded(step="1.2", outcome=FAILED))
    drive.go()
    assert drive.tale[-4:] == ["policy: rollback 1.1", "roll back", "close", "ended"]


def test_a_step_that_is_tried_again_is_measured_from_when_it_was_first_entered() -> None:
    drive = Drive(plan(step("1.1")), outcomes={"1.1": [FAILED, OK]}, replies={"1.1": [picks("retry")]}).go()
    state = drive.state("1.1")
    assert (state.entered_at, state.ended_at, state.visit) == (0.0, 2.0, 2)
