"""What became of a rollback: which undo was done where, what was not, and that an undo goes where its step ran."""

from __future__ import annotations

import pytest

from runbook.core.fold.rollback import Rollback, Undone, rollback, undoable
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import HaltRun, RollBack, SkipStep
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, CommandAction
from runbook.core.planned.plan import Plan
from tests.builders import plan, step
from tests.core.driving import Drive
from tests.core.shapes import changing, closing

FAILED, OK = Outcome.FAILED, Outcome.SUCCEEDED
BOTH = ("h1", "h2")


def two_hosts() -> Plan:
    """Two steps on two hosts, the second of which says what follows its failure."""
    one, two = changing("1.1", hosts=BOTH), changing("1.2", hosts=BOTH, on_failure="rollback")
    return plan(one, two, changing("1.3", hosts=BOTH), rollback=(step("R.1", hosts=("h1",)),))


def undone(of: str, outcome: Outcome | None = OK, **hosts: tuple[str, ...]) -> Undone:
    return Undone(step=f"{of}.undo.1", undoes=of, outcome=outcome, **hosts)


def test_a_rollback_that_failed_on_one_host_says_on_which_and_what_held() -> None:
    drive = Drive(two_hosts(), outcomes={"1.2@h2": FAILED, "1.2.undo.1@h1": FAILED}, attended=False).go()
    assert rollback(drive.run) == Rollback(
        verdict="failed",
        steps=(
            undone("1.2", FAILED, held=("h2",), failed=("h1",)),
            undone("1.1", held=BOTH),
            Undone(step="R.1", undoes="", outcome=OK, held=("h1",)),
        ),
    )
    assert (verdicts(drive.run).run, verdicts(drive.run).rollback) == ("failed", "failed")


def test_a_rollback_that_did_everything_held() -> None:
    assert rollback(Drive(two_hosts(), outcomes={"1.2@h2": FAILED}).go().run).verdict == "held"


@pytest.mark.parametrize("never", [Outcome.UNREACHABLE, Outcome.SKIPPED])
def test_a_step_is_undone_only_where_it_ran(never: Outcome) -> None:
    drive = Drive(two_hosts(), outcomes={"1.2@h1": FAILED, "1.2@h2": never}).go()
    assert [one for one in drive.did if one.startswith("1.2.undo")] == ["1.2.undo.1@h1"]


def test_an_undo_with_further_hosts_goes_to_these_and_of_its_steps_hosts_only_where_that_ran() -> None:
    undo = step("1.1.undo.1", CommandAction(shell="undo"), hosts=(*BOTH, "lb"))
    of = plan(step("1.1", hosts=BOTH, undo=(undo,), on_failure="rollback"), step("1.2", hosts=("lb",)))
    drive = Drive(of, outcomes={"1.1@h1": FAILED, "1.1@h2": Outcome.UNREACHABLE}).go()
    assert drive.did == ["1.1@h1", "1.1@h2", "1.1.undo.1@h1", "1.1.undo.1@lb"]


def test_the_undo_of_a_block_goes_only_where_something_inside_it_ran() -> None:
    inner = step("1.1.1", hosts=BOTH, on_failure="propagate")
    undo = step("1.1.undo.1", CommandAction(shell="undo"), hosts=BOTH)
    block = step("1.1", BlockAction(), steps=(inner,), undo=(undo,), on_failure="rollback")
    drive = Drive(plan(block), outcomes={"1.1.1@h1": FAILED, "1.1.1@h2": Outcome.UNREACHABLE}).go()
    assert drive.did == ["1.1.1@h1", "1.1.1@h2", "1.1.undo.1@h1"]


def test_without_a_rollback_there_is_none_and_what_could_be_undone_is_known() -> None:
    drive = Drive(plan(changing("1.1"), changing("1.2", on_failure="abort"), changing("1.3")), outcomes={"1.2": FAILED})
    assert rollback(drive.go().run) == Rollback(verdict="none")
    assert undoable(drive.run) == ("1.2", "1.1")


def test_a_rollback_under_way_is_running_and_one_that_was_halted_stopped_on_the_way() -> None:
    drive = Drive(two_hosts(), outcomes={"1.2@h2": FAILED})
    drive.go(until=lambda one: one.state("1.2.undo.1").is_live)
    assert rollback(drive.run).verdict == "running"
    assert drive.ask(HaltRun(reason="leave it")) is None
    assert rollback(drive.go().run).verdict == "stopped"
    assert undoable(drive.run) == ()


def test_an_undo_that_somebody_passed_over_where_its_step_ran_is_no_success() -> None:
    drive = Drive(two_hosts(), outcomes={"1.2@h2": FAILED})
    drive.go(until=lambda one: one.state("1.2.undo.1").is_live)
    assert drive.ask(SkipStep(step="1.1.undo.1", reason="wanted")) is None
    assert rollback(drive.go().run).verdict == "failed"


def test_a_rollback_with_nothing_to_undo_is_not_called_held() -> None:
    drive = Drive(plan(step("1.1")))
    assert drive.ask(RollBack(reason="back")) is None
    assert rollback(drive.go().run) == Rollback(verdict="empty")


def test_closing_steps_come_after_a_rollback_whatever_became_of_it() -> None:
    of = closing(changing("1.1", on_failure="rollback"), rollback=())
    drive = Drive(of, outcomes={"1.1": FAILED, "1.1.undo.1": FAILED}, attended=False).go()
    assert drive.did == ["1.1@db1", "1.1.undo.1@db1", "A.1@db1"]
