"""`runbook faults`: the catalogue, as whoever writes a drill reads it."""

from __future__ import annotations

import json

import msgspec
import pytest

from runbook.faults.table import FAULTS
from tests.cli.desk import Desk


def test_every_fault_is_listed_with_what_it_does(desk: Desk) -> None:
    said = desk.ask("faults")
    assert said.status == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in said.out.splitlines()}
    assert {fault.name: " ".join(fault.says.split()) for fault in FAULTS}.items() <= lines.items()


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_every_argument_of_a_fault_is_told_with_what_to_write(desk: Desk, name: str) -> None:
    said = desk.ask("faults", name)
    fault = next(each for each in FAULTS if each.name == name)
    first, *rows = [line for line in said.out.splitlines() if line.strip()]
    assert (said.status, first, said.err) == (0, f"{name}: {fault.says}", "")
    for field in msgspec.structs.fields(fault.arguments):
        row = next(line for line in rows if line.split()[0] == field.encode_name)
        assert field.required == (row.split()[1:2] == ["yes"])
        assert len(row.split()) > 1 + field.required, f"{field.encode_name} is not explained"


def test_who_names_a_process_is_told_that_one_name_is_enough_and_how_yaml_spells_a_no(desk: Desk) -> None:
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in desk.ask("faults", "process-kill").out.splitlines()}
    assert {name for name, row in rows.items() if row.startswith("one of these ")} == {"unit", "pid_file", "match"}
    assert rows["held_down"] == "false true or false"


def test_one_that_is_not_there_is_answered_with_the_nearest(desk: Desk) -> None:
    said = desk.ask("faults", "partitoin")
    assert (said.status, said.out) == (2, "")
    assert "partition" in said.err


def test_a_program_reads_the_arguments_as_a_schema(desk: Desk) -> None:
    said = desk.ask("faults", "--json")
    listed = json.loads(said.out)
    assert [each["fault"] for each in listed] == [fault.name for fault in FAULTS]
    (one,) = json.loads(desk.ask("faults", "port-block", "--json").out)
    assert (one["fault"], one["arguments"]["required"]) == ("port-block", ["ports"])
