"""`runbook scheduler`, with real runners: it begins what is owed once, and only one of it works in a workspace."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta

import pytest

from runbook.schedule.entry import Known, Started, stamp
from runbook.schedule.ledger import Ledger, read_ledger
from tests.cli.desk import Desk, book

HOURLY = 'schedule: {cron: "0 * * * *", attended: false, run_late: within 50m}\n'
KEY = "look.here.schedule"


def known_since(desk: Desk, hours: float) -> None:
    """A scheduler was here before."""
    when = stamp(datetime.now(UTC) - timedelta(hours=hours))
    with Ledger(desk.root / "recordings", machine(desk)) as ledger:
        ledger.append(Known(at=when, duty=KEY))


def machine(_desk: Desk) -> str:
    from runbook.talk.person import this_machine

    return this_machine()


def test_what_is_owed_is_begun_once_whoever_looks_how_often(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="schedule: {every: 1h, attended: false, run_late: within 90m}\n"))
    known_since(desk, 1.5)
    said = desk.ask("scheduler", "--once")
    assert said.status == 0, said.err
    [started] = [one for one in read_ledger(desk.root / "recordings") if isinstance(one, Started)]
    assert f"started as {started.run}" in said.out
    desk.until(lambda: desk.ask("runs", "--json"), lambda found: json.loads(found.out)[0]["verdict"] == "completed")
    assert desk.ask("scheduler", "--once").out == ""
    assert [row["id"] for row in json.loads(desk.ask("runs", "--json").out)] == [started.run]
    assert json.loads(desk.ask("due", "--format", "json").out)[0]["last_run"] == started.run


def test_a_run_that_a_freeze_refuses_is_not_begun_and_the_ledger_says_why(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="schedule: {every: 1h, attended: false, run_late: within 90m}\n"))
    desk.write("inventories/here/environment.yaml", 'name: here\nauto: all\nfreeze: ["2000-01-01/2999-12-31"]\n')
    known_since(desk, 1.5)
    assert "missed" in (said := desk.ask("scheduler", "--once")).out
    assert said.out.rstrip().endswith(": freeze")
    assert desk.ask("runs", "--json").out.strip() == "[]"


def test_a_second_scheduler_is_refused_and_told_who_works(desk: Desk) -> None:
    with Ledger(desk.root / "recordings", machine(desk)):
        said = desk.ask("scheduler", "--once")
    assert said.status == 5
    assert "a scheduler is running here" in said.err


def test_the_unit_file_keeps_runs_alive_when_the_scheduler_goes(desk: Desk) -> None:
    unit = desk.ask("scheduler", "--systemd").out
    assert "KillMode=process\n" in unit
    assert "WorkingDirectory=WORKSPACE\n" in unit


def test_the_unit_file_works_on_the_records_that_were_named_in_whatever_folder_they_are(desk: Desk) -> None:
    """On others it would begin everything once more that these already have."""
    unit = desk.ask("scheduler", "--systemd", "--recordings", "100% of $them").out
    assert 'runbook.cli" "scheduler" "--recordings" "WORKSPACE/100%% of $$them"\n' in unit


def test_check_tells_what_could_not_be_begun_where_nobody_is_there(desk: Desk) -> None:
    head = HOURLY + "parameters:\n  word: {type: secret}\n"
    step = '{name: Look, command: "look {{ word }}", on: localhost, durable: false, timeout: 10s, changes: false}'
    desk.write("drills/look.yaml", book(head=head, steps=f"[{step}]"))
    found = json.loads(desk.ask("check", "look", "--format", "json").out)
    assert "unattended-secret" in {one["code"] for one in found}


@pytest.mark.parametrize("instant", ["Claimed", "folder", "Started"])
def test_a_scheduler_that_is_killed_in_the_middle_of_a_start_leaves_one_run_to_the_next(
    desk: Desk, instant: str
) -> None:
    """As `kill -9` does it: a process of its own, ended right behind one of the three acts of a start."""
    desk.write("drills/look.yaml", book(head="schedule: {every: 1h, attended: false, run_late: within 90m}\n"))
    known_since(desk, 1.5)
    died = desk.run_python(KILLED, instant)
    assert died.status == -signal.SIGKILL, died.err
    while not [one for one in read_ledger(desk.root / "recordings") if isinstance(one, Started)]:
        assert desk.ask("scheduler", "--once").status == 0
    desk.until(lambda: desk.ask("runs", "--json"), lambda found: json.loads(found.out)[0]["verdict"] == "completed")
    [started] = [one for one in read_ledger(desk.root / "recordings") if isinstance(one, Started)]
    assert [row["id"] for row in json.loads(desk.ask("runs", "--json").out)] == [started.run]


KILLED = """
import os, signal, sys
from runbook.schedule import ledger, place

def killing(work):
    async def begin(self, item, run):
        await work(self, item, run)
        os.kill(os.getpid(), signal.SIGKILL)
    return begin

def appending(work, name):
    def append(self, *entries):
        work(self, *entries)
        if any(type(one).__name__ == name for one in entries):
            os.kill(os.getpid(), signal.SIGKILL)
    return append

if sys.argv[1] == "folder":
    place.Place.begin = killing(place.Place.begin)
else:
    ledger.Ledger.append = appending(ledger.Ledger.append, sys.argv[1])
sys.argv = ["runbook", "scheduler", "--once"]
from runbook.cli.main import main
main()
"""
