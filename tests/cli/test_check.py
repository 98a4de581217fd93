"""`check`: what it looks at, what it prints in each format, and how it ends."""

from __future__ import annotations

import json

from tests.cli.desk import STEP, Desk, Said, book

NO_TIMEOUT = "{name: Change, command: touch x, on: localhost}"


def test_a_sound_workspace_says_so_and_prints_nothing(desk: Desk) -> None:
    assert desk.ask("check") == Said(0, "", "Nothing is wrong with 1 runbook.\n")


def test_a_place_without_runbooks_is_not_called_sound(desk: Desk) -> None:
    (desk.root / "drills/look.yaml").unlink()
    said = desk.ask("check")
    assert said == Said(
        2,
        "",
        "error: no runbook was found to check\n"
        "  fix: Go to your workspace, name a file, or make a first one with: runbook init\n",
    )


def test_warnings_alone_do_not_fail(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{NO_TIMEOUT}]"))
    said = desk.ask("check")
    assert said.status == 0
    assert said.out == (
        'warning: drills/look.yaml:10:37: changing step "Change" has no timeout. '
        "Add timeout: after it the step is stopped and you are asked.\n"
        'warning: drills/look.yaml:10:37: changing step "Change" has no rollback. '
        "Add rollback to the step or to the runbook; mark a step that changes nothing changes: false.\n"
        "0 errors, 2 warnings\n"
    )


def test_a_folder_is_all_that_lies_in_it(desk: Desk) -> None:
    desk.write("drills/sub/other.yml", book(name="other", head="ownr: x\n"))
    desk.write("drills/sub/notes.txt", "no runbook")
    said = desk.ask("check", "drills")
    assert said.status == 2
    assert said.out == (
        'error: drills/sub/other.yml:8:1: unknown key "ownr". Did you mean "owner"?\n1 error, 0 warnings\n'
    )


def test_a_file_that_is_named_twice_is_checked_once(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="ownr: x\n"))
    assert desk.ask("check", "look", "drills", "drills/look.yaml").out.endswith("1 error, 0 warnings\n")


def test_a_name_that_another_runbook_has_is_a_mistake_of_the_second(desk: Desk) -> None:
    desk.write("drills/zweite.yaml", book())
    said = desk.ask("check")
    assert said.status == 2
    assert said.out == (
        'error: drills/zweite.yaml:3:7: the name "look" is taken: drills/look.yaml has it. '
        "Names are unique in a workspace: records are found by them.\n1 error, 0 warnings\n"
    )


def test_an_inventory_that_no_runbook_uses_is_checked_with_the_workspace(desk: Desk) -> None:
    desk.write("inventories/old/hosts.yaml", "all: [oops]\n")
    said = desk.ask("check")
    assert said.status == 2
    assert "inventories/old/hosts.yaml:1:6" in said.out


def test_a_missing_file_does_not_hide_the_problems_of_the_others(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="ownr: x\n"))
    said = desk.ask("check", "gone.yaml", "look")
    assert said.status == 2
    assert said.out.endswith("2 errors, 0 warnings\n")


def test_a_parameter_that_every_run_must_be_given_is_no_mistake(desk: Desk) -> None:
    typed = "{target: {type: host}, why: {type: string}, n: {type: integer, min: 3}, how: {type: choice, choices: [a]}}"
    steps = "[{name: Look, command: 'echo {{ why }} {{ n }} {{ how }}', on: '{{ target }}', durable: false}]"
    desk.write("drills/look.yaml", book(head=f"parameters: {typed}\n", steps=steps))
    assert desk.ask("check") == Said(0, "", "Nothing is wrong with 1 runbook.\n")


def test_a_parameter_that_is_given_is_checked_as_a_run_would(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="parameters: {n: {type: integer, default: 1}}\n"))
    said = desk.ask("check", "look", "-p", "n=many")
    assert said.status == 2
    assert 'integer parameter "n" cannot be "many". Write a whole number.' in said.out


