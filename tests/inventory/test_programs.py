"""Inventories that are programs: agreed to first, bounded, and judged like any other file."""

import json
import os
from pathlib import Path

import pytest

from runbook.inventory import program as inventory_program
from runbook.inventory.manner import Reading
from runbook.inventory.reading import read_inventory
from runbook.problem import Exit, Problems
from tests.place import eventually, gone

GOOD = {
    "_meta": {"hostvars": {"web1": {"ansible_host": "10.0.0.1", "rack": 4}, "extra": {"ansible_password": "hunter2"}}},
    "web": {"hosts": ["web1", "web2"], "vars": {"tier": "front"}},
    "db": ["db1"],
    "site": {"children": ["web", "db"]},
}


def program(folder: Path, body: str, *, name: str = "hosts") -> Path:
    path = folder / "inventories/here" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def reading(folder: Path):
    return read_inventory("here", workspace=folder, reading=Reading(agree=lambda _path: True))


def test_a_program_that_was_agreed_to_gives_the_inventory_that_it_prints(tmp_path):
    asked = []
    path = program(tmp_path, f"test \"$1\" = --list && cat <<'END'\n{json.dumps(GOOD)}\nEND")
    inventory = read_inventory("here", workspace=tmp_path, reading=Reading(agree=lambda it: not asked.append(it)))
    assert asked == [path]
    assert inventory.files == (str(path),)
    assert {name: set(hosts) for name, hosts in inventory.groups.items()} == {
        "all": {"web1", "web2", "db1", "extra"},
        "ungrouped": {"extra"},
        "web": {"web1", "web2"},
        "db": {"db1"},
        "site": {"web1", "web2", "db1"},
    }
    assert inventory.hosts["web1"].address == "10.0.0.1"
    assert inventory.hosts["web1"].variables == {"rack": 4, "tier": "front"}
    assert inventory.hosts["web1"].origins == {"address": "inventories/here/hosts"}
    assert [password.secret.reveal() for password in inventory.passwords] == ["hunter2"]


def test_a_number_without_end_stays_the_text_that_was_printed(tmp_path):
    program(tmp_path, """echo '{"_meta": {"hostvars": {"a": {"x": Infinity, "y": [NaN, 1e999], "z": 1.5}}}}'""")
    assert reading(tmp_path).hosts["a"].variables == {"x": "Infinity", "y": ["NaN", "1e999"], "z": 1.5}


@pytest.mark.parametrize("agree", [None, lambda _path: False])
def test_a_program_is_not_run_unless_somebody_agrees(tmp_path, agree):
    program(tmp_path, "touch ran")
    with pytest.raises(Problems) as refused:
        read_inventory("here", workspace=tmp_path, reading=Reading(agree=agree))
    assert (refused.value.problems[0].code, refused.value.exit) == ("program-not-agreed", Exit.REFUSED)
    assert not (tmp_path / "inventories/here/ran").exists()


def test_an_executable_bit_alone_makes_no_program(tmp_path):
    path = program(tmp_path, "", name="hosts.yaml")
    path.write_text("web: {hosts: {web1: {}}}\n")
    assert os.access(path, os.X_OK)
    assert read_inventory("here", workspace=tmp_path).groups["web"] == ("web1",)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo oops >&2; exit 3", "it ended with 3: oops"),
        ("exit 1", "it ended with 1: and said nothing"),
        ("echo hello", "Expecting value: line 1 column 1 (char 0)"),
        ('echo \'{"web": ["web1"]}\'', ""),
        ("echo '[]'", ""),
        (f"echo '{'[' * 60}{']' * 60}'", "it nests deeper than 50 levels"),
        ("kill -9 $$", "it ended with -9: and said nothing"),
    ],
)
def test_a_program_that_fails_or_prints_no_inventory_is_one_clear_problem(tmp_path, body, why):
    program(tmp_path, body)
    with pytest.raises(Problems) as refused:
        reading(tmp_path)
    (problem,) = refused.value.problems
    assert (problem.code, problem.why, str(problem.where)) == ("bad-program", why, "inventories/here/hosts")


def test_a_program_that_prints_without_end_is_ended(tmp_path):
    program(tmp_path, "yes")
    with pytest.raises(Problems, match="it prints more than 8,388,608 bytes"):
        reading(tmp_path)


async def test_a_program_that_never_ends_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory_program, "LIMIT_SECONDS", 0.2)
    path = program(tmp_path, "sleep 1000 & echo $! >child; wait")
    with pytest.raises(Problems, match="it takes longer than"):
        reading(tmp_path)
    child = int((path.parent / "child").read_text())
    await eventually(lambda: gone(child))  # a killed process needs a moment to die


def test_names_that_a_program_prints_are_judged_too(tmp_path):
    printed = {"_meta": {"hostvars": {}}, "web": {"hosts": ["../etc", "web[1:2]", "web1:22", "ok"]}}
    program(tmp_path, f"echo '{json.dumps(printed)}'")
    with pytest.raises(Problems) as refused:
        reading(tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["bad-host", "bad-program", "bad-program"]


def test_without_ansible_its_way_of_reading_is_refused_with_what_to_install(tmp_path, monkeypatch):
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    (place / "hosts.ini").write_text("web1\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problems) as refused:
        read_inventory("here", workspace=tmp_path, reading=Reading(via="ansible-inventory"))
    assert refused.value.problems[0].code == "no-ansible"
