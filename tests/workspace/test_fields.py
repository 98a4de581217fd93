"""What a runbook asks for, as whoever asks for it needs to know it."""

from __future__ import annotations

import pytest
from msgspec import structs

from runbook.core.host import Host
from runbook.document.runbook_file import parse_runbook
from runbook.problem import Problems
from runbook.workspace.fields import NO_HOSTS, asks_for_hosts, fields_of, judge
from runbook.workspace.rows import ParameterField

BOOK = """version: 1
kind: operation
name: ask
title: Ask
parameters:
  primary: {type: host, help: The database}
  reason: {type: string, pattern: "CHG-[0-9]+"}
  ratio: {type: integer, default: 10, min: 0, max: 100}
  mode: {type: choice, choices: [graceful, forced], default: graceful, required: true}
  dry: {type: boolean, default: "on"}
  note: {type: string, required: false}
  services: {type: list, default: [nginx, php-fpm], choices: [nginx, php-fpm, redis], min: 1}
  typed: {type: secret}
  kept: {type: secret, from: "env:DB_PASSWORD"}
  made: {type: secret, from: "command:vault read -field=x secret/db"}
sections: [{name: A, steps: [notice: a]}]
"""
RUNBOOK = parse_runbook(BOOK.encode(), "ask")
HOSTS = structs.replace(NO_HOSTS, name="lab", hosts={name: Host(name=name) for name in ("db1", "db2")})


def field(name: str, kind: str, **fields: object) -> ParameterField:
    plain = {"help": "", "default": "", "required": False, "choices": (), "secret": kind == "secret"}
    return ParameterField(name=name, type=kind, **{**plain, **fields})


def test_each_says_what_it_is_whether_it_is_needed_and_what_can_be_picked() -> None:
    assert fields_of(RUNBOOK, HOSTS) == (
        field("primary", "host", help="The database", required=True, choices=("db1", "db2")),
        field("reason", "string", required=True, bounds="like CHG-[0-9]+"),
        field("ratio", "integer", default="10", bounds="0 to 100"),
        field("mode", "choice", default="graceful", required=True, choices=("graceful", "forced")),
        field("dry", "boolean", default="true", choices=("true", "false")),
        field("note", "string"),
        field("services", "list", default="nginx, php-fpm", bounds="any of nginx, php-fpm, redis, at least 1"),
        field("typed", "secret", required=True),
        field("kept", "secret", origin="env:DB_PASSWORD"),
        field("made", "secret", origin="its command"),
    )


def test_its_kind_is_its_type_with_its_bounds() -> None:
    kinds = [one.kind for one in fields_of(RUNBOOK, NO_HOSTS)][1:4]
    assert kinds == ["string, like CHG-[0-9]+", "integer, 0 to 100", "choice"]


def test_hosts_are_looked_for_only_where_one_is_asked_for() -> None:
    assert asks_for_hosts(RUNBOOK)
    assert not asks_for_hosts(structs.replace(RUNBOOK, parameters={"note": RUNBOOK.parameters["note"]}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("primary", "db3", 'host parameter "primary" cannot be "db3". It is no host of inventory lab.'),
        ("reason", "no", 'string parameter "reason" cannot be "no". It must match CHG-[0-9]+.'),
        ("ratio", "101", 'integer parameter "ratio" cannot be "101". The most is 100.'),
        ("mode", "soft", 'choice parameter "mode" cannot be "soft". It must be one of graceful, forced.'),
        ("dry", "perhaps", 'boolean parameter "dry" cannot be "perhaps". Write true or false.'),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(Problems) as refused:
        judge(RUNBOOK, HOSTS, name, value, source="form")
    assert str(refused.value).startswith(f"parameter {name} (form): {said}")


def test_a_value_that_fits_is_not() -> None:
    judge(RUNBOOK, HOSTS, "primary", "db2", source="form")
