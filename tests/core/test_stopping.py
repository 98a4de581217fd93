"""Halting, rolling back and closing: what still runs, in which order, and what never does."""

from __future__ import annotations

import pytest

from runbook.core.effect import Attempt, WakeAt
from runbook.core.events.event import AlwaysStarted, FailureResolved, HaltRequested
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AddNote, ExcludeHost, HaltRun, PauseRun, RollBack
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    BlockAction,
    ChecklistAction,
    ConfirmAction,
    Item,
    ManualAction,
    NestedAction,
    WaitAction,
)
from runbook.core.planned.undo import undo_steps
from runbook.core.rules.due import due
from runbook.core.run import Phase
from tests.builders import ANNA, plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import changing, closing

FAILED, DOUBT, GONE, OK, CANCELLED = (
    Outcome.FAILED,
    Outcome.IN_DOUBT,
    Outcome.UNREACHABLE,
    Outcome.SUCCEEDED,
    Outcome.CANCELLED,
)


# --- halting ----------------------------------------------------------------------------------------------------------


def test_a_halt_cancels_what_runs_starts_nothing_new_and_then_closes() -> None:
    drive = Drive(closing(changing("1.1", hosts=("a", "b")), step("1.2")))
    drive.settle()
    assert drive.ask(HaltRun(reason="wrong window")) is None
    drive.go()
    assert drive.tale == [
        "enter 1.1", "halt by anna", "1.1@a#1 cancelled", "1.1@b#1 cancelled", "end 1.1 cancelled",
        "close", "enter A.1", "A.1@db1#1 succeeded", "end A.1 succeeded", "ended",
    ]  # fmt: skip
    assert verdicts(drive.run).run == "aborted"
    assert drive.state("1.1").detail == drive.run.ended == "wrong window"


def test_a_halt_waits_for_what_it_cancels() -> None:
    drive = Drive(closing(step("1.1")))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    assert due(drive.run, drive.now) == (WakeAt(float("inf")),), "nothing is named, and the phase does not move on"
    assert drive.run.phase is Phase.FORWARD


def test_a_step_that_was_done_on_all_hosts_when_the_halt_came_is_not_called_cancelled() -> None:
    drive = Drive(closing(step("1.1"), step("1.2")))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    drive.story.answer("1.1", "db1", OK)
    drive.in_flight.clear()
    assert drive.go().outcome("1.1") is OK


def test_a_doubt_that_a_halt_leaves_behind_is_called_a_doubt() -> None:
    drive = Drive(closing(step("1.1", hosts=("a", "b"))))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    drive.story.answer("1.1", "a", DOUBT)
    del drive.in_flight[Attempt("1.1", "a", 1)]
    drive.go()
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (DOUBT, "2 of 2 hosts; a: in doubt")


def test_a_halt_ends_a_wait_and_a_pause_between_attempts() -> None:
    drive = Drive(closing(step("1.1", retries=1, delay=600.0)), outcomes={"1.1": FAILED})
    drive.go(until=lambda drive: drive.run.steps["1.1"].retrying)
    drive.ask(HaltRun(reason="wrong window"))
    assert drive.go(until=lambda drive: drive.run.phase is Phase.ALWAYS).now == 1.0
    waiting = Drive(closing(step("1.1", WaitAction(seconds=600.0))))
    waiting.settle()
    waiting.ask(HaltRun(reason="wrong window"))
    assert waiting.go().outcome("1.1") is CANCELLED


def test_a_halt_ends_a_pause_of_the_run() -> None:
    drive = Drive(closing(step("1.1")))
    drive.ask(PauseRun())
    drive.ask(HaltRun(reason="wrong window"))
    assert drive.go().run.has_ended


def test_a_halt_in_a_block_ends_what_is_inside_before_the_block() -> None:
    block = step("1.1", BlockAction(), steps=(step("1.1.1"),))
    drive = Drive(closing(block))
    drive.settle()
    drive.ask(HaltRun(reason="wrong window"))
    assert drive.go().tale[3:6] == ["1.1.1@db1#1 cancelled", "end 1.1.1 cancelled", "end 1.1 cancelled"]


@pytest.mark.parametrize("intent", [HaltRun(reason=" "), RollBack(reason="")])
def test_stopping_a_run_goes_on_record_with_a_reason(intent: HaltRun | RollBack) -> None:
    assert Drive(plan(step())).ask(intent).code == "no-reason"


