"""What a step is for is where it stands in the plan: in a plan that is made, and in a record that does not say."""

from __future__ import annotations

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.fold.evolve import open_run
from runbook.core.planned.action import BlockAction
from runbook.core.planned.casting import cast
from runbook.core.planned.plan import Plan, PlannedSection
from runbook.core.planned.role import Role
from tests.builders import opened, plan, step


def whole() -> Plan:
    """A step in every place, and blocks in those that have an inside."""
    inner = step("1.1.1", BlockAction(), steps=(step("1.1.1.1"),), rescue=(step("1.1.1.rescue.1"),))
    undo = step("1.1.undo.1", BlockAction(), steps=(step("1.1.undo.1.1"),), rescue=(step("1.1.undo.1.rescue.1"),))
    rescue = step("1.1.rescue.1", BlockAction(), always=(step("1.1.rescue.1.always.1"),))
    end = step("1.1.always.1", BlockAction(), rescue=(step("1.1.always.1.rescue.1"),))
    block = step("1.1", BlockAction(), steps=(inner,), rescue=(rescue,), always=(end,), undo=(undo,))
    closing = step("A.1", BlockAction(), rescue=(step("A.1.rescue.1"),))
    return plan(block, rollback=(step("R.1", undo=(step("R.1.undo.1"),)),), always=(closing,))


def test_a_step_is_for_what_its_place_says_and_the_outermost_place_counts() -> None:
    assert {each.id: (str(each.role), each.undoes) for each in whole().walk()} == {
        "1.1": ("forward", ""),
        "1.1.1": ("forward", ""),
        "1.1.1.1": ("forward", ""),
        "1.1.1.rescue.1": ("rescue", ""),
        "1.1.rescue.1": ("rescue", ""),
        "1.1.rescue.1.always.1": ("rescue", ""),
        "1.1.always.1": ("always", ""),
        "1.1.always.1.rescue.1": ("rescue", ""),
        "1.1.undo.1": ("undo", "1.1"),
        "1.1.undo.1.1": ("undo", "1.1"),
        "1.1.undo.1.rescue.1": ("undo", "1.1"),
        "R.1": ("rollback", ""),
        "R.1.undo.1": ("undo", "R.1"),
        "A.1": ("closing", ""),
        "A.1.rescue.1": ("closing", ""),
    }


def test_only_what_a_rollback_consists_of_takes_back() -> None:
    assert {role for role in Role if role.takes_back} == {Role.UNDO, Role.ROLLBACK}


def test_a_record_from_before_there_were_roles_has_them_once_it_is_read_and_its_digest_is_untouched() -> None:
    event = opened(msgspec.convert(_without_roles(msgspec.to_builtins(whole())), Plan))
    run = open_run(Entry(seq=0, at=0.0, wall="", event=event))
    assert run is not None
    assert all(each.role is Role.FORWARD for each in event.plan.walk())
    assert run.plan == whole()
    assert run.steps["1.1.undo.1.1"].planned.undoes == "1.1"
    assert event.plan.digest == event.plan_digest


def test_a_record_is_not_believed_about_what_a_step_is_for() -> None:
    claimed = step("1.1", role=Role.UNDO, undoes="1.2")
    edited = msgspec.structs.replace(plan(), sections=(PlannedSection(id="1", name="Work", steps=(claimed,)),))
    assert [(each.role, each.undoes) for each in cast(edited).walk()] == [(Role.FORWARD, "")]


def _without_roles(value: object) -> object:
    match value:
        case dict():
            return {key: _without_roles(each) for key, each in value.items() if key not in {"role", "undoes"}}
        case list() | tuple():
            return [_without_roles(each) for each in value]
        case _:
            return value
