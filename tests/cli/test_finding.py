"""`runbook finding`: from what came to light to what was done about it."""

from __future__ import annotations

import getpass
import json

from tests.cli.desk import ENVIRONMENT, Desk


def test_a_finding_is_written_down_listed_and_closed_with_the_run_that_showed_it(desk: Desk) -> None:
    name = desk.ask("finding", "add", "The standby was late", "--severity", "high", "--owner", "ada").out.strip()
    assert name == "F-0001"
    assert desk.ask("finding", "add", "Nobody knew the number", "--category", "lesson").out.strip() == "F-0002"
    assert [line.split()[:3] for line in desk.ask("finding", "list").out.splitlines()[1:]] == [
        ["F-0001", "open", "high"],
        ["F-0002", "open", "medium"],
    ]
    assert desk.ask("finding", "close", name, "-m", "a faster disk", "--retest", "r7").status == 0
    assert [line.split()[0] for line in desk.ask("finding", "list").out.splitlines()[1:]] == ["F-0002"]
    told = json.loads(desk.ask("finding", "list", "--all", "--json").out)[0]
    assert (told["state"], told["closed"]["reason"], told["closed"]["retest"]) == ("closed", "a faster disk", "r7")


def test_one_that_is_overdue_is_seen_by_monitoring(desk: Desk) -> None:
    desk.ask("finding", "add", "Old", "--due", "2020-01-01")
    said = desk.ask("finding", "list", "--check")
    assert (said.status, "overdue" in said.out) == (1, True)


def test_a_date_that_is_none_and_a_finding_that_is_none_are_refused_in_words(desk: Desk) -> None:
    assert '"soon" is no date' in desk.ask("finding", "add", "x", "--due", "soon").err
    said = desk.ask("finding", "close", "F-0009", "-m", "done")
    assert (said.status, 'there is no finding "F-0009"' in said.err) == (5, True)
    assert desk.ask("finding", "list").err == "Nothing is open.\n"


def test_a_last_line_that_was_cut_is_no_finding_and_nothing_is_joined_to_it(desk: Desk) -> None:
    desk.ask("finding", "add", "First")
    path = desk.root / "recordings/.findings/findings.jsonl"
    path.write_bytes(path.read_bytes() + b'{"did":"opened","fin')
    assert desk.ask("finding", "add", "Second").out.strip() == "F-0002"
    assert len(desk.ask("finding", "list").out.splitlines()) == 3


def test_who_breaks_the_glass_is_reviewed_by_somebody_else(desk: Desk) -> None:
    me = getpass.getuser()
    text = f'{ENVIRONMENT}freeze: ["2000-01-01/2999-12-31"]\nroles: {{break_glass: [{me}]}}\n'
    desk.write("inventories/here/environment.yaml", text)
    why = "the old house is on fire"
    assert desk.ask("run", "look", "--auto", "--override", "freeze", "--reason", why).status == 0
    [found] = json.loads(desk.ask("finding", "list", "--json").out)
    assert found["opened"]["title"] == f"{me} overrode the rule freeze: {why}"
    assert found["opened"]["run"] == json.loads(desk.ask("runs", "--json").out)[0]["id"]
    said = desk.ask("finding", "close", "F-0001", "-m", "it was needed")
    assert (said.status, f"{me} broke the glass, and somebody else reviews it" in said.err) == (5, True)
