"""`plan`, `show`, `list` and `hosts`: reading before anything runs."""

from __future__ import annotations

import json

import pytest

from tests.cli.desk import STEP, Desk, book

FULL = """\
version: 1
kind: failover
name: orders
title: Fail orders over
owner: dba
reviewed: 2999-01-01
review_every: 90d
description: |
  Read this first.
inventory: fleet
service: orders
parameters:
  primary: {type: host, default: db1, help: The host that dies}
  password: {type: secret, from: "env:DB_PASSWORD"}
objectives: {rto: 60s}
steady_state:
  - {name: write-ok, http: {url: "http://127.0.0.1:1/health"}, expect: {status: 200}, every: 1s}
sections:
  - name: Prepare
    expected: 10s
    steps:
      - {name: Lag, command: orders lag, on: "{{ primary }}", durable: false, timeout: 10s, register: lag}
      - {name: Rack, command: "echo {{ host.rack }}", on: database, durable: false, timeout: 10s}
  - name: Recover
    steps:
      - {name: Sure?, confirm: "Promote after {{ lag.stdout }} s?", type: "{{ primary }}"}
      - name: Promote
        command: orders promote --password {{ password }}
        on: db2
        timeout: 30s
        rollback: {name: Demote, command: orders demote, on: db2, timeout: 30s}
      - name: Both
        parallel:
          - {name: One, command: "true", on: db1, timeout: 1s, durable: false}
          - {name: Two, wait_for: {probe: write-ok, timeout: 5s}}
rollback:
  - {name: Rejoin, command: orders rejoin, on: db1, timeout: 10s}
always:
  - {name: Tell, notify: {message: "{{ run.verdict }}"}}
"""
FLEET = """\
all:
  children:
    database:
      hosts:
        db1: {ansible_host: 192.0.2.1, ansible_user: ops, rack: a1}
        db2: {ansible_host: 192.0.2.2, rack: a2}
"""


@pytest.fixture
def fleet(desk: Desk) -> Desk:
    desk.write("drills/orders.yaml", FULL)
    desk.write("inventories/fleet/hosts.yaml", FLEET)
    desk.write("inventories/fleet/environment.yaml", "name: fleet\nconfirm: none\n")
    return desk


def test_a_plan_shows_every_command_on_every_host(fleet: Desk, snapshot: object) -> None:
    said = fleet.ask("plan", "orders")
    assert (said.status, said.err) == (0, "")
    assert said.out == snapshot


def test_a_plan_asks_for_no_secret_and_shows_none(fleet: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    for words in (("plan", "orders"), ("plan", "orders", "--json"), ("show", "orders"), ("show", "orders", "--json")):
        said = fleet.ask(*words)
        assert said.status == 0
        assert "hunter2" not in said.out + said.err


def test_a_plan_as_data_is_the_plan_with_its_digest(fleet: Desk) -> None:
    plan = json.loads(fleet.ask("plan", "orders", "--json").out)
    assert plan["digest"] == "DIGEST"
    assert [section["id"] for section in plan["sections"]] == ["0", "1", "2"]
    assert plan["sections"][1]["steps"][1]["by_host"]["db2"]["shell"] == "echo a2"


def test_a_plan_keeps_a_long_step_id_apart_from_what_follows(desk: Desk) -> None:
    inside = f"steps: [{STEP}], rescue: [{STEP.replace('Look', 'Mend')}]"
    desk.write("drills/look.yaml", book(steps=f"[{{name: Try, block: {{{inside}}}}}]"))
    assert "    1.1.rescue.1 rescue: Mend\n" in desk.ask("plan", "look").out


def test_a_plan_can_be_limited_to_hosts(fleet: Desk) -> None:
    fleet.write("drills/look.yaml", book(steps="[{name: Look, command: uptime, on: database, timeout: 5s}]"))
    plan = json.loads(fleet.ask("plan", "look", "-i", "fleet", "-l", "db2", "--json").out)
    assert [host["name"] for host in plan["hosts"]] == ["db2"]
    assert plan["sections"][1]["steps"][0]["hosts"] == ["db2"]


def test_a_step_mode_plan_asks_before_each_step(desk: Desk) -> None:
    assert "? confirm" not in desk.ask("plan", "look").out
    assert "? confirm" in desk.ask("plan", "look", "--step").out


def test_a_runbook_is_shown_as_it_was_written(fleet: Desk, snapshot: object) -> None:
    said = fleet.ask("show", "orders")
    assert (said.status, said.err) == (0, "")
    assert said.out == snapshot


def test_a_runbook_as_data_says_nothing_of_its_file(fleet: Desk) -> None:
    shown = json.loads(fleet.ask("show", "orders", "--json").out)
    assert shown["parameters"]["primary"]["default"] == "db1"
    assert shown["sections"][1]["steps"][0]["action"] == {
        "kind": "confirm",
        "message": "Promote after {{ lag.stdout }} s?",
        "type": "{{ primary }}",
        "signed": "",
    }
    assert "where" not in json.dumps(shown)


def test_the_list_has_every_runbook_with_its_review_and_its_last_run(fleet: Desk) -> None:
    fleet.record()
    said = fleet.ask("list")
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "name    kind       owner  review  last run  came out  title\n"
        "look    operation  anna   ok      never     -         Look\n"
        "orders  failover   dba    ok      never     -         Fail orders over\n"
    )


