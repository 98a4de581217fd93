"""A plan in short: every change by name, and nothing left out without a count."""

from __future__ import annotations

import pytest

from runbook.core.events.fault_event import LinkLoss
from runbook.core.planned.action import CommandAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Environment, Objectives
from runbook.core.planned.role import Role
from runbook.view.brief import brief, brief_lines
from runbook.view.plan import plan_rows
from tests.builders import plan, step
from tests.stories import failover_plan


def test_the_failover_in_short() -> None:
    of = failover_plan()
    assert (
        "\n".join(brief_lines(of))
        == f"""\
{of.title}
  {of.kind} {of.runbook} in lab: 8 steps, about 0:08
  hosts      app1,db[1-2]
  values     primary=db1, password=(secret)
  changes    3 steps, 2 of them without undo
             1.3 Kill the primary on db1, no undo
             2.2 Promote the standby on db2
             2.3 Repoint the application on app1, no undo
  asks       2 gates: 1.2 type db1, 2.1 answer
  undo       of 1 step
  objective  recovery within 1:00, data loss within 0:30
  digest     {of.digest[:16]}"""
    )


def test_what_is_broken_on_purpose_is_said_with_what_lifts_it() -> None:
    fault = FaultAction(fault="process-kill", arguments={"name": "orders"}, duration=60.0, lease=30.0)
    facts = dict(brief(plan(step("1.1", fault, name="Kill it", hosts=("db1",)))))
    assert facts["breaks"] == (
        "1.1 on db1, break: process-kill(name=orders), for 1:00; unheard of for 0:30 it lifts itself",
    )


@pytest.mark.parametrize(
    ("fault", "lost", "undo"),
    [
        ("service-stop", "revert", ("lifted by this run, or by its host",)),
        ("service-stop", "hold", ("lifted by this run",)),
        ("poweroff", "revert", ()),
        ("reboot", "revert", ()),
    ],
)
def test_a_fault_has_its_undo_without_a_step_that_says_so(fault: str, lost: LinkLoss, undo: tuple[str, ...]) -> None:
    broken = step("1.1", FaultAction(fault=fault, duration=60.0, on_link_loss=lost), hosts=("db1",), changes=True)
    [row] = plan_rows(plan(broken))
    assert (row.undo, row.is_without_undo) == (undo, not undo)
    assert dict(brief(plan(broken)))["changes"][0] == f"1 step, {'each with its undo' if undo else 'without undo'}"


def test_where_windows_and_a_freeze_hold_they_are_shown() -> None:
    place = Environment(name="live", windows=("Sun 02:00-06:00 UTC",), freeze=("2026-12-20/2027-01-03",))
    facts = dict(brief(plan(step("1.1"), environment=place)))
    assert (facts["window"], facts["freeze"]) == (("Sun 02:00-06:00 UTC",), ("2026-12-20/2027-01-03",))


def test_what_takes_it_back_and_what_comes_in_any_case_is_named() -> None:
    back = step("R.1", name="Follow the primary again", role=Role.ROLLBACK)
    end = step("A.1", name="Tell people", role=Role.CLOSING)
    facts = dict(brief(plan(step("1.1"), rollback=(back,), always=(end,))))
    assert (facts["undo"], facts["always"]) == (("Follow the primary again",), ("Tell people",))


def test_a_plan_that_changes_nothing_says_so() -> None:
    assert dict(brief(plan(step("1.1"), objectives=Objectives())))["changes"] == ("nothing",)


def test_of_many_changes_the_first_are_named_and_the_others_counted() -> None:
    many = (step(f"1.{number}", CommandAction(shell="x"), name="Do", changes=True) for number in range(1, 21))
    lines = dict(brief(plan(*many)))["changes"]
    assert (lines[0], len(lines), lines[-1]) == ("20 steps, without undo", 12, "and 10 more")