def test_a_run_that_is_stopping_is_not_stopped_again() -> None:
    drive = Drive(plan(step()))
    drive.ask(HaltRun(reason="wrong window"))
    assert drive.ask(HaltRun(reason="really")).why == "wrong window"
    assert drive.ask(RollBack(reason="really")).why == "wrong window"


def test_a_run_that_has_ended_takes_nothing_but_a_note() -> None:
    drive = Drive(plan(step())).go()
    assert drive.ask(HaltRun(reason="late")).what == "the run has ended"
    assert drive.ask(AddNote(text="all quiet")) is None


# --- rolling back -----------------------------------------------------------------------------------------------------


def test_a_rollback_undoes_in_reverse_what_ran_then_does_the_runs_own_and_closes() -> None:
    of = closing(changing("1.1"), step("1.2"), changing("1.3"), step("1.4", on_failure="rollback"), changing("1.5"))
    drive = Drive(of, outcomes={"1.4": FAILED}).go()
    assert drive.did == [
        "1.1@db1", "1.2@db1", "1.3@db1", "1.4@db1", "1.3.undo.1@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1",
    ]  # fmt: skip
    assert verdicts(drive.run).run == "failed"


def test_a_person_may_roll_the_run_back_at_any_moment() -> None:
    drive = Drive(closing(changing("1.1"), changing("1.2")))
    drive.go(until=lambda drive: drive.did == ["1.1@db1", "1.2@db1"])
    assert drive.ask(RollBack(reason="customers complain")) is None
    drive.go()
    assert drive.did[2:] == ["1.2.undo.1@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1"]
    assert verdicts(drive.run).run == "aborted"
    assert drive.ask(RollBack(reason="again")).what == "the run has ended"


@pytest.mark.parametrize("phase", [Phase.ROLLBACK, Phase.ALWAYS])
def test_a_run_that_no_longer_goes_forward_cannot_be_rolled_back(phase: Phase) -> None:
    on_failure = "rollback" if phase is Phase.ROLLBACK else "continue"
    drive = Drive(closing(step("1.1", on_failure=on_failure)), outcomes={"1.1": FAILED})
    drive.go(until=lambda drive: drive.run.phase is phase)
    assert drive.ask(RollBack(reason="again")).what == "the run cannot be rolled back now"


@pytest.mark.parametrize(
    ("outcome", "undone"),
    [(OK, True), (FAILED, True), (DOUBT, True), (Outcome.TIMED_OUT, True), (GONE, False)],
)
def test_a_step_is_undone_where_it_ran_or_may_have_run(outcome: Outcome, undone: bool) -> None:
    drive = Drive(plan(changing("1.1", on_failure="rollback"), step("1.2", on_failure="rollback")),
                  outcomes={"1.1": outcome, "1.2": FAILED}, attended=False).go()  # fmt: skip
    assert ("1.1.undo.1@db1" in drive.did) is undone


def test_an_undo_goes_only_to_hosts_on_which_its_step_may_have_run() -> None:
    of = plan(changing("1.1", hosts=("a", "b", "c", "d"), concurrency=1, max_errors=1, on_failure="rollback"))
    drive = Drive(of, outcomes={"1.1@a": OK, "1.1@b": GONE, "1.1@c": FAILED}).go()
    assert drive.did == ["1.1@a", "1.1@b", "1.1@c", "1.1.undo.1@a", "1.1.undo.1@c"]
    assert drive.state("1.1.undo.1").left_out == {"b": "the step never ran here", "d": "the step never ran here"}


def test_a_host_that_was_never_reached_in_any_attempt_is_not_undone() -> None:
    of = plan(changing("1.1", hosts=("a", "b"), retries=2, on_failure="rollback"))
    drive = Drive(of, outcomes={"1.1@b": GONE}).go()
    assert drive.did == ["1.1@a", "1.1@b", "1.1@b", "1.1@b", "1.1.undo.1@a"]


def test_an_undo_also_goes_to_hosts_that_were_excluded_since() -> None:
    drive = Drive(plan(changing("1.1", hosts=("a", "b")), step("1.2", on_failure="rollback")), outcomes={"1.2": FAILED})
    drive.go(until=lambda drive: drive.outcome("1.1") is OK)
    drive.ask(ExcludeHost(host="a", reason="broken fan"))
    assert drive.go().did[-2:] == ["1.1.undo.1@a", "1.1.undo.1@b"]


