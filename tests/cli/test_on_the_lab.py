"""The command line on real SSH servers: the embedded lab, a run on it, and hosts that are not who they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.lab.control import down, up
from tests.cli.desk import Desk, book

DRILLS = Path(__file__).parents[2] / "drills"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("lab") / ".lab"
    up(root)
    yield root
    down(root)


@pytest.fixture
def lab(desk: Desk, lab_root: Path) -> Desk:
    """A workspace whose lab is up, and new."""
    (desk.root / ".lab").symlink_to(lab_root)
    up(lab_root, inventory=desk.root / "inventories" / "lab", fresh=True)
    return desk


def test_a_lab_comes_up_is_looked_at_and_goes_down(desk: Desk) -> None:
    try:
        assert desk.ask("lab", "status") == (1, "The lab is down. Start it with: runbook lab up\n", "")
        state = json.loads(desk.ask("lab", "up", "--json").out)
        assert [host["name"] for host in state["hosts"]] == ["db1", "db2", "app1"]
        said = desk.ask("lab", "status")
        assert said.status == 0
        assert said.out.startswith("host  ssh ")
        assert "orders-db running" in said.out
        assert desk.ask("hosts", "list", "database", "-i", "lab").status == 0
    finally:
        assert desk.ask("lab", "down").out == "The lab is down.\n"
    assert json.loads(desk.ask("lab", "status", "--json").out)["running"] is False


def test_the_failover_ends_with_one_object_on_standard_output(lab: Desk) -> None:
    shutil.copytree(DRILLS, lab.root / "drills", dirs_exist_ok=True)
    said = lab.ask("run", "drills/failover/orders-failover.yaml", "-i", "lab", "--auto", "--line", "--json")
    ended = json.loads(said.out)
    assert said.status == 0, said.err
    assert list(ended) == ["run", "record", "runbook", "verdicts", "rta", "rpa", "steps"]
    assert ended["verdicts"] == {"run": "completed", "steady_state": "met", "objectives": "met", "revert": "none"}
    assert list(ended["rta"]) == ["seconds", "error", "objective"]
    assert 0 < ended["rta"]["seconds"] < ended["rta"]["objective"] == 60
    assert {step["outcome"] for step in ended["steps"]} == {"succeeded"}
    assert ended["record"] == f"WORKSPACE/recordings/{ended['run']}"
    assert lab.ask("verify", ended["run"]).status == 0
    assert lab.ask("report", ended["run"]).out.startswith("# Fail the orders database over to its standby\n")


@pytest.mark.parametrize(
    "name", ["operations/daily-health", "restore/orders-restore", "rollback/orders-release-rollback"]
)
def test_every_drill_of_the_lab_runs_by_itself(lab: Desk, name: str) -> None:
    shutil.copytree(DRILLS, lab.root / "drills", dirs_exist_ok=True)
    said = lab.ask("run", f"drills/{name}.yaml", "--auto", "--line", "--json")
    assert (said.status, json.loads(said.out)["verdicts"]["run"]) == (0, "completed"), said.err


def test_a_host_whose_key_has_changed_is_not_spoken_to(lab: Desk, lab_root: Path) -> None:
    """Each host is given the key of another in a copy of the known hosts."""
    known = (lab_root / "keys" / "known_hosts").read_text().splitlines()
    names, keys = zip(*(line.split(" ", 1) for line in known), strict=True)
    swapped = lab.write(
        "swapped", "".join(f"{name} {key}\n" for name, key in zip(names, (*keys[1:], keys[0]), strict=True))
    )
    for path in (lab.root / "inventories/lab/host_vars").glob("*.yaml"):
        path.write_text(path.read_text().replace(str(lab_root / "keys" / "known_hosts"), str(swapped)))
    lab.write("drills/look.yaml", book(steps="[{name: Look, command: uptime, on: db1, timeout: 5s}]"))
    said = lab.ask("run", "look", "-i", "lab", "--auto")
    assert said.status == 3
    assert "the key of db1 has changed" in said.out
    assert "Traceback" not in said.err


def test_a_secret_is_in_no_file_of_the_record_and_on_no_stream(lab: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    secret = "parameters: {password: {type: secret, from: 'env:DB_PASSWORD'}}\n"
    step = "{name: Look, command: 'echo it is $PW', env: {PW: '{{ password }}'}, on: db1, timeout: 5s}"
    lab.write("drills/look.yaml", book(head=secret, steps=f"[{step}]"))
    said = lab.ask("run", "look", "-i", "lab", "--auto", "--line")
    assert said.status == 0, said.err
    assert "it is " in said.out
    files = [path for path in (lab.root / "recordings").rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2" in path.read_bytes()] == []
    assert "hunter2" not in said.out + said.err + lab.ask("replay").out + lab.ask("report", "--json").out


def test_the_demo_works_anywhere_and_leaves_nothing_behind(desk: Desk, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    desk.go(empty)
    said = desk.ask("demo")
    assert said.status == 0
    assert "completed\n" in said.out
    assert said.err.endswith("The demo is gone, its record with it. To keep one: runbook demo --recordings FOLDER\n")
    [record] = [line.split()[1] for line in said.out.splitlines() if line.startswith("  record ")]
    assert not Path(record).parents[1].exists()
    assert list(empty.iterdir()) == []
