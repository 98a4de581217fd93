"""Deciding after a failure as an operator does it: in tmux, on the lab's SSH servers, at four sizes, with fast fingers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.real.test_screen_tmux import RUNBOOK, Tmux, desk, wait_for  # noqa: F401 - a fixture among them

pytestmark = [pytest.mark.real, pytest.mark.slow]

POOLS = """\
version: 1
kind: failover
name: pools
title: Restart the payment pools
inventory: lab
objectives: {rto: 30m, rto_starts_at: declared}
sections:
  - name: Restart
    steps:
      - {name: Declare the outage, notice: It is down., sets: declared}
      - name: Restart payment pools
        on: all
        command: |
          echo "starting on {{ host.name }}"
          case {{ host.name }} in db2) test -e /tmp/FREED || { echo "bind() failed: Address already in use" >&2; exit 1; };; esac
        timeout: 10s
        expected: 3s
      - {name: After, command: uptime, on: all, timeout: 10s, changes: false, expected: 5s}
"""
SIZES = [(160, 48), (120, 40), (80, 24), (59, 15)]


class Operator:
    """Somebody at a terminal with a run that has failed on one of three hosts."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.tmux = Tmux(folder, environment)
        self._folder, self._environment = folder, environment
        self.freed = folder / "freed"
        book = folder / "drills" / "pools.yaml"
        book.write_text(POOLS.replace("/tmp/FREED", str(self.freed)))

    def starts(self, size: tuple[int, int] = (120, 40), *words: str) -> None:
        self.tmux.run("run", "pools", "-i", "lab", "--attended", "--yes", *words, size=size)

    def verb(self, *words: str) -> str:
        done = subprocess.run(
            (*RUNBOOK, *words), cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def events(self) -> list[dict[str, object]]:
        run = json.loads(self.verb("runs", "--json"))[0]["id"]
        lines = (self._folder / "recordings" / run / "journal.jsonl").read_text().splitlines()
        return [json.loads(line)["event"] for line in lines]

    def decisions(self) -> list[tuple[str, str]]:
        return [
            (str(event["choice"]), str(event.get("reason", "")))
            for event in self.events()
            if event["type"] == "FailureResolved"
        ]

    def tries(self) -> dict[str, int]:
        """How often each host was tried in the step that fails."""
        hosts = [
            str(each["host"]) for each in self.events() if each["type"] == "AttemptStarted" and each["step"] == "1.2"
        ]
        return {host: hosts.count(host) for host in sorted(set(hosts))}


@pytest.fixture
def operator(desk):  # noqa: F811 - the fixture above
    someone = Operator(*desk)
    try:
        yield someone
    finally:
        someone.tmux.close()
        someone.verb("halt", "--reason", "the test is over")


def test_at_every_size_the_clock_the_question_the_failed_host_its_words_and_the_first_choice_are_seen(operator) -> None:
    operator.starts(SIZES[0])
    for size in SIZES:
        operator.tmux.resize(size)
        wait_for(lambda size=size: is_all_seen(operator.tmux.shown.splitlines(), size), lambda: operator.tmux.shown)


def is_all_seen(rows: list[str], size: tuple[int, int]) -> bool:
    """Right below each other at the top: where, what is wanted, the time left; then the host, its words, the choices."""
    if len(rows) != size[1]:
        return False
    failed = next((row for row in rows if "FAIL" in row and "db2" in row), "")
    return (
        "HELD" in rows[0]
        and rows[1].startswith(" YOU DECIDE  1 of 3 hosts failed in step 1.2")
        and any("LEFT of" in row and "30:00" in row for row in rows[2:7])
        and "exit 1" in failed
        and "bind() failed" in failed
        and any("> " in row and "Not now" in row for row in rows)
        and any("  1 Retry the failed host" in row for row in rows)
        and any("  6 Abort the run" in row for row in rows)
    )


def test_the_first_choice_and_two_enters_retry_the_failed_host_and_no_other(operator) -> None:
    operator.starts()
    operator.tmux.until("the first Enter only asks again")
    operator.freed.touch()
    operator.tmux.press("Down", "Enter")
    operator.tmux.until("The other 2 are not touched.")
    operator.tmux.press_until("Enter", lambda: bool(operator.decisions()))
    operator.tmux.until("COMPLETED")
    assert (operator.decisions(), operator.tries()) == ([("retry_failed", "")], {"app1": 1, "db1": 1, "db2": 2})


def test_a_burst_of_keys_is_neither_lost_nor_misread(operator) -> None:
    operator.starts((80, 24))
    operator.tmux.until("the first Enter only asks again")
    operator.tmux.press_at_once("4", "Enter", "3", "Enter", "Enter")
    operator.tmux.until('TYPE "3", and why if you like: 3_')
    operator.tmux.until("press it again")
    assert operator.decisions() == []
    operator.tmux.press_at_once("Escape")
    operator.tmux.until("> 4 Retry all 3 hosts", gone="TYPE")
    operator.tmux.press_at_once("2", "Enter", *"its fan is dead", "Enter")
    operator.tmux.until("REASON, on record: its fan is dead_")
    operator.tmux.press_until("Enter", lambda: bool(operator.decisions()))
    assert operator.decisions() == [("exclude", "its fan is dead")]


def test_in_lines_the_whole_fleet_takes_its_number_and_the_first_choice_one_line(operator) -> None:
    operator.starts((120, 40), "--line")
    operator.tmux.until("[1-6, or a word]")
    assert "FAIL    1  db2  exit 1  bind() failed: Address already in use" in operator.tmux.shown
    operator.tmux.press("retry", "Enter")
    operator.tmux.until('Type "3" and it retries on all 3 hosts:')
    operator.tmux.press("Enter")
    operator.tmux.until("Not done.")
    operator.freed.touch()
    operator.tmux.press("1", "Enter")
    operator.tmux.until("completed")
    assert (operator.decisions(), operator.tries()) == ([("retry_failed", "")], {"app1": 1, "db1": 1, "db2": 2})