def test_an_undo_on_other_hosts_than_its_step_goes_where_its_author_said() -> None:
    apart = step("1.1", hosts=("a",), undo=(step("1.1.undo.1", hosts=("b", "c")),))
    drive = Drive(plan(apart, step("1.2", hosts=("a",), on_failure="rollback")), outcomes={"1.2": FAILED})
    drive.ask(ExcludeHost(host="c", reason="broken fan"))
    assert drive.go().did == ["1.1@a", "1.2@a", "1.1.undo.1@b"]


def test_a_step_visited_twice_is_undone_once() -> None:
    of = plan(changing("1.1"), step("1.2", on_failure="goto", goto="1.1"), step("1.3", on_failure="rollback"))
    drive = Drive(of, outcomes={"1.2": [FAILED, OK], "1.3": FAILED}).go()
    assert drive.did.count("1.1.undo.1@db1") == 1


def test_steps_in_a_block_are_undone_before_the_block() -> None:
    block = changing("1.1", BlockAction(), steps=(changing("1.1.1"), changing("1.1.2")))
    drive = Drive(plan(block, step("1.2", on_failure="rollback")), outcomes={"1.2": FAILED}).go()
    assert drive.did[3:] == ["1.1.2.undo.1@db1", "1.1.1.undo.1@db1", "1.1.undo.1@db1"]


def test_the_rollback_of_a_nested_runbook_runs_when_any_of_its_steps_may_have() -> None:
    undo = step("1.1.undo.1", BlockAction(), steps=(step("1.1.undo.1.1"), step("1.1.undo.1.2")))
    nested = step("1.1", NestedAction(file="x.yaml"), steps=(step("1.1.1"),), undo=(undo,))
    of = plan(nested, step("1.2", on_failure="rollback"))
    assert Drive(of, outcomes={"1.2": FAILED}).go().did[2:] == ["1.1.undo.1.1@db1", "1.1.undo.1.2@db1"]
    unreached = Drive(of, outcomes={"1.1.1": GONE, "1.2": FAILED}, replies={"1.1.1": [picks("skip")]}).go()
    assert unreached.did == ["1.1.1@db1", "1.2@db1"]


@pytest.mark.parametrize("action", [ManualAction(instructions="Pull"), ChecklistAction(items=(Item(item="x"),))])
def test_what_people_may_have_done_by_hand_is_undone(action: ManualAction | ChecklistAction) -> None:
    drive = Drive(plan(changing("1.1", action))).go()
    assert drive.ask(RollBack(reason="customers complain")) is None
    assert drive.go().did == ["1.1.undo.1@db1"], "it was asked for, so it may have been begun"


@pytest.mark.parametrize(("said", "undone"), [("done", True), ("failed", True), ("skip", False)])
def test_a_manual_step_is_undone_unless_it_was_skipped(said: str, undone: bool) -> None:
    block = step("1.1", BlockAction(), steps=(step("1.1.1", ManualAction(instructions="Pull"), on_failure="continue"),),
                 undo=(step("1.1.undo.1"),))  # fmt: skip
    of = plan(block, step("1.2", on_failure="rollback"))
    drive = Drive(of, outcomes={"1.2": FAILED}, replies={"1.1.1": [says(said, reason="rack 4")]}).go()
    assert ("1.1.undo.1@db1" in drive.did) is undone


def test_what_was_confirmed_is_undone_and_what_was_not_reached_is_not() -> None:
    of = plan(changing("1.1", ConfirmAction(message="Sure?")), changing("1.2", WaitAction(seconds=60.0)))
    drive = Drive(of, replies={"1.1": [says("proceed")]})
    drive.go(until=lambda drive: drive.outcome("1.1") is OK)
    drive.ask(RollBack(reason="customers complain"))
    assert [planned.id for planned in undo_steps(drive.run)] == ["1.1.undo.1"]


def test_an_undo_that_fails_does_not_keep_the_others_from_their_turn() -> None:
    of = closing(changing("1.1"), changing("1.2"), step("1.3", on_failure="rollback"))
    drive = Drive(of, outcomes={"1.3": FAILED, "1.2.undo.1": FAILED}, attended=False).go()
    assert drive.did[3:] == ["1.2.undo.1@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1"]
    assert drive.state("1.2.undo.1").resolution == FailureResolved(step="1.2.undo.1", choice="continue")


def failing_undo(**replies: object) -> Drive:
    of = closing(changing("1.1"), changing("1.2"), step("1.3", on_failure="rollback"))
    return Drive(of, outcomes={"1.3": FAILED, "1.2.undo.1": [FAILED, OK]}, replies=replies).go()


