"""Going on elsewhere: forwards over steps, backwards to visit them again, out of blocks, once."""

from __future__ import annotations

import pytest

from runbook.core.events.event import Jumped
from runbook.core.intent import AnswerGate, CutWait
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, ChooseAction, ConfirmAction, Option, WaitAction
from runbook.core.planned.plan import Environment, Plan
from runbook.core.rules.failure_policy import MAX_VISITS
from runbook.core.run import StepPhase
from tests.builders import plan, section, step
from tests.core.driving import Drive, says

FAILED, OK = Outcome.FAILED, Outcome.SUCCEEDED


def ways(**gotos: str) -> ChooseAction:
    return ChooseAction(prompt="Which way?", options=tuple(Option(label=label, goto=to) for label, to in gotos.items()))


def test_a_choice_leads_forwards_over_the_steps_between() -> None:
    of = plan(step("1.1", ways(fast="1.3", slow="")), step("1.2"), step("1.3"), step("1.4"))
    drive = Drive(of, replies={"1.1": [says("choose", value="fast")]}).go()
    assert drive.did == ["1.3@db1", "1.4@db1"]
    assert (drive.outcome("1.2"), drive.state("1.2").detail) == (Outcome.SKIPPED, "jumped over from step 1.1")


def test_a_choice_without_a_goto_goes_on_with_the_next_step() -> None:
    of = plan(step("1.1", ways(fast="1.3", slow="")), step("1.2"), step("1.3"))
    drive = Drive(of, replies={"1.1": [says("choose", value="slow")]}).go()
    assert drive.did == ["1.2@db1", "1.3@db1"]


def test_a_jump_to_the_next_step_jumps_over_nothing() -> None:
    of = plan(step("1.1", ways(on="1.2")), step("1.2"))
    drive = Drive(of, replies={"1.1": [says("choose", value="on")]}).go()
    assert drive.tale.count("jump 1.1 to 1.2") == 1
    assert drive.did == ["1.2@db1"]


def test_a_jump_crosses_sections() -> None:
    of = plan(sections=(section("1", step("1.1", ways(on="2.1")), step("1.2")), section("2", step("2.1"))))
    assert Drive(of, replies={"1.1": [says("choose", value="on")]}).go().did == ["2.1@db1"]


def test_a_choice_leads_backwards_and_asks_again_when_it_is_reached_again() -> None:
    of = plan(step("1.1"), step("1.2", ways(again="1.1", on="")), step("1.3"))
    drive = Drive(of, replies={"1.2": [says("choose", value="again"), says("choose", value="on")]}).go()
    assert drive.did == ["1.1@db1", "1.1@db1", "1.3@db1"]
    assert [drive.state(each).visit for each in ("1.1", "1.2", "1.3")] == [2, 2, 1]


def test_steps_that_are_visited_again_count_their_attempts_on() -> None:
    of = plan(step("1.1"), step("1.2", ways(again="1.1", on="")))
    drive = Drive(of, replies={"1.2": [says("choose", value="again"), says("choose", value="on")]}).go()
    assert [words for words in drive.tale if "@" in words] == ["1.1@db1#1 succeeded", "1.1@db1#2 succeeded"]


def test_a_step_that_was_skipped_by_its_condition_is_asked_about_again() -> None:
    of = plan(step("1.1"), step("1.2"), step("1.3", ways(again="1.1", on="")))
    drive = Drive(of, false=["1.2"], replies={"1.3": [says("choose", value="again"), says("choose", value="on")]})
    drive.go()
    assert drive.tale.count("skip 1.2") == 2


def test_a_failure_may_lead_backwards_until_it_is_well() -> None:
    of = plan(step("1.1"), step("1.2", on_failure="goto", goto="1.1"), step("1.3"))
    drive = Drive(of, outcomes={"1.2": [FAILED, FAILED, OK]}).go()
    assert drive.did == ["1.1@db1", "1.2@db1"] * 3 + ["1.3@db1"]