def test_a_runbook_without_an_inventory_is_still_read(desk: Desk) -> None:
    desk.write("drills/look.yaml", book().replace("inventory: here\n", ""))
    said = desk.ask("check")
    assert said.status == 0
    assert said.out.startswith("warning: drills/look.yaml: look was checked without an inventory")


def test_another_inventory_may_be_tried(desk: Desk) -> None:
    desk.write("inventories/there/hosts.yaml", "all: {hosts: {web1: {}}}\n")
    said = desk.ask("check", "look", "-i", "there")
    assert said.status == 2
    assert '"localhost" selects no host of there' in said.out


def test_json_is_an_array_of_findings(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="ownr: x\n"))
    said = desk.ask("check", "--format", "json")
    assert (said.status, said.err) == (2, "")
    assert json.loads(said.out) == [
        {
            "level": "error",
            "code": "unknown-key",
            "what": 'unknown key "ownr"',
            "why": "",
            "fix": 'Did you mean "owner"?',
            "file": "drills/look.yaml",
            "line": 8,
            "column": 1,
        }
    ]
    assert desk.ask("check", "--json") == said


def test_json_of_a_sound_workspace_is_an_empty_array(desk: Desk) -> None:
    assert json.loads(desk.ask("check", "--json").out) == []


def test_sarif_names_the_place_for_review_tools(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="ownr: x\n"))
    said = desk.ask("check", "--format", "sarif")
    (run,) = json.loads(said.out)["runs"]
    assert said.status == 2
    assert [result["ruleId"] for result in run["results"]] == ["unknown-key"]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "drills/look.yaml"},
        "region": {"startLine": 8, "startColumn": 1},
    }


def test_what_a_file_says_cannot_drive_the_terminal(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head='"\\e[2Jownr\\u202e": x\n'))
    for shape in ("text", "json", "sarif"):
        said = desk.ask("check", "--format", shape)
        assert said.status == 2
        assert not {"\x1b", "\u202e"} & set(said.out + said.err)
    assert json.loads(desk.ask("check", "--json").out)[0]["what"] == 'unknown key "\x1b[2Jownr\u202e"'


def test_a_check_works_from_below_the_workspace(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="ownr: x\n", steps=f"[{STEP}]"))
    said = desk.start("check", "look")
    assert said.out.startswith("error: drills/look.yaml:8:1:")


REQUIRED = """parameters:
  target: {type: string, required: true}
  ticket: {type: string, pattern: "CHG-[0-9]+"}
  count: {type: integer, min: 3}
"""
ASKED = "{name: Do, command: 'echo {{ ticket }} {{ count }}', on: '{{ target }}', durable: false, timeout: 5s}"


def test_a_sound_runbook_is_sound_whatever_a_run_has_to_be_given(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=REQUIRED, steps=f"[{ASKED}]"))
    said = desk.ask("check")
    assert (said.status, said.out) == (0, "")
    assert said.err == (
        "What depends on a parameter was not looked at. Look: runbook check --with-parameters -p target=VALUE\n"
        "Nothing is wrong with 1 runbook.\n"
    )


def test_with_parameters_looks_at_what_a_run_would_be_given(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=REQUIRED, steps=f"[{ASKED}]"))
    missing = desk.ask("check", "--with-parameters", "-p", "target=localhost", "-p", "ticket=CHG-1")
    assert (missing.status, missing.out.splitlines()[0]) == (
        2,
        'error: drills/look.yaml:11:10: parameter "count" is missing. Give it: -p count=VALUE.',
    )
    given = ("-p", "target=nowhere", "-p", "ticket=CHG-1", "-p", "count=3")
    assert '"nowhere" selects no host of here' in desk.ask("check", "--with-parameters", *given).out
    fine = ("-p", "target=localhost", "-p", "ticket=CHG-1", "-p", "count=3")
    assert desk.ask("check", "--with-parameters", *fine) == Said(0, "", "Nothing is wrong with 1 runbook.\n")


def test_a_mistake_beside_a_parameter_is_told_all_the_same(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=REQUIRED, steps=f"[{ASKED}, {{name: X, command: uptime, on: gone}}]"))
    said = desk.ask("check")
    assert said.status == 2
    assert '"gone" selects no host of here' in said.out
