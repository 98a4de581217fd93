"""What needs no root is broken and made whole on the laboratory too, where nobody has a capability of the kernel's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook.core.events.fault_event import FaultArming, FaultEffect, FaultReverted
from runbook.lab.control import down
from runbook.record.files.reader import RecordReader

REPOSITORY = Path(__file__).parents[2]
PLAIN = ("setpriv", "--bounding-set=-all", "--") if os.getuid() == 0 and shutil.which("setpriv") else ()
"""In front of a command: what it starts may do nothing that is root's alone."""

BOOK = """\
version: 1
kind: drill
name: six
title: Six faults
inventory: lab
steady_state:
  - {name: runs, command: orders status --json, on: db2, every: 1s}
safeguards: {environments: [lab]}
sections:
  - name: Break
    on: db2
    steps:
      - {name: Pause, fault: {process-pause: {pid_file: "{{ host.home }}/run/orders-db.pid"}}, duration: 2m, lease: 40s}
      - {name: Go on, revert: Pause}
      - name: Kill
        fault:
          process-kill:
            pid_file: "{{ host.home }}/run/orders-db.pid"
            held_down: true
            restart: "{{ host.home }}/bin/service orders-db start"
        duration: 2m
        lease: 40s
      - {name: Run, revert: Kill}
      - {name: Runs again, wait_for: {probe: runs, timeout: 60s, interval: 250ms}}
      - {name: Fill, fault: {disk-fill: {path: "{{ host.home }}", size: 1MiB}}, duration: 2m, lease: 40s}
      - {name: Swap, fault: {file-swap: {path: "{{ host.home }}/etc/peer", content: nobody}}, duration: 2m, lease: 40s}
      - {name: Burn, fault: {cpu: {processors: 1, load: 20}}, duration: 2m, lease: 40s}
      - name: Own
        fault:
          command: {inject: touch broken, effect: "[ -e broken ]", revert: rm -f broken, present: PRESENT}
        duration: 2m
        lease: 40s
      - {name: What it is now, command: cat etc/peer, durable: false, timeout: 10s, register: peer}
      - {name: It is another, assert: peer.stdout == "nobody"}
      - {name: All of it, revert: all}
""".replace("PRESENT", '"if [ -e broken ]; then echo there; else echo absent; fi"')


@pytest.fixture
def runbook(tmp_path: Path) -> Iterator[Callable[..., str]]:
    shutil.copytree(REPOSITORY / "inventories", tmp_path / "inventories", ignore=shutil.ignore_patterns("host_vars"))
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/six.yaml").write_text(BOOK)

    def run(*words: str) -> str:
        done = subprocess.run(
            [*PLAIN, sys.executable, "-m", "runbook.cli", *words],
            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("lab", "up")
    yield run
    down(tmp_path / ".lab")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_six_faults_are_seen_and_lifted_and_leave_nothing(runbook: Callable[..., str], tmp_path: Path) -> None:
    home = tmp_path / ".lab/hosts/db2"
    before = (home / "etc/peer").read_text()
    said = json.loads(runbook("run", "six", "-i", "lab", "--auto", "--line", "--json"))
    entries = [entry.event for entry in RecordReader(tmp_path / "recordings" / said["run"]).entries()]
    arming = [event for event in entries if isinstance(event, FaultArming)]
    assert [event.fault for event in arming] == [
        "process-pause", "process-kill", "disk-fill", "file-swap", "cpu", "command"
    ]  # fmt: skip
    assert {"S", "K"} & {letter for event in arming for letter in event.guarantees} == set()
    assert [event.ok for event in entries if isinstance(event, FaultEffect)] == [True] * 6
    assert [event.by for event in entries if isinstance(event, FaultReverted)] == ["runner"] * 6
    assert (said["verdicts"]["revert"], (home / "etc/peer").read_text()) == ("verified", before)
    assert [path.name for path in home.rglob(".runbook-*")] == []
    assert not (home / "broken").exists()