def test_the_list_can_be_narrowed(fleet: Desk) -> None:
    assert [row["name"] for row in json.loads(fleet.ask("list", "--kind", "failover", "--json").out)] == ["orders"]
    assert json.loads(fleet.ask("list", "--tag", "tier-1", "--json").out) == []


def test_a_broken_runbook_is_told_beside_the_list(fleet: Desk) -> None:
    fleet.write("drills/orders.yaml", "name: [orders\n")
    said = fleet.ask("list")
    assert said.status == 0
    assert len(said.out.splitlines()) == 2
    assert "drills/orders.yaml:1:7: error: the [ that opens here is not closed" in said.err


@pytest.mark.parametrize("word", ["drills/oddly-filed.yaml", "oddly-filed", "orders-restart"])
def test_a_runbook_is_found_by_its_path_its_file_and_the_name_that_the_list_shows(desk: Desk, word: str) -> None:
    desk.write("drills/oddly-filed.yaml", book(name="orders-restart"))
    desk.go(desk.write("inventories/here/group_vars/all.yaml", "{}").parent)
    assert json.loads(desk.ask("show", word, "--json").out)["name"] == "orders-restart"


def test_a_broken_runbook_is_found_by_its_name_so_that_its_problems_are_told(desk: Desk) -> None:
    desk.write("drills/oddly-filed.yaml", book(name="orders-restart", head="ownr: anna\n"))
    said = desk.ask("plan", "orders-restart")
    assert (said.status, 'unknown key "ownr"' in said.err) == (2, True)


def test_hosts_are_listed_by_pattern(fleet: Desk) -> None:
    assert fleet.ask("hosts", "list", "-i", "fleet").out == (
        "host  reached at  as   groups\ndb1   192.0.2.1   ops  database\ndb2   192.0.2.2   -    database\n"
    )
    hosts = json.loads(fleet.ask("hosts", "list", "database:!db1", "-i", "fleet", "--json").out)
    assert [host["name"] for host in hosts] == ["db2"]


def test_a_host_is_explained_value_by_value(fleet: Desk, snapshot: object) -> None:
    said = fleet.ask("hosts", "explain", "db1", "-i", "fleet")
    assert (said.status, said.err) == (0, "")
    assert said.out == snapshot


def test_a_host_that_is_not_there_is_answered_with_the_nearest(fleet: Desk) -> None:
    said = fleet.ask("hosts", "explain", "db9", "-i", "fleet")
    assert (said.status, said.out) == (2, "")
    assert 'Did you mean "db' in said.err


def test_without_a_named_inventory_the_known_ones_are_said(fleet: Desk) -> None:
    said = fleet.ask("hosts", "list")
    assert (said.status, said.out) == (2, "")
    assert said.err == "error: no inventory is named\n  fix: Give one: -i NAME. Known: fleet, here.\n"


def test_the_only_inventory_need_not_be_named(desk: Desk) -> None:
    assert "localhost" in desk.ask("hosts", "list").out


def test_the_schema_is_json_schema(desk: Desk) -> None:
    schema = json.loads(desk.ask("schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_hostile_names_do_not_reach_the_terminal(desk: Desk) -> None:
    hostile = STEP.replace("name: Look", 'name: "\\e]0;owned\\a\\e[2Jlook\\u202e"')
    desk.write("drills/look.yaml", book(head='service: "\\e[31m"\n', steps=f"[{hostile}]"))
    for words in (
        ("plan", "look"),
        ("plan", "look", "--json"),
        ("show", "look"),
        ("show", "look", "--json"),
        ("list",),
    ):
        said = desk.ask(*words)
        assert said.status == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)
