"""The ledger on disk: what is in it survives, a cut line is none, and one scheduler alone writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.problem import Problems
from runbook.schedule.entry import Claimed, Known, Missed, Postponed, Started, accounts, instant
from runbook.schedule.ledger import FOLDER, Ledger, read_ledger

WHEN = "2026-01-10T12:00:00Z"
KNOWN = Known(at=WHEN, duty="a.lab.schedule")
CLAIM = Claimed(at=WHEN, duty="a.lab.schedule", slot="2026-01-11T02:00:00Z", run="r1")
STARTED = Started(at=WHEN, duty="a.lab.schedule", slot="2026-01-11T02:00:00Z", run="r1")


def test_what_was_appended_is_there_for_the_next(tmp_path: Path) -> None:
    with Ledger(tmp_path, "here") as ledger:
        ledger.append(KNOWN, CLAIM)
        ledger.append(STARTED)
    with Ledger(tmp_path, "here") as ledger:
        assert ledger.entries == [KNOWN, CLAIM, STARTED]
    assert read_ledger(tmp_path) == (KNOWN, CLAIM, STARTED)


def test_where_no_scheduler_ever_was_there_is_nothing(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == ()


@pytest.mark.parametrize("cut", range(1, 90, 7))
def test_a_last_line_that_was_cut_is_no_entry_and_nothing_is_joined_to_it(tmp_path: Path, cut: int) -> None:
    with Ledger(tmp_path, "here") as ledger:
        ledger.append(KNOWN, CLAIM)
    path = tmp_path / FOLDER / "ledger.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with Ledger(tmp_path, "here") as ledger:
        assert ledger.entries == [KNOWN]
        ledger.append(STARTED)
    assert read_ledger(tmp_path) == (KNOWN, STARTED)


def test_a_line_in_the_middle_that_is_none_is_told_with_its_number(tmp_path: Path) -> None:
    with Ledger(tmp_path, "here") as ledger:
        ledger.append(KNOWN)
    path = tmp_path / FOLDER / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(Problems) as refused:
        Ledger(tmp_path, "here")
    assert (refused.value.problems[0].code, refused.value.problems[0].where.line) == ("bad-ledger", 2)


def test_two_schedulers_of_one_workspace_are_one_too_many(tmp_path: Path) -> None:
    with Ledger(tmp_path, "here"), pytest.raises(Problems) as refused:
        Ledger(tmp_path, "here")
    assert refused.value.problems[0].code == "scheduler-running"
    with Ledger(tmp_path, "here") as ledger:
        assert ledger.entries == []


def test_a_lock_means_nothing_to_another_machine_so_that_is_refused(tmp_path: Path) -> None:
    with Ledger(tmp_path, "here"):
        pass
    with pytest.raises(Problems) as refused:
        Ledger(tmp_path, "there")
    assert refused.value.problems[0].code == "other-machine"


def test_a_ledger_that_only_its_scheduler_may_read_is_one_problem_among_others(tmp_path: Path) -> None:
    """Who looks what is due in a shared workspace sees all the rest."""
    (tmp_path / FOLDER / "ledger.jsonl").mkdir(parents=True)
    with pytest.raises(Problems) as refused:
        read_ledger(tmp_path)
    [wrong] = refused.value.problems
    assert (wrong.code, wrong.why) == ("unreadable-ledger", "Is a directory")


def test_an_account_is_what_the_entries_come_to() -> None:
    waits = Postponed(at=WHEN, duty=KNOWN.duty, slot=CLAIM.slot, until="2026-01-11T04:00:00Z", why="window")
    before = accounts([KNOWN, waits, CLAIM])[KNOWN.duty]
    assert (before.horizon, before.claimed, before.postponed) == (instant(WHEN), CLAIM, CLAIM.slot)
    after = accounts([KNOWN, waits, CLAIM, STARTED])[KNOWN.duty]
    assert (after.horizon, after.claimed, after.postponed) == (instant(CLAIM.slot), None, "")


def test_a_horizon_only_grows() -> None:
    late = Missed(at=WHEN, duty=KNOWN.duty, first="2026-01-01T02:00:00Z", last="2026-01-02T02:00:00Z", count=2, why="x")
    assert accounts([KNOWN, STARTED, late])[KNOWN.duty].horizon == instant(STARTED.slot)
