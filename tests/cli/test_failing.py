"""What nobody foresaw ends in words and a number too: the system refuses, or we made a mistake ourselves."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from runbook.cli.verbs import runs_verb
from tests.cli.desk import Desk, Said


def fail_with(wrong: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> NoReturn:
        raise wrong

    monkeypatch.setattr(runs_verb, "store", failing)


def test_what_the_system_refuses_is_said_with_its_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(PermissionError(errno.EACCES, "Permission denied", "/srv/\x1b[31mrecords"), monkeypatch)
    assert desk.ask("runs") == Said(
        1,
        "",
        "/srv/records: error: permission denied\n"
        "  why: the system refused it\n"
        "  fix: Make room or mend the permissions, and try again. This looks at the machine: runbook doctor\n",
    )


@pytest.mark.parametrize("verb", [("schema",), ("--help",), ("runs", "--json")])
def test_output_that_finds_no_room_is_a_failure_and_not_a_traceback(desk: Desk, verb: tuple[str, ...]) -> None:
    argv = [sys.executable, "-m", "runbook.cli", *verb]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(argv, cwd=desk.root, stdout=full, stderr=subprocess.PIPE, env=environment, check=False)
    told = done.stderr.decode()
    assert (done.returncode, told.splitlines()[0]) == (1, "error: no space left on device")
    assert "Traceback" not in told
    assert "Exception ignored" not in told


def test_a_mistake_of_ours_is_one_problem_and_its_traceback_a_private_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(desk.root))
    fail_with(ZeroDivisionError("no \x1b[2Jquotient"), monkeypatch)
    said = desk.ask("runs")
    [kept] = desk.root.glob("runbook-*.traceback")
    assert said == Said(
        1,
        "",
        f"WORKSPACE/{kept.name}: error: runbook itself failed\n"
        "  why: ZeroDivisionError: no quotient\n"
        "  fix: Report it with that file. A run that was started goes on: runbook runs\n",
    )
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "in failing\n" in kept.read_text()


def test_a_traceback_that_cannot_be_kept_hides_no_problem(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(desk.root / "not-there"))
    fail_with(KeyError("host"), monkeypatch)
    assert desk.ask("runs").err == (
        "error: runbook itself failed\n"
        "  why: KeyError: 'host'\n"
        "  fix: Report it with what you typed. A run that was started goes on: runbook runs\n"
    )