def test_an_undo_that_fails_is_put_to_a_person_who_is_there() -> None:
    drive = failing_undo()
    assert drive.run.gates["1.2.undo.1#1"].opened.choices == ("retry", "skip", "abort")


def test_an_undo_can_be_retried() -> None:
    drive = failing_undo(**{"1.2.undo.1": [picks("retry")]})
    assert drive.did[3:] == ["1.2.undo.1@db1", "1.2.undo.1@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1"]


def test_aborting_a_rollback_goes_straight_to_the_closing_steps() -> None:
    drive = failing_undo(**{"1.2.undo.1": [picks("abort")]})
    assert drive.did[3:] == ["1.2.undo.1@db1", "A.1@db1"]
    assert verdicts(drive.run).run == "failed"


def test_a_rollback_can_be_halted_and_is_halted_once() -> None:
    drive = Drive(
        closing(changing("1.1"), changing("1.2"), step("1.3", on_failure="rollback")), outcomes={"1.3": FAILED}
    )
    drive.go(until=lambda drive: "1.2.undo.1@db1" in drive.did)
    assert drive.ask(HaltRun(reason="leave it broken")) is None
    assert drive.ask(HaltRun(reason="leave it broken")).what == "the run is stopping already"
    drive.go()
    assert drive.did[3:] == ["1.2.undo.1@db1", "A.1@db1"]
    assert drive.outcome("1.2.undo.1") is CANCELLED
    assert (verdicts(drive.run).run, drive.run.ended) == ("aborted", "leave it broken")


def test_an_undo_is_not_undone() -> None:
    of = closing(changing("1.1", on_failure="rollback"), rollback=(changing("R.1"), step("R.2")))
    assert Drive(of, outcomes={"1.1": FAILED}).go().did == [
        "1.1@db1", "1.1.undo.1@db1", "R.1@db1", "R.2@db1", "A.1@db1",
    ]  # fmt: skip


def test_a_block_that_is_an_undo_has_its_rescue() -> None:
    undo = step(
        "1.1.undo.1",
        BlockAction(),
        steps=(step("1.1.undo.1.1", on_failure="propagate"),),
        rescue=(step("1.1.undo.1.rescue.1"),),
    )
    of = plan(step("1.1", undo=(undo,)), step("1.2", on_failure="rollback"))
    drive = Drive(of, outcomes={"1.2": FAILED, "1.1.undo.1.1": FAILED}).go()
    assert drive.did[2:] == ["1.1.undo.1.1@db1", "1.1.undo.1.rescue.1@db1"]


# --- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["abort", "rollback", "continue"])
def test_closing_steps_run_whatever_happened(policy: str) -> None:
    drive = Drive(closing(step("1.1", on_failure=policy)), outcomes={"1.1": FAILED}).go()
    assert drive.did[-1] == "A.1@db1"


@pytest.mark.parametrize("outcome", [FAILED, GONE, DOUBT])
def test_a_closing_step_that_fails_does_not_keep_the_others_from_their_turn_and_asks_nobody(outcome: Outcome) -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1"), step("A.2"))), outcomes={"A.1": outcome}).go()
    assert drive.did == ["1.1@db1", "A.1@db1", "A.2@db1"]
    assert verdicts(drive.run).run == "failed"


def test_a_closing_step_that_may_fail_says_so() -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1", on_failure="continue"),)), outcomes={"A.1": FAILED}).go()
    assert verdicts(drive.run).run == "completed with deviations"


def test_a_halt_while_closing_ends_the_step_that_hangs_and_no_other() -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1"), step("A.2"))), took={"A.1": 1e9})
    drive.go(until=lambda drive: "A.1@db1" in drive.did)
    assert drive.ask(HaltRun(reason="it hangs")) is None
    drive.go()
    assert drive.did == ["1.1@db1", "A.1@db1", "A.2@db1"]
    assert (drive.outcome("A.1"), drive.state("A.1").detail) == (CANCELLED, "it hangs")
    assert HaltRequested(by=ANNA, reason="it hangs") in drive.events
    assert drive.now < 10.0


def test_a_halt_while_no_closing_step_runs_is_refused() -> None:
    drive = Drive(plan(step("1.1"), always=(step("A.1"),)))
    drive.story.ran("1.1").add(AlwaysStarted())
    assert drive.ask(HaltRun(reason="x")).what.startswith("none of the closing steps runs now")
