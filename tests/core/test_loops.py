"""Loops: turn by turn, as many as there are items, undone by what really ran, resumed where they were."""

from __future__ import annotations

import pytest

from runbook.core.fold.verdict import not_as_planned, verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER, BranchAction, ChooseAction, CommandAction, LoopAction, Option, Way
from runbook.core.planned.plan import PlannedStep, Turn
from runbook.core.planned.turns import forgotten_items, items_around, items_of, label_of, name_of
from tests.builders import plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import changing, closing

FAILED, OK = Outcome.FAILED, Outcome.SUCCEEDED


def loop(of: str, turns: int, items: tuple[object, ...] | None = None, **fields: object) -> PlannedStep:
    """A loop of so many turns, each of which can be undone; without items only the run knows them."""
    known = items is not None
    action = LoopAction(items=items) if known else LoopAction(source="{{ found | lines }}", at_most=turns)
    each = tuple(
        changing(
            f"{of}.{number + 1}",
            CommandAction(shell=f"turn {number + 1}"),
            name=f"Turn (item {number + 1})",
            turns=() if known else (Turn(loop=of, number=number),),
            **fields,
        )
        for number in range(turns)
    )
    return step(of, action, hosts=(), steps=each)


def did(drive: Drive) -> list[str]:
    return [each.partition("@")[0] for each in drive.did]


def test_a_loop_takes_its_turns_one_after_the_other() -> None:
    drive = Drive(plan(loop("1.1", 3, ("a", "b", "c")), step("1.2"))).go()
    assert did(drive) == ["1.1.1", "1.1.2", "1.1.3", "1.2"]
    assert drive.outcome("1.1") is OK


@pytest.mark.parametrize(
    ("items", "turns"), [([], []), (["x"], ["1.1.1"]), (["x", "y", "z"], ["1.1.1", "1.1.2", "1.1.3"])]
)
def test_turns_without_an_item_are_never_taken_and_are_no_deviation(items: list[str], turns: list[str]) -> None:
    drive = Drive(plan(loop("1.1", 3), step("1.2")), items={"1.1": [items]}).go()
    assert did(drive) == [*turns, "1.2"]
    assert (items_of(drive.run, "1.1"), drive.outcome("1.1"), not_as_planned(drive.run)) == (tuple(items), OK, ())


def test_a_turn_knows_its_item_and_is_called_by_it() -> None:
    drive = Drive(plan(loop("1.1", 2)), items={"1.1": [["x", {"name": "y"}]]}).go()
    turns = drive.run.plan.sections[0].steps[0].steps
    assert [items_around(drive.run, turn) for turn in turns] == [{"item": "x"}, {"item": {"name": "y"}}]
    assert [name_of(drive.run, turn) for turn in turns] == ["Turn (x)", "Turn (y)"]
    assert name_of(Drive(drive.run.plan).run, turns[0]) == "Turn (item 1)"


@pytest.mark.parametrize(
    ("item", "label"),
    [("a\n b", "a b"), (3, "3"), ({"name": "n", "x": 1}, "n"), ({"x": 1}, '{"x":1}'), ("a" * 41, "a" * 37 + "...")],
)
def test_an_item_has_a_short_name(item: object, label: str) -> None:
    assert label_of(item) == label


def test_what_ran_is_undone_turn_by_turn_the_newest_first() -> None:
    drive = Drive(
        closing(loop("1.1", 4)),
        items={"1.1": [["a", "b", "c"]]},
        outcomes={"1.1.2": FAILED},
        replies={"1.1.2": [picks("rollback")]},
    ).go()
    assert did(drive) == ["1.1.1", "1.1.2", "1.1.2.undo.1", "1.1.1.undo.1", "R.1", "A.1"]


def test_a_turn_that_failed_may_be_passed_over_and_the_others_follow() -> None:
    drive = Drive(plan(loop("1.1", 3, (1, 2, 3))), outcomes={"1.1.2": FAILED}, replies={"1.1.2": [picks("skip")]}).go()
    assert did(drive) == ["1.1.1", "1.1.2", "1.1.3"]
    assert verdicts(drive.run).run == "completed with deviations"


def test_a_turn_whose_failure_is_handed_on_ends_the_loop() -> None:
    of = plan(
        step(
            "1.1",
            LoopAction(items=(1, 2)),
            hosts=(),
            on_failure="abort",
            steps=(step("1.1.1", on_failure="propagate"), step("1.1.2")),
        )
    )
    drive = Drive(of, outcomes={"1.1.1": FAILED}).go()
    assert (did(drive), drive.outcome("1.1"), drive.state("1.1").detail) == (["1.1.1"], FAILED, "Step 1.1.1: failed")


@pytest.mark.parametrize("at", range(1, 7))
def test_a_runner_that_dies_in_the_middle_of_a_loop_is_followed_by_one_that_takes_the_next_turn(at: int) -> None:
    def drive() -> Drive:
        return Drive(plan(step("1.1"), loop("1.2", 5), step("1.3")), items={"1.2": [["a", "b", "c", "d"]]})

    cut = drive().go(lambda drive: len(drive.did) >= at)
    cut.crash_and_resume().go()
    assert cut.did == drive().go().did
    assert set(cut.started.values()) == {1}


def test_a_loop_that_is_left_by_a_way_back_goes_through_its_items_anew() -> None:
    back = step(
        "1.2.2", ChooseAction(prompt="?", options=(Option(label="back", goto="1.1"), Option(label="on"))), hosts=()
    )
    turn = Turn(loop="1.2", number=0)
    turns = tuple(msg(each, turns=(turn,)) for each in (step("1.2.1", CommandAction(shell="x")), back))
    block = step("1.2", LoopAction(source="{{ x }}", at_most=2), hosts=(), steps=turns)
    drive = Drive(
        plan(step("1.1"), block, step("1.3")),
        items={"1.2": [["a", "b"], ["c", "d"]]},
        replies={"1.2.2": [says("choose", value="back"), says("choose", value="on")]},
    ).go()
    assert did(drive) == ["1.1", "1.2.1", "1.1", "1.2.1", "1.3"]
    assert (drive.state("1.2").visit, items_of(drive.run, "1.2")) == (2, ("c", "d"))


def msg(planned: PlannedStep, **fields: object) -> PlannedStep:
    return step(planned.id, planned.action, hosts=planned.hosts, **fields)


@pytest.mark.parametrize(
    ("then", "lost"),
    [(["a", "b"], ()), (["a", "b", "c"], ()), (["a"], ("b",)), (["b", "a"], ("a", "b")), ([], ("a", "b"))],
)
def test_items_that_a_later_visit_would_forget_are_named_while_something_of_them_could_be_undone(
    then: list[str], lost: tuple[str, ...]
) -> None:
    again = step("1.2", BranchAction(ways=(Way(when="x", goto="1.1"),)), hosts=(CONTROLLER,))
    drive = Drive(plan(loop("1.1", 3), again), items={"1.1": [["a", "b"]]}, values={"1.2": [0, 1]})
    drive.go(lambda drive: drive.tale[-1] == "jump 1.2 to 1.1" or drive.run.steps["1.2"].has_jumped)
    state = drive.state("1.1")
    assert forgotten_items(drive.run, state, tuple(then)) == lost


def test_a_loop_that_is_jumped_over_leaves_no_trail_of_turns() -> None:
    way = step("1.1", ChooseAction(prompt="?", options=(Option(label="over", goto="1.3"),)), hosts=())
    drive = Drive(plan(way, loop("1.2", 3), step("1.3")), replies={"1.1": [says("choose", value="over")]}).go()
    assert not_as_planned(drive.run) == ()
