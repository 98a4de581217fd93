"""Plans of runs that follow an ended one: from a step on, or back, and never twice."""

from __future__ import annotations

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, CommandAction, ManualAction, PreflightAction
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.fault_action import FaultAction, FaultAhead
from runbook.core.planned.plan import AbortRule, Plan
from runbook.core.planned.role import Role
from runbook.planning.following import plan_back, plan_from, undone_by
from runbook.problem import Problems
from tests.builders import plan, section, step
from tests.core.driving import Drive
from tests.core.shapes import changing

FAILED = Outcome.FAILED
BOTH = ("h1", "h2")


def whole() -> Plan:
    look = step("0.1", PreflightAction(), hosts=("h1", "h2", "h3"))
    one = section("1", step("1.1", name="One", hosts=("h3",)), step("1.2", name="Two", hosts=("h1",)))
    inner = step("2.1", BlockAction(), name="Both", steps=(step("2.1.1", name="In it", hosts=("h2",)),))
    return plan(sections=(section("0", look), one, section("2", inner)), always=(step("A.1", hosts=("h1",)),))


def ids(of: Plan) -> list[str]:
    return [each.id for each in of.walk()]


@pytest.mark.parametrize("step", ["1.2", "Two"])
def test_a_plan_goes_on_from_a_step_by_its_id_or_its_name_and_looks_only_where_it_goes(step: str) -> None:
    rest = plan_from(whole(), step)
    assert ids(rest) == ["0.1", "1.2", "2.1", "2.1.1", "A.1"]
    assert rest.sections[0].steps[0].hosts == ("h1", "h2")


def test_going_on_behind_a_fault_asks_nobody_to_carry_it_and_is_not_refused_for_what_the_run_before_left() -> None:
    """Lifting first what holds an old primary off may be just what must not be done."""
    cut = FaultAction(fault="partition", duration=60.0)
    look = step("0.1", PreflightAction(refuses_broken=True), hosts=BOTH)
    ahead = tuple(FaultAhead(step=each, action=cut) for each in ("1.1", "1.3"))
    carries = step("0.2", PreflightAction(faults=ahead[:1]), hosts=BOTH, by_host={"h2": PreflightAction(faults=ahead)})
    steps = (
        step("1.1", cut, hosts=BOTH),
        step("1.2", hosts=BOTH),
        step("1.3", cut, hosts=("h2",)),
        step("1.4", hosts=BOTH),
    )
    of = plan(sections=(section("0", look, carries), section("1", *steps)))
    [first, second] = plan_from(of, "1.2").sections[0].steps
    assert (first.action_on("h1").refuses_broken, first.action_on("h2").refuses_broken) == (False, True)
    assert (second.hosts, second.action) == (("h2",), PreflightAction(faults=ahead[1:]))
    assert [each.id for each in plan_from(of, "1.4").sections[0].steps] == ["0.1"]


@pytest.mark.parametrize(
    ("wanted", "what", "fix"),
    [
        ("One more", 'there is no step "One more"', "Known: 1.1, 1.2, 2.1, Both, One, Two."),
        ("In it", 'step "In it" stands inside another', 'Begin with the step around it: --at 2.1 ("Both").'),
    ],
)
def test_a_place_that_no_run_can_begin_at_is_refused_with_those_that_there_are(
    wanted: str, what: str, fix: str
) -> None:
    with pytest.raises(Problems) as refused:
        plan_from(whole(), wanted)
    [found] = refused.value.problems
    assert (found.what, found.fix) == (what, fix)


def test_a_step_that_may_lead_back_before_the_beginning_keeps_the_run_from_beginning_there() -> None:
    steps = (step("1.1"), step("1.2"), step("1.3", on_failure="goto", goto="1.1"))
    of = plan(sections=(section("0"), section("1", *steps)))
    with pytest.raises(Problems, match="may lead back to step") as refused:
        plan_from(of, "1.2")
    assert refused.value.problems[0].fix == "Begin earlier: --at 1.1"
    assert ids(plan_from(of, "1.1")) == ["1.1", "1.2", "1.3"]


