"""How an inventory is read on the command line: overrides, another reader, and programs that somebody has to agree to."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.workspace.kept_reading import FILE, kept_by, reading_again
from runbook.workspace.local import LocalWorkspace
from runbook.workspace.settings import read_settings
from tests.cli.desk import Desk, book

PROGRAM = """#!/bin/sh
touch ran
echo '{"_meta": {"hostvars": {"localhost": {"ansible_connection": "local", "rack": 7}}}}'
"""
VERBS = [
    ("plan", "look"),
    ("preflight", "look"),
    ("run", "look", "--auto", "--line"),
    ("check", "look"),
    ("hosts", "list"),
    ("hosts", "explain", "localhost"),
]


@pytest.fixture
def program(desk: Desk) -> Path:
    """The inventory `made` of the workspace is a program."""
    desk.write("inventories/made/environment.yaml", "name: made\nconfirm: none\nauto: all\n")
    path = desk.write("inventories/made/hosts", PROGRAM)
    path.chmod(0o755)
    return path.with_name("ran")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_without_a_terminal_a_program_is_refused_unless_the_option_lets_it_run(
    desk: Desk, program: Path, verb: tuple[str, ...]
) -> None:
    refused = desk.ask(*verb, "-i", "made")
    assert "inventories/made/hosts is a program and was not run" in refused.out + refused.err
    assert "--run-inventory-program" in refused.out + refused.err
    assert refused.status == (2 if verb[0] == "check" else 5)
    assert not program.exists()
    said = desk.ask(*verb, "-i", "made", "--run-inventory-program")
    assert (said.status, program.exists()) == (0, True), said


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 5), ("\n", 5)])
def test_at_a_terminal_a_person_is_asked_and_silence_is_a_no(
    desk: Desk, program: Path, typed: str, status: int
) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "runbook.cli", "plan", "look", "-i", "made"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        argv, cwd=desk.root, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(theirs)
        asked = b""
        while b"?" not in asked:
            asked += os.read(ours, 4096)
        os.write(ours, typed.encode())
        assert process.wait(20) == status
    os.close(ours)
    assert b"inventories/made/hosts is a program." in asked
    assert program.exists() == (status == 0)


def test_a_variable_on_the_command_line_beats_the_files(desk: Desk) -> None:
    step = "[{name: Look, command: 'echo {{ host.rack }}', on: localhost, durable: false, timeout: 10s}]"
    desk.write("drills/rack.yaml", book(name="rack", steps=step))
    desk.write("inventories/here/host_vars/localhost.yaml", "rack: 4\n")
    assert "echo 4" in desk.ask("plan", "drills/rack.yaml").out
    assert "echo 9" in desk.ask("plan", "drills/rack.yaml", "-e", "rack=9").out
    explained = json.loads(desk.ask("hosts", "explain", "localhost", "-i", "here", "-e", "rack=9", "--json").out)
    assert [(one["value"], one["origin"]) for one in explained if one["field"] == "variables.rack"] == [
        ('"9"', "command line")
    ]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("rack", '"rack" is no variable'),
        ("=4", '"" is no name of a variable'),
        ("a b=4", '"a b" is no name of a variable'),
        ("ansible_password=hunter2", "ansible_password does not belong on a command line"),
        ("db_token=hunter2", "db_token does not belong on a command line"),
    ],
)
def test_a_word_that_is_no_variable_or_may_be_a_secret_is_refused(desk: Desk, word: str, told: str) -> None:
    said = desk.ask("plan", "look", "-e", word)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(f"error: {told}\n")
    assert "hunter2" not in said.err


def test_another_reader_that_is_not_installed_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(desk.root))
    said = desk.ask("plan", "look", "--inventory-via", "ansible-inventory")
    assert (said.status, said.out) == (2, "")
    assert "no ansible-inventory is on the PATH" in said.err


def test_the_record_keeps_how_the_inventory_was_read_and_a_resume_reads_it_so(desk: Desk) -> None:
    assert desk.ask("run", "look", "--auto", "--line", "-e", "rack=9").status == 0
    record = LocalWorkspace(read_settings(desk.root)).store.find("last")
    kept = json.loads(record.copy(FILE))
    assert kept == {
        "inventory": str(desk.root / "inventories/here"),
        "via": "own",
        "variables": {"rack": "9"},
    }
    again = reading_again(kept_by(record), None)
    assert (again.overrides, again.via, again.agree) == ({"rack": "9"}, "own", None)


def test_several_inventories_are_one_and_the_record_knows_all_of_them(desk: Desk) -> None:
    desk.write("inventories/one/hosts", "localhost ansible_connection=local\n")
    desk.write("inventories/two/hosts", "second ansible_connection=local\n")
    listed = desk.ask("hosts", "list", "-i", "one", "-i", "two", "--json")
    assert [host["name"] for host in json.loads(listed.out)] == ["localhost", "second"]


def test_hosts_that_cannot_be_used_are_listed_with_the_reason(desk: Desk) -> None:
    desk.write("inventories/one/hosts", "[lin]\nl1\n[win]\nw1 ansible_connection=winrm\n")
    listed = desk.ask("hosts", "list", "-i", "one")
    assert (listed.status, "cannot be used: ansible_connection is 'winrm'" in listed.out) == (0, True), listed
    explained = desk.ask("hosts", "explain", "w1", "-i", "one")
    assert "no: ansible_connection is 'winrm'" in explained.out
