"""Windows, freezes and roles of an environment, from a plan that says so to a report that tells who went against them."""

from __future__ import annotations

import getpass
import json

from tests.cli.desk import ENVIRONMENT, Desk

FROZEN = f'{ENVIRONMENT}freeze: ["2000-01-01/2999-12-31 moving house"]\n'
SENTENCE = "here is frozen (moving house) for longer than 400 days"
WHY = "the old house is on fire"


def broken(desk: Desk, *, by: str) -> None:
    desk.write("inventories/here/environment.yaml", f"{FROZEN}roles: {{break_glass: [{by}]}}\n")


def test_a_plan_says_what_would_refuse_it_now(desk: Desk) -> None:
    desk.write("inventories/here/environment.yaml", FROZEN)
    said = desk.ask("plan", "look")
    assert (said.status, said.out.splitlines()[0]) == (0, f"refused now (freeze): {SENTENCE}.")
    verdicts = {one["rule"]: one["outcome"] for one in json.loads(desk.ask("plan", "look", "--json").out)["policy"]}
    assert [rule for rule, outcome in verdicts.items() if outcome != "allow"] == ["freeze"]


def test_a_run_that_a_rule_refuses_does_not_begin_and_its_status_says_so(desk: Desk) -> None:
    desk.write("inventories/here/environment.yaml", FROZEN)
    said = desk.ask("run", "look", "--line")
    assert said.status == 5
    assert SENTENCE in said.err
    assert "Nobody may override it: roles.break_glass in its environment.yaml names nobody." in said.err
    assert not (desk.root / "recordings").exists()


def test_who_may_break_the_glass_does_it_by_name_and_with_a_reason_and_the_report_tells(desk: Desk) -> None:
    broken(desk, by=getpass.getuser())
    said = desk.ask("run", "look", "--auto", "--override", "freeze", "--reason", WHY)
    assert said.status == 0, said.err
    assert f"RULE OVERRIDDEN  freeze by {getpass.getuser()}: {WHY} ({SENTENCE}.)" in said.out
    report = desk.ask("report", "last").out
    assert f"the rule freeze was overridden ({SENTENCE}.): {WHY}" in report
    assert "overrode the rule freeze" in report
    assert desk.ask("verify", "last").status == 0


def test_somebody_who_is_not_named_breaks_nothing(desk: Desk) -> None:
    broken(desk, by="grace")
    said = desk.ask("run", "look", "--auto", "--override", "freeze", "--reason", WHY)
    assert said.status == 5
    assert f"{getpass.getuser()} may not override a rule of here" in said.err
    assert "Ask grace." in said.err


def test_can_says_every_rule_and_when_it_may_be_run_next(desk: Desk) -> None:
    desk.write("inventories/here/environment.yaml", f'{ENVIRONMENT}windows: ["Sun 02:00-06:00 Europe/Berlin"]\n')
    said = desk.ask("can", "look", "--at", "2026-11-27T13:10Z")
    assert said.status == 5
    assert said.out.splitlines()[2] == (
        "refused  window           here opens Sun 02:00-06:00 Europe/Berlin; now it is Fri 27 Nov 2026 14:10. "
        "Next: Sun 29 Nov 2026 02:00 Europe/Berlin, in 1 d 11 h 50 min."
    )
    assert said.err == "It may be run next Sun 29 Nov 2026 02:00 Europe/Berlin, in 1 d 11 h 50 min.\n"
    assert desk.ask("can", "look", "--at", "2026-11-29T03:00Z").status == 0
    assert json.loads(desk.ask("can", "look", "--json", "--at", "2026-11-29T03:00Z").out)["may"] is True


def test_can_says_where_waiting_does_not_help(desk: Desk) -> None:
    desk.write("inventories/here/environment.yaml", f"{ENVIRONMENT}roles: {{run: [grace]}}\n")
    said = desk.ask("can", "look")
    assert (said.status, said.err) == (5, "Waiting alone does not help.\n")


def test_a_unix_group_in_a_role_is_its_members(desk: Desk) -> None:
    import grp
    import os

    mine = grp.getgrgid(os.getgid()).gr_name
    desk.write("inventories/here/environment.yaml", f'{ENVIRONMENT}roles: {{run: ["group:{mine}"]}}\n')
    assert desk.ask("can", "look").status == 0
    desk.write("inventories/here/environment.yaml", f'{ENVIRONMENT}roles: {{run: ["group:nobody-has-it"]}}\n')
    assert desk.ask("can", "look").status == 5


def test_check_tells_of_rules_that_cannot_be_kept(desk: Desk) -> None:
    text = f"{ENVIRONMENT}approvals: {{fault: 3}}\nroles: {{approve: [ada, grace]}}\n"
    desk.write("inventories/here/environment.yaml", text)
    found = json.loads(desk.ask("check", "--format", "json").out)
    assert [(one["code"], one["what"]) for one in found if one["code"] == "too-few-approvers"] == [
        ("too-few-approvers", "3 approvals are wanted and 2 people may approve")
    ]