def test_the_gate_before_a_step_is_asked_at_every_visit() -> None:
    of = plan(step("1.1", confirm="key"), step("1.2", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.2": [FAILED, OK]}, replies={"1.1": [says("proceed"), says("proceed")]}).go()
    assert drive.tale.count("anna: proceed 1.1#1") == drive.tale.count("anna: proceed 1.1#2") == 1
    assert drive.run.has_ended


def test_a_wait_that_was_cut_is_waited_in_full_at_its_next_visit() -> None:
    of = plan(step("1.1", WaitAction(seconds=60.0)), step("1.2", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.2": [FAILED, OK]}, took={"1.2": 0.0})
    drive.settle()
    drive.ask(CutWait(step="1.1", reason="drained"))
    drive.go()
    assert (drive.now, drive.state("1.1").detail) == (60.0, "")


def test_a_wait_counts_from_when_it_is_entered_and_not_from_the_beginning_of_the_run() -> None:
    drive = Drive(plan(step("1.1"), step("1.2", WaitAction(seconds=60.0))), took={"1.1": 10.0}).go()
    assert drive.now == 70.0


def test_a_milestone_is_marked_again_by_a_later_visit() -> None:
    of = plan(step("1.1", sets=Milestone.SERVICE_RESTORED), step("1.2", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.2": [FAILED, OK]}).go()
    assert drive.run.milestones[Milestone.SERVICE_RESTORED].at == 3.0


def jumping_out(**fields: object) -> Plan:
    """A block whose second step, when it fails, leaves the block for 1.3."""
    steps = step("1.1.1"), step("1.1.2", on_failure="goto", goto="1.3"), step("1.1.3")
    block = step("1.1", BlockAction(), steps=steps, rescue=(step("1.1.rescue.1"),), **fields)
    return plan(block, step("1.2"), step("1.3"))


def test_a_jump_out_of_a_block_ends_the_block_and_skips_what_is_left_of_it() -> None:
    drive = Drive(jumping_out(), outcomes={"1.1.2": FAILED}).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.3@db1"]
    assert (drive.outcome("1.1"), drive.outcome("1.1.3")) == (OK, Outcome.SKIPPED)


def test_a_jump_out_of_a_block_still_runs_its_always() -> None:
    drive = Drive(jumping_out(always=(step("1.1.always.1"),)), outcomes={"1.1.2": FAILED}).go()
    assert drive.did == ["1.1.1@db1", "1.1.2@db1", "1.1.always.1@db1", "1.3@db1"]


def test_the_always_of_a_block_that_a_jump_passes_over_does_not_run() -> None:
    block = step("1.2", BlockAction(), steps=(step("1.2.1"),), always=(step("1.2.always.1"),))
    of = plan(step("1.1", ways(on="1.3")), block, step("1.3"))
    drive = Drive(of, replies={"1.1": [says("choose", value="on")]}).go()
    assert drive.did == ["1.3@db1"]
    assert drive.outcome("1.2.always.1") is Outcome.SKIPPED


def test_a_jump_backwards_out_of_a_block_visits_the_whole_block_again() -> None:
    steps = step("1.2.1"), step("1.2.2", on_failure="goto", goto="1.1"), step("1.2.3")
    of = plan(step("1.1"), step("1.2", BlockAction(), steps=steps))
    drive = Drive(of, outcomes={"1.2.2": [FAILED, OK]}).go()
    assert drive.did == ["1.1@db1", "1.2.1@db1", "1.2.2@db1", "1.1@db1", "1.2.1@db1", "1.2.2@db1", "1.2.3@db1"]


def test_a_step_that_jumped_forwards_can_still_be_undone() -> None:
    changed = step("1.1", on_failure="goto", goto="1.3", undo=(step("1.1.undo.1"),))
    of = plan(changed, step("1.2", undo=(step("1.2.undo.1"),)), step("1.3", on_failure="rollback"))
    drive = Drive(of, outcomes={"1.1": FAILED, "1.3": FAILED}).go()
    assert drive.did == ["1.1@db1", "1.3@db1", "1.1.undo.1@db1"]


@pytest.mark.parametrize("target", ["9.9", ""])
def test_a_jump_to_nowhere_changes_nothing(target: str) -> None:
    drive = Drive(plan(step("1.1", on_failure="goto", goto=target), step("1.2")), outcomes={"1.1": FAILED}).go()
    assert drive.did == ["1.1@db1", "1.2@db1"]


def test_a_jump_from_nowhere_changes_nothing() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")))
    before = drive.run.steps
    drive.story.add(Jumped(source="9.9", target="1.2"))
    assert drive.run.steps == before


def test_a_confirmation_that_is_visited_again_is_asked_again() -> None:
    of = plan(step("1.1", ConfirmAction(message="Sure?")), step("1.2", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.2": FAILED}, replies={"1.1": [says("proceed")]}).go()
    assert drive.run.open_gates == ("1.1#2",)
    assert drive.state("1.1").phase is StepPhase.ENTERED


# --- going round in circles -------------------------------------------------------------------------------------------


def test_a_failure_that_always_leads_backwards_is_put_to_a_person_in_the_end() -> None:
    of = plan(step("1.1"), step("1.2", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.2": FAILED}).go()
    assert (drive.state("1.2").visit, drive.tale[-1]) == (MAX_VISITS, "ask 1.2#1 failure")


def test_where_nobody_is_there_it_ends_the_run() -> None:
    of = plan(step("1.1", on_failure="goto", goto="1.1"))
    drive = Drive(of, outcomes={"1.1": FAILED}, attended=False).go()
    assert (len(drive.did), drive.tale[-3:]) == (MAX_VISITS, ["policy: abort 1.1", "close", "ended"])


def test_a_machine_does_not_choose_the_way_back_for_ever() -> None:
    of = plan(step("1.1", ways(again="1.1", on="")), environment=Environment(name="lab", auto=("choose",)))
    drive = Drive(of, auto=True).go()
    assert (drive.state("1.1").visit, len(drive.run.open_gates)) == (MAX_VISITS + 1, 1)
    assert drive.ask(AnswerGate(gate=drive.run.open_gates[0], answer="choose", value="on")) is None
    assert drive.go().run.has_ended
