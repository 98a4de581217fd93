"""What a run that went to its end did not do as written, and whether its exit status lets that pass."""

from __future__ import annotations

import pytest

from runbook.core.fold.shortfall import Shortfall, shortfalls
from runbook.core.fold.verdict import verdict_by_now, verdicts
from runbook.core.intent import ExcludeHost, SkipStep
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, ChecklistAction, ChooseAction, Item, ManualAction, Option
from runbook.problem import Exit
from tests.builders import plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import closing

FAILED, DOUBT = Outcome.FAILED, Outcome.IN_DOUBT


def came_to(drive: Drive) -> tuple[str, Exit, tuple[Shortfall, ...]]:
    said = verdicts(drive.run)
    assert drive.run.has_ended
    return said.run, said.exit, shortfalls(drive.run)


@pytest.mark.parametrize(
    ("choice", "outcome", "short"),
    [
        ("skip", FAILED, (Shortfall(step="1.1"),)),
        ("accept", DOUBT, (Shortfall(step="1.1"),)),
        ("exclude", FAILED, (Shortfall(host="b"), Shortfall(step="1.1"))),
    ],
)
def test_what_a_person_lets_pass_is_no_plain_completion(
    choice: str, outcome: Outcome, short: tuple[Shortfall, ...]
) -> None:
    of = plan(step("1.1", hosts=("a", "b")), step("1.2", hosts=("a", "b")))
    drive = Drive(of, outcomes={"1.1@b": outcome}, replies={"1.1": [picks(choice)]}).go()
    assert came_to(drive) == ("completed with deviations", Exit.FAILED, short)


@pytest.mark.parametrize("fields", [{"on_failure": "continue"}, {"on_failure": "goto", "goto": "1.2"}])
def test_what_the_runbook_itself_lets_pass_is_told_and_is_no_failure(fields: dict[str, str]) -> None:
    drive = Drive(plan(step("1.1", **fields), step("1.2")), outcomes={"1.1": FAILED}).go()
    assert came_to(drive) == ("completed with deviations", Exit.HELD, (Shortfall(step="1.1", is_foreseen=True),))


def test_a_failure_on_every_host_within_tolerance_does_not_read_as_completed() -> None:
    of = plan(step("1.1", hosts=("a", "b"), max_errors=2), step("1.2", hosts=("a", "b")))
    drive = Drive(of, outcomes={"1.1": FAILED}, attended=False).go()
    assert drive.did == ["1.1@a", "1.1@b", "1.2@a", "1.2@b"][: len(drive.did)]
    assert came_to(drive)[:2] == ("completed with deviations", Exit.FAILED)


def test_a_step_that_somebody_skipped_is_a_shortfall_and_one_whose_condition_was_false_is_none() -> None:
    drive = Drive(plan(step("1.1"), step("1.2"), step("1.3")), false=["1.3"])
    assert drive.ask(SkipStep(step="1.2", reason="done by hand")) is None
    assert came_to(drive.go()) == ("completed with deviations", Exit.FAILED, (Shortfall(step="1.2"),))
    assert came_to(Drive(plan(step("1.1"), step("1.2")), false=["1.2"]).go()) == ("completed", Exit.HELD, ())


def test_a_host_that_somebody_took_out_is_a_shortfall() -> None:
    drive = Drive(plan(step("1.1", hosts=("a", "b"))))
    assert drive.ask(ExcludeHost(host="b", reason="broken disk")) is None
    assert came_to(drive.go()) == ("completed with deviations", Exit.FAILED, (Shortfall(host="b"),))


def test_a_manual_step_that_was_skipped_and_an_item_that_was_waived_are_shortfalls() -> None:
    items = ChecklistAction(items=(Item(item="x"), Item(item="y")))
    of = plan(step("1.1", ManualAction(instructions="Pull it")), step("1.2", items))
    replies = {
        "1.1": [says("skip", reason="no cable")],
        "1.2": [says("tick", value=0), says("waive", value=1, reason="later")],
    }
    said = came_to(Drive(of, replies=replies).go())
    assert said == (
        "completed with deviations",
        Exit.FAILED,
        (Shortfall(step="1.1"), Shortfall(step="1.2", is_foreseen=True)),
    )


def test_a_block_that_was_rescued_completed_because_its_block_answers_for_it() -> None:
    inner, rescue = step("1.1.1", on_failure="propagate"), step("1.1.rescue.1")
    drive = Drive(plan(step("1.1", BlockAction(), steps=(inner,), rescue=(rescue,))), outcomes={"1.1.1": FAILED}).go()
    assert came_to(drive) == ("completed", Exit.HELD, ())


def test_what_a_chosen_way_leads_past_is_as_written() -> None:
    way = ChooseAction(prompt="Which?", options=(Option(label="short", goto="1.3"),))
    drive = Drive(
        plan(step("1.1", way), step("1.2"), step("1.3")), replies={"1.1": [says("choose", value="short")]}
    ).go()
    assert came_to(drive) == ("completed", Exit.HELD, ())


def test_a_second_try_that_worked_is_no_shortfall() -> None:
    drive = Drive(plan(step("1.1", retries=1)), outcomes={"1.1": [FAILED, Outcome.SUCCEEDED]}).go()
    assert came_to(drive) == ("completed", Exit.HELD, ())


@pytest.mark.parametrize(
    ("fields", "outcomes", "said"),
    [
        ({}, {}, "completed"),
        ({"on_failure": "continue"}, {"1.1": FAILED}, "completed with deviations"),
        ({"on_failure": "abort"}, {"1.1": FAILED}, "failed"),
    ],
)
def test_closing_steps_are_told_the_verdict_that_the_run_then_has(
    fields: dict[str, str], outcomes: dict[str, Outcome], said: str
) -> None:
    drive = Drive(closing(step("1.1", **fields), rollback=()), outcomes=outcomes)
    by_then = verdict_by_now(drive.go(until=lambda one: one.state("A.1").is_live).run)
    assert (by_then, verdicts(drive.go().run).run) == (said, said)
