"""What bad input gets: one clear problem each, the right exit status, nothing on standard output, no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.record.file_store import FileStore
from tests.cli.desk import STEP, Desk, Said, book

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

DOCUMENTS = {
    "broken YAML": "version: 1\nname: [look\n",
    "a tab for an indent": "version: 1\nsections:\n\t- name: x\n",
    "two documents": f"{book()}---\n{book()}",
    "nothing": "",
    "a list": "- one\n- two\n",
    "bytes that are no text": b"name: \xff\xfe\n",
    "a huge file": "# padding\n" * 150_000,
    "aliases that multiply": ALIASES,
    "a deep nest": f"version: {'[' * 80}{']' * 80}\n",
    "a key twice": book(head="title: Again\n"),
    "an unknown key": book(head="ownr: anna\n"),
    "a wrong type": book(head="tags: {a: b}\n"),
    "a bad duration": book(head="review_every: 15 mins\n"),
    "an unknown kind": book().replace("kind: operation", "kind: operationn"),
    "two kinds in one step": book(steps="[{name: Both, command: uptime, wait: 5s}]"),
    "no kind in a step": book(steps="[{name: None}]"),
    "a pattern without hosts": book(steps="[{name: Look, command: uptime, on: dattabase}]"),
    "a parameter that is not there": book(steps="[{name: Look, command: 'echo {{ who }}', on: localhost}]"),
    "a template that does not end": book(steps="[{name: Look, command: 'echo {{ who', on: localhost}]"),
    "a goto to nowhere": book(steps=f"[{STEP.replace('{name', '{on_failure: {goto: Nowhere}, name')}]"),
    "an object constructor": "version: !!python/object/apply:os.system [id]\n",
    "several mistakes at once": book(head="ownr: anna\nreview_every: soon\ntags: {a: b}\n"),
    "an escape sequence in a name": book(head='service: "\\e]52;c;aGk=\\a\\e[2J"\nownr: "\\e[31m"\n'),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_with_a_mistake_is_refused_with_its_place(
    desk: Desk, document: str | bytes, snapshot: object
) -> None:
    desk.write("drills/look.yaml", document)
    said = desk.ask("plan", "drills/look.yaml")
    assert (said.status, said.out) == (2, "")
    assert said.err == snapshot


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_check_finds_the_same_mistake_and_fails(desk: Desk, document: str | bytes) -> None:
    desk.write("drills/look.yaml", document)
    said = desk.ask("check", "drills/look.yaml")
    assert said.status == 2
    assert "drills/look.yaml" in said.out
    assert "\x1b" not in said.out + said.err


def cut(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])


def edit(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"rc":0', b'"rc":1'))


def empty(folder: Path) -> None:
    (folder / "journal.jsonl").write_bytes(b"")


DAMAGES = {"cut": cut, "edited": edit, "emptied": empty}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_verify_names_the_first_bad_line_of_a_damaged_record(
    desk: Desk, damage: Callable[[Path], None], snapshot: object
) -> None:
    damage(desk.record())
    said = desk.ask("verify")
    assert f"exit {said.status}\n{said.out}\n{said.err}" == snapshot


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_replay_tells_a_damaged_record_as_far_as_it_is_sound(
    desk: Desk, damage: Callable[[Path], None], snapshot: object
) -> None:
    damage(desk.record())
    said = desk.ask("replay", "--line")
    assert f"exit {said.status}\n{said.out}\n{said.err}" == snapshot


@pytest.mark.parametrize(("damage", "verdict"), [(cut, "interrupted"), (edit, "damaged"), (empty, "damaged")])
def test_a_damaged_record_is_listed_as_damaged_and_a_torn_one_as_interrupted(
    desk: Desk, damage: Callable[[Path], None], verdict: str
) -> None:
    damage(desk.record())
    desk.record("20261123T041300Z-orders-restart-0002")
    said = desk.ask("runs", "--json")
    assert (said.status, said.err) == (0, "")
    assert {row["id"][-4:]: row["verdict"] for row in json.loads(said.out)} == {"0001": verdict, "0002": "completed"}


def test_a_runbook_whose_newest_record_is_damaged_is_listed_so(desk: Desk) -> None:
    desk.write("drills/orders-restart.yaml", book(name="orders-restart"))
    edit(desk.record())
    rows = {row["name"]: row["last_verdict"] for row in json.loads(desk.ask("list", "--json").out)}
    assert rows == {"look": "", "orders-restart": "damaged"}


def refused(said: Said, snapshot: object) -> None:
    assert said.out == ""
    assert f"exit {said.status}\n{said.err}" == snapshot


def test_a_second_run_of_the_same_name_is_refused_while_one_is_live(desk: Desk, snapshot: object) -> None:
    with FileStore(desk.root / "recordings").hold("look", "20261123T041200Z-look-0001"):
        refused(desk.ask("run", "look", "--auto"), snapshot)


def test_recordings_that_cannot_be_made_stop_a_run_before_it_begins(desk: Desk, snapshot: object) -> None:
    desk.write("recordings", "a file where the folder should be")
    refused(desk.ask("run", "look", "--auto"), snapshot)


def test_an_unknown_runbook_is_answered_with_the_nearest_name(desk: Desk, snapshot: object) -> None:
    refused(desk.ask("run", "loook"), snapshot)


def test_a_name_that_two_runbooks_answer_to_is_not_guessed(desk: Desk, snapshot: object) -> None:
    desk.write("drills/restart.yaml", book(name="orders-restart"))
    desk.write("drills/orders-restart.yaml", book(name="orders-restart-slowly"))
    refused(desk.ask("run", "orders-restart"), snapshot)


@pytest.mark.parametrize("words", [("halt", "-m", "enough"), ("approve",)])
def test_the_name_of_a_runbook_means_its_newest_run(desk: Desk, words: tuple[str, ...]) -> None:
    desk.record()
    desk.record("20261123T041300Z-orders-restart-0002")
    said = desk.ask(*words, "orders-restart")
    assert said.err.startswith("error: run 20261123T041300Z-orders-restart-0002 has ended: completed\n")


def test_an_unknown_inventory_is_answered_with_the_nearest_name(desk: Desk, snapshot: object) -> None:
    refused(desk.ask("plan", "look", "-i", "hier"), snapshot)


def test_a_missing_parameter_is_asked_for_by_name(desk: Desk, snapshot: object) -> None:
    desk.write("drills/look.yaml", book(head="parameters:\n  reason: {type: string, help: Why it is done}\n"))
    refused(desk.ask("run", "look"), snapshot)


def test_an_unknown_parameter_is_answered_with_the_nearest_name(desk: Desk, snapshot: object) -> None:
    desk.write("drills/look.yaml", book(head="parameters:\n  reason: {type: string, default: none}\n"))
    refused(desk.ask("plan", "look", "-p", "raeson=x"), snapshot)


def test_a_parameter_without_an_equals_sign_is_no_parameter(desk: Desk, snapshot: object) -> None:
    refused(desk.ask("plan", "look", "-p", "reason"), snapshot)


def test_a_limit_that_matches_no_host_is_refused(desk: Desk, snapshot: object) -> None:
    refused(desk.ask("plan", "look", "-l", "db*"), snapshot)


def test_a_secret_without_a_value_stops_a_run_before_it_begins(desk: Desk, snapshot: object) -> None:
    secret = "parameters:\n  password: {type: secret, from: 'env:NOT_SET'}\n"
    desk.write("drills/look.yaml", book(head=secret))
    refused(desk.ask("run", "look"), snapshot)
    assert not (desk.root / "recordings").exists()


def test_a_gate_that_is_kept_for_people_stops_an_automatic_run_before_it_begins(desk: Desk, snapshot: object) -> None:
    desk.write("inventories/here/environment.yaml", "name: here\nconfirm: none\nauto: none\n")
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {STEP}]"))
    refused(desk.ask("run", "look", "--auto"), snapshot)
    assert not (desk.root / "recordings").exists()


@pytest.mark.parametrize("verb", ["verify", "replay", "attach", "resume", "approve"])
def test_a_record_that_is_not_there_is_said_so(desk: Desk, verb: str, snapshot: object) -> None:
    refused(desk.ask(verb, "2026"), snapshot)


@pytest.mark.parametrize("verb", ["verify", "replay"])
def test_an_id_that_fits_several_records_is_not_guessed(desk: Desk, verb: str, snapshot: object) -> None:
    desk.record()
    desk.record("20261123T041300Z-orders-restart-0002")
    refused(desk.ask(verb, "20261123"), snapshot)


@pytest.mark.parametrize(
    "words",
    [("approve",), ("attach",), ("halt", "-m", "x"), ("resume",), ("rollback",), ("tell", "pause"), ("report",)],
)
def test_an_id_that_means_three_runs_is_answered_with_the_whole_command_for_one(
    desk: Desk, words: tuple[str, ...]
) -> None:
    for number in (1, 2, 3):
        desk.record(f"20261123T04120{number}Z-orders-restart-000{number}")
    verb, *rest = words
    said = desk.ask(verb, "orders-rest", *rest)
    typed = " ".join(("runbook", verb, "0003", *rest))
    assert (said.status, said.out) == (2, "")
    ids = ", ".join(f"20261123T04120{number}Z-orders-restart-000{number}" for number in (3, 2, 1))
    assert said.err == (
        'run orders-rest: error: "orders-rest" may be any of 3 runs\n'
        f"  why: it stands in their ids: {ids}\n"
        f"  fix: Write one of them, such as: {typed}\n"
    )


def test_settings_that_cannot_be_read_are_said_by_every_verb(desk: Desk, snapshot: object) -> None:
    desk.write("runbook.toml", "recordngs = 'there'\n")
    refused(desk.ask("runs"), snapshot)


def test_a_halt_of_a_run_that_is_not_live_is_refused(desk: Desk, snapshot: object) -> None:
    desk.record()
    refused(desk.ask("halt", "last", "-m", "enough"), snapshot)


def test_a_host_that_does_not_answer_ends_a_run_as_unreachable(desk: Desk) -> None:
    """Port 1 of the loopback address is closed everywhere."""
    desk.write("inventories/here/hosts.yaml", "all: {hosts: {gone: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n")
    desk.write("drills/look.yaml", book(steps="[{name: Look, command: uptime, on: gone, timeout: 5s}]"))
    said = desk.ask("run", "look", "--auto")
    assert said.status == 3
    assert "UNRCH" in said.out
    assert "Traceback" not in said.err


def test_a_preflight_says_why_once_for_all_hosts_that_it_holds_for(desk: Desk) -> None:
    hosts = ", ".join(f"app{n}: {{ansible_host: 127.0.0.{n}, ansible_port: 1}}" for n in (1, 2, 3))
    desk.write("inventories/here/hosts.yaml", f"all: {{hosts: {{{hosts}}}}}\n")
    desk.write("drills/look.yaml", book(steps="[{name: Look, command: uptime, on: all, timeout: 5s}]"))
    said = desk.ask("preflight", "look")
    assert (said.status, said.err) == (3, "")
    table, reasons = said.out.split("\n\n")
    assert table.splitlines()[2] == "FAIL  app1  login      there is no key to log in to app1 with"
    what, why, fix = reasons.splitlines()
    assert what == "app[1-3]: there is no key to log in to app[1-3] with"
    assert why.startswith("  why: ")
    assert fix.startswith("  fix: Add the key to your agent")
