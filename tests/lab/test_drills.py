"""The main job, as a user does it: the runbooks of `drills/` run on a lab, by the command line, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptStarted, GateAnswered, RunnerStarted
from runbook.lab.control import down, up
from runbook.record.checking.verify import verify
from runbook.record.files.reader import RecordReader

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds for a condition that two busy cores may delay."""


class Desk:
    """A workspace with a lab of its own, and the command line in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recordings = root / "recordings"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "runbook.cli", *words],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def data(self, *words: str) -> dict:
        code, out, err = self(*words)
        assert code == 0, err
        return json.loads(out)

    def journal(self, run: str) -> RecordReader:
        return RecordReader(self.recordings / run)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("workspace")
    shutil.copytree(REPOSITORY / "drills", root / "drills")
    shutil.copytree(REPOSITORY / "inventories", root / "inventories", ignore=shutil.ignore_patterns("host_vars"))
    up(root / ".lab", inventory=root / "inventories" / "lab")
    yield Desk(root)
    down(root / ".lab")


@pytest.fixture(autouse=True)
def _as_new(desk: Desk) -> None:
    up(desk.root / ".lab", inventory=desk.root / "inventories" / "lab", fresh=True)


def eventually(holds) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_a_failover_ends_with_one_object_that_says_everything(desk: Desk) -> None:
    said = desk.data("run", "drills/failover/orders-failover.yaml", "-i", "lab", "--auto", "--line", "--json")
    assert list(said) == ["run", "record", "runbook", "verdicts", "rta", "rpa", "steps"]
    assert said["verdicts"] == {"run": "completed", "steady_state": "met", "objectives": "met", "revert": "none"}
    assert 0 < said["rta"]["seconds"] <= said["rta"]["objective"] == 60.0
    assert 0 <= said["rta"]["error"] <= said["rta"]["seconds"]
    assert 0 < said["rpa"]["seconds"] <= said["rpa"]["objective"] == 5.0
    steps = {step["name"]: step for step in said["steps"]}
    assert {
        step["outcome"] for step in said["steps"] if not step["id"].startswith(("R", "A")) and "undo" not in step["id"]
    } == {"succeeded"}
    assert list(steps["Promote the standby"]) == ["id", "name", "outcome", "planned", "actual", "waited", "hosts"]
    assert steps["Promote the standby"]["hosts"] == ["db2"]


@pytest.mark.parametrize(
    "book",
    [
        "orders-failover",
        "orders-primary-lost",
        "orders-restore",
        "orders-release-rollback",
        "daily-health",
        "orders-snapshot",
    ],
)
def test_every_runbook_runs_twice_in_a_row_and_leaves_a_sound_record(desk: Desk, book: str) -> None:
    for _ in range(2):
        said = desk.data("run", book, "-i", "lab", "--auto", "--line", "--json")
        assert said["verdicts"]["run"] == "completed"
        assert verify(Path(said["record"])).grade == "sound"


def test_gates_that_a_machine_answered_say_so(desk: Desk) -> None:
    said = desk.data("run", "orders-failover", "-i", "lab", "--auto", "--line", "--json")
    answers = [entry.event for entry in desk.journal(said["run"]).entries() if isinstance(entry.event, GateAnswered)]
    assert answers
    assert {answer.by.machine for answer in answers} == {True}


def test_killing_the_watcher_leaves_the_run_going_and_attach_shows_it(desk: Desk) -> None:
    watcher = desk.start("run", "orders-failover", "-i", "lab", "--line", "--attended")
    eventually(lambda: desk.recordings.is_dir() and "2.1#1" in desk("approve", "last")[1])
    watcher.send_signal(signal.SIGKILL)
    watcher.communicate()
    run = json.loads(desk("approve", "last", "--json")[1])["run"]
    code, _, err = desk("approve", run, "--gate", "2.1#1", "--type", "db2")
    assert (code, '"db2" is not "db1"' in err) == (5, True)
    assert desk("approve", run, "--gate", "2.1#1", "--type", "db1")[0] == 0
    attached = desk.start("attach", run, "--line", "--watch-only")
    for gate in ("3.2#1", "6.3#1"):
        eventually(lambda gate=gate: gate in desk("approve", run)[1])
        assert desk("approve", run, "--gate", gate)[0] == 0
    told, _ = attached.communicate(timeout=PATIENCE)
    assert attached.returncode == 0
    assert "Promote the standby" in told
    assert "recovery time" in told


def test_a_runner_killed_in_a_step_leaves_it_in_doubt_and_nothing_runs_twice(desk: Desk) -> None:
    (desk.root / "drills" / "slow.yaml").write_text(
        """\
version: 1
kind: operation
name: slow
title: A slow change
inventory: lab
sections:
  - name: Work
    steps:
      - {name: Count, command: echo first >> count, on: db1, timeout: 10s, rollback: {name: Undo, command: "true", on: db1}}
      - {name: Slow, command: "echo second >> count; sleep 30", on: db1, durable: false, changes: true, timeout: 60s}
      - {name: Look, command: cat count, on: db1, durable: false, timeout: 10s, register: seen}
"""
    )
    counter = desk.root / ".lab" / "hosts" / "db1" / "count"
    watcher = desk.start("run", "slow", "--line", "--attended")
    eventually(lambda: counter.exists() and counter.read_text().endswith("second\n"))
    run = json.loads(desk("approve", "last", "--json")[1])["run"]
    pid = [entry.event.pid for entry in desk.journal(run).entries() if isinstance(entry.event, RunnerStarted)][-1]
    os.kill(pid, signal.SIGKILL)
    assert "resume" in watcher.communicate(timeout=PATIENCE)[1]

    resumed = desk.start("resume", run, "--line")
    eventually(lambda: "accept" in desk("approve", run)[1])
    gate = json.loads(desk("approve", run, "--json")[1])["gates"][0]["opened"]["gate"]
    assert desk("approve", run, "--gate", gate, "--answer", "accept", "-m", "the counter shows it")[0] == 0
    resumed.communicate(timeout=PATIENCE)

    assert counter.read_text() == "first\nsecond\n"
    started = [entry.event.step for entry in desk.journal(run).entries() if isinstance(entry.event, AttemptStarted)]
    assert started == ["0.1", "1.1", "1.2", "1.3"]
    assert verify(desk.recordings / run).grade == "sound"


def test_a_replay_in_lines_tells_what_the_run_told(desk: Desk) -> None:
    code, live, _ = desk("run", "daily-health", "-i", "lab", "--auto", "--line")
    assert code == 0
    code, replayed, _ = desk("replay", "last", "--line", "--speed", "0")
    assert code == 0
    steps = [[line for line in story.splitlines() if " | RUN" in line or " | OK" in line] for story in (live, replayed)]
    assert steps[0] == steps[1] != []


def test_a_report_says_who_answered_what_and_how_long_it_took(desk: Desk) -> None:
    said = desk.data("run", "orders-failover", "-i", "lab", "--auto", "--line", "--json")
    for style in ("md", "html", "json"):
        code, out, err = desk("report", said["run"], "--format", style)
        assert (code, err) == (0, "")
        assert "Promote the standby" in out
    markdown = desk("report", said["run"], "--format", "md")[1]
    assert "Declare the failover" in markdown
    assert "| **runbook --auto** | answered proceed at gate" in markdown
