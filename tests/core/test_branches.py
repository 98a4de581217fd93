"""A run that finds its own way: branches, forwards and back with an end, and where a runbook ends by its author's word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.fold.verdict import verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    CONTROLLER,
    BlockAction,
    BranchAction,
    CommandAction,
    EndAction,
    NestedAction,
    SetAction,
    Way,
)
from runbook.core.planned.plan import PlannedStep
from runbook.core.result import Result
from runbook.core.rules.failure_policy import MAX_VISITS
from runbook.core.run import Phase
from tests.builders import plan, section, step
from tests.core.driving import Drive, picks
from tests.core.shapes import changing, closing

FAILED, OK, SKIPPED = Outcome.FAILED, Outcome.SUCCEEDED, Outcome.SKIPPED


def branch(of: str, *gotos: str, **fields: object) -> PlannedStep:
    """A branch with a way to each of these; which one is open is the value that the drive gives it."""
    ways = tuple(Way(when=f"x == {number}", goto=goto) for number, goto in enumerate(gotos))
    return step(of, BranchAction(ways=ways), hosts=(CONTROLLER,), **fields)


def end(of: str, verdict: str, reason: str = "", **fields: object) -> PlannedStep:
    """As the compiler plans it."""
    after = {"on_failure": "abort"} if verdict == "failed" else {}
    return step(of, EndAction(verdict=verdict, reason=reason), hosts=(), **{**after, **fields})


# --- branches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "did"), [(0, ["1.3", "1.4"]), (1, ["1.4"]), (2, ["1.2", "1.3", "1.4"]), (None, ["1.2", "1.3", "1.4"])]
)
def test_the_way_that_is_open_is_taken_and_without_one_the_next_step_follows(value: object, did: list[str]) -> None:
    of = plan(branch("1.1", "1.3", "1.4"), step("1.2"), step("1.3"), step("1.4"))
    drive = Drive(of, values={"1.1": [value]}).go()
    assert drive.did == [f"1.1@{CONTROLLER}", *(f"{each}@db1" for each in did)]


@given(st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False), st.text(), st.lists(st.integers())))
def test_no_value_on_record_leads_anywhere_but_into_the_plan(value: object) -> None:
    of = plan(branch("1.1", "1.3"), step("1.2"), step("1.3"))
    drive = Drive(of, values={"1.1": [value]}).go()
    assert drive.run.ended == "every step is done"


def test_a_branch_that_cannot_be_judged_is_a_failure_like_any_other() -> None:
    drive = Drive(plan(branch("1.1", "1.2"), step("1.2")), outcomes={"1.1": FAILED}, attended=False).go()
    assert (drive.outcome("1.1"), verdicts(drive.run).run) == (FAILED, "failed")


def test_a_branch_leads_back_until_its_condition_changes() -> None:
    of = plan(step("1.1"), branch("1.2", "1.1"), step("1.3"))
    drive = Drive(of, values={"1.2": [0, 0, 1]}).go()
    assert [each.partition("@")[0] for each in drive.did] == ["1.1", "1.2"] * 3 + ["1.3"]
    assert [drive.state(each).visit for each in ("1.1", "1.2", "1.3")] == [3, 3, 1]


def test_a_branch_that_leads_back_for_ever_fails_with_the_reason() -> None:
    of = plan(step("1.1"), branch("1.2", "1.1"), step("1.3"))
    drive = Drive(of, values={"1.2": [0]}, attended=False).go()
    assert drive.state("1.2").detail == "it has led back to step 1.1 99 times, and nobody is asked on that way"
    assert (drive.state("1.1").visit, verdicts(drive.run).run) == (MAX_VISITS, "failed")


def test_it_may_lead_forwards_after_any_number_of_rounds() -> None:
    of = plan(step("1.1"), branch("1.2", "1.1", "1.4"), step("1.3"), step("1.4"))
    drive = Drive(of, values={"1.2": [0] * (MAX_VISITS - 1) + [1]}, attended=False).go()
    assert (drive.outcome("1.3"), drive.outcome("1.4"), drive.run.ended) == (SKIPPED, OK, "every step is done")


def test_a_person_who_retries_it_lets_it_go_round_as_often_again() -> None:
    of = plan(step("1.1"), branch("1.2", "1.1"), step("1.3"))
    drive = Drive(of, values={"1.2": [0]}, replies={"1.2": [picks("retry"), picks("skip")]}).go()
    assert drive.state("1.2").visit == 2 * MAX_VISITS
    assert drive.outcome("1.3") is OK


def test_what_was_done_in_several_rounds_is_undone_once() -> None:
    of = plan(changing("1.1"), branch("1.2", "1.1"), step("1.3"), rollback=())
    drive = Drive(of, values={"1.2": [0, 1]}, outcomes={"1.3": FAILED}, replies={"1.3": [picks("rollback")]}).go()
    assert drive.did == ["1.1@db1", f"1.2@{CONTROLLER}"] * 2 + ["1.3@db1", "1.1.undo.1@db1"]


@pytest.mark.parametrize("at", range(1, 8))
def test_a_runner_that_dies_at_any_step_of_a_round_goes_on_where_it_was(at: int) -> None:
    of = plan(step("1.1"), branch("1.2", "1.1"), step("1.3"))
    whole = Drive(of, values={"1.2": [0, 1]}).go()
    cut = Drive(of, values={"1.2": [0, 1]}).go(lambda drive: len(drive.did) >= at)
    cut.crash_and_resume().go()
    assert cut.did == whole.did
    assert max(cut.started.values()) == 1


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_runbook_that_ends_completed_leaves_out_the_rest_and_says_why() -> None:
    of = plan(
        sections=(
            section("1", step("1.1"), end("1.2", "completed", "up to date"), step("1.3")),
            section("2", step("2.1")),
        ),
        always=(step("A.1"),),
        rollback=(step("R.1"),),
    )
    drive = Drive(of).go()
    assert drive.did == ["1.1@db1", "A.1@db1"]
    assert (drive.outcome("2.1"), drive.state("2.1").detail) == (SKIPPED, "the runbook ended at step 1.2")
    assert (verdicts(drive.run).run, drive.run.ended) == ("completed", "step 1.2 Step 1.2: up to date")


def test_one_that_ends_failed_closes_without_being_rolled_back_and_asks_nobody() -> None:
    drive = Drive(closing(changing("1.1"), end("1.2", "failed", "no backup"), step("1.3"))).go()
    assert drive.did == ["1.1@db1", "A.1@db1"]
    assert (verdicts(drive.run).run, drive.run.ended) == ("failed", "step 1.2 Step 1.2: no backup")


def test_it_is_rolled_back_where_its_author_says_so() -> None:
    drive = Drive(closing(changing("1.1"), end("1.2", "failed", on_failure="rollback"))).go()
    assert drive.did == ["1.1@db1", "1.1.undo.1@db1", "R.1@db1", "A.1@db1"]


def test_an_end_in_a_block_lets_the_end_of_the_block_run_when_it_is_completed() -> None:
    block = step(
        "1.1",
        BlockAction(),
        hosts=(),
        steps=(end("1.1.1", "completed"), step("1.1.2")),
        rescue=(step("1.1.rescue.1"),),
        always=(step("1.1.always.1"),),
    )
    assert Drive(plan(block, step("1.2"))).go().did == ["1.1.always.1@db1"]


def test_an_end_in_a_block_leaves_the_block_where_it_is_when_it_failed() -> None:
    block = step(
        "1.1",
        BlockAction(),
        hosts=(),
        steps=(end("1.1.1", "failed"),),
        rescue=(step("1.1.rescue.1"),),
        always=(step("1.1.always.1"),),
    )
    assert Drive(closing(block, step("1.2"))).go().did == ["A.1@db1"]


def nested(*steps: PlannedStep, **fields: object) -> PlannedStep:
    return step("1.1", NestedAction(file="inner.yaml"), hosts=(), steps=steps, **fields)


def test_a_nested_runbook_that_is_completed_early_lets_the_outer_one_go_on() -> None:
    inner = nested(end("1.1.1", "completed"), step("1.1.2"), always=(step("1.1.always.1"),))
    drive = Drive(plan(inner, step("1.2"))).go()
    assert drive.did == ["1.1.always.1@db1", "1.2@db1"]
    assert drive.run.ended == "every step is done"


def test_a_nested_runbook_that_ends_failed_is_a_step_that_failed() -> None:
    inner = nested(end("1.1.1", "failed", "no", on_failure="propagate"), step("1.1.2"), on_failure="continue")
    drive = Drive(plan(inner, step("1.2"))).go()
    assert drive.did == ["1.2@db1"]
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (FAILED, "Step 1.1.1: no")


def test_an_end_that_was_jumped_over_ends_nothing() -> None:
    of = plan(branch("1.1", "1.3"), end("1.2", "completed"), step("1.3"))
    assert Drive(of, values={"1.1": [0]}).go().run.ended == "every step is done"


def test_an_end_is_never_asked_about_in_step_mode() -> None:
    drive = Drive(plan(end("1.1", "completed")), step_mode=True).go()
    assert drive.run.phase is Phase.ENDED


# --- values -----------------------------------------------------------------------------------------------------------


def test_values_that_are_set_stand_under_their_names_and_the_last_one_counts() -> None:
    setting = step("1.1", SetAction(values={"n": "{{ n }}", "l": []}), hosts=(CONTROLLER,))
    of = plan(setting, branch("1.2", "1.1"), step("1.3", CommandAction(shell="x")))
    drive = Drive(of, values={"1.1": [{"n": 1, "l": ["a"]}, {"n": 2, "l": [], "other": 3}], "1.2": [0, 1]}).go()
    assert {name: value.by_host[""] for name, value in drive.run.values.items()} == {
        "n": Result(value=2),
        "l": Result(value=[]),
    }
