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
    assert verdicts == {"run-role": "allow", "freeze": "refuse", "window": "allow"}


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
