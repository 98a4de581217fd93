"""Approvals that nobody could give are told before a run, and people whom no run lets in are found."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from runbook.core.planned.action import ApproveAction
from runbook.core.planned.plan import Environment, Plan
from runbook.workspace.people import approvals_out_of_reach, shut_out
from runbook.workspace.settings import Settings, read_settings
from tests.builders import plan, step

ME = pwd.getpwuid(os.getuid()).pw_name
OTHER = next(one.pw_name for one in pwd.getpwall() if one.pw_uid != os.getuid())


def settings(folder: Path, *allowed: str) -> Settings:
    (folder / "runbook.toml").write_text(f"[control]\nallow = {list(allowed)!r}\n")
    return read_settings(folder)


def signed(approvers: tuple[str, ...] = (), *, auto: tuple[str, ...] = (), **fields: object) -> Plan:
    place = Environment(name="lab", auto=auto, roles={"lead": (OTHER,), "nobody-here": ("grace",)})
    return plan(
        step("1.1", ApproveAction(message="Go?", approvers=approvers, **fields), name="Sign"), environment=place
    )


@pytest.mark.parametrize("approvers", [(), ("lead",), (OTHER,)])
def test_an_approval_by_somebody_who_gets_through_is_fine(tmp_path: Path, approvers: tuple[str, ...]) -> None:
    assert approvals_out_of_reach(signed(approvers), settings(tmp_path, OTHER)) == ()


@pytest.mark.parametrize(
    ("approvers", "allowed", "fields"),
    [
        ((), (), {}),
        (("lead",), (), {}),
        (("nobody-here",), (OTHER,), {}),
        ((), (OTHER,), {"min_required": 2}),
        ((ME,), (OTHER,), {}),
    ],
)
def test_an_approval_that_too_few_can_give_is_warned_of(
    tmp_path: Path, approvers: tuple[str, ...], allowed: tuple[str, ...], fields: dict[str, object]
) -> None:
    [found] = approvals_out_of_reach(signed(approvers, **fields), settings(tmp_path, *allowed))
    assert (found.code, found.warning) == ("approval-out-of-reach", True)
    assert found.what.startswith('step 1.1 "Sign" needs ')
    assert found.fix.startswith("Write into runbook.toml: [control] allow = [")


def test_the_operator_counts_where_the_step_says_so_and_a_machine_where_the_place_does(tmp_path: Path) -> None:
    assert approvals_out_of_reach(signed(allow_self=True), settings(tmp_path)) == ()
    assert approvals_out_of_reach(signed(auto=("all",)), settings(tmp_path)) == ()


def test_people_with_a_role_whom_no_run_lets_in_are_named(tmp_path: Path) -> None:
    assert shut_out(signed().environment, settings(tmp_path, OTHER)) == ("grace",)
    assert shut_out(signed().environment, settings(tmp_path)) == (OTHER, "grace")