def failed(outcomes: dict[str, Outcome] | None = None) -> Drive:
    """Two steps on two hosts that ran, the second not everywhere, and one that was never reached."""
    steps = (
        changing("1.1", hosts=BOTH),
        changing("1.2", hosts=BOTH, on_failure="abort"),
        changing("1.3", hosts=BOTH),
    )
    look = section("0", step("0.1", PreflightAction(), hosts=BOTH))
    of = plan(sections=(look, section("1", *steps)), abort_when=(AbortRule(probe="p"),))
    return Drive(of, outcomes=outcomes or {"1.2@h2": FAILED}).go()


def hosts(of: Plan) -> dict[str, tuple[str, ...]]:
    return {each.id: each.hosts for each in of.sections[1].steps}


def test_what_ran_is_taken_back_in_reverse_where_it_ran_and_no_abort_rule_stops_that() -> None:
    back = plan_back(failed().run, {})
    assert hosts(back) == {"1.2.undo.1": BOTH, "1.1.undo.1": BOTH}
    assert (back.kind, back.abort_when, back.rollback) == ("rollback", (), ())
    assert {each.role for each in back.sections[1].steps} == {Role.FORWARD}


def test_a_host_on_which_a_step_never_ran_is_left_alone() -> None:
    run = failed({"1.2@h1": FAILED, "1.2@h2": Outcome.UNREACHABLE}).run
    assert hosts(plan_back(run, {})) == {"1.2.undo.1": ("h1",), "1.1.undo.1": BOTH}


def test_what_is_undone_already_is_not_undone_again() -> None:
    of = plan(
        sections=(section("0"), section("1", changing("1.1", hosts=BOTH), changing("1.2", hosts=BOTH, on_failure="rollback")))
    )  # fmt: skip
    first = Drive(of, outcomes={"1.2@h2": FAILED, "1.2.undo.1@h1": FAILED}, attended=False).go().run
    back = plan_back(first, undone_by(first))
    assert hosts(back) == {"1.2.undo.1": ("h1",)}
    second = Drive(back, earlier=Earlier(run=first.id, does="rolls_back")).go().run
    done = undone_by(first)
    done |= {name: done.get(name, frozenset()) | more for name, more in undone_by(second).items()}
    with pytest.raises(Problems, match="everything that ran and has an undo is undone"):
        plan_back(first, done)


def test_a_run_without_an_undo_has_nothing_to_roll_back() -> None:
    with pytest.raises(Problems, match="nothing that ran has an undo"):
        plan_back(Drive(plan(step("1.1"))).go().run, {})


def test_a_person_undoes_by_hand_once() -> None:
    by_hand = step("1.1.undo.1", ManualAction(instructions="Plug it in"))
    run = Drive(plan(sections=(section("0"), section("1", step("1.1", undo=(by_hand,)))))).go().run
    back = plan_back(run, {})
    assert [each.id for each in back.sections[1].steps] == ["1.1.undo.1"]
    with pytest.raises(Problems, match="is undone"):
        plan_back(run, {"1.1.undo.1": frozenset()})


def test_only_the_undo_of_what_ran_inside_a_block_is_left() -> None:
    undo = step(
        "1.1.undo.1",
        BlockAction(),
        steps=tuple(step(f"1.1.undo.1.{host}", CommandAction(shell="u"), hosts=(host,)) for host in BOTH),
    )
    run = Drive(plan(sections=(section("0"), section("1", step("1.1", hosts=BOTH, undo=(undo,)))))).go().run
    back = plan_back(run, {"1.1.undo.1.h1": frozenset({"h1"})})
    assert ids(back) == ["1.1.undo.1", "1.1.undo.1.h2"]
