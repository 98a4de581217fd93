"""What the scheduler did not do stands in the records' ledger, where whoever counts runs looks for it."""

from __future__ import annotations

from pathlib import Path

from runbook.record.checking.ledgered import examine_ledger
from runbook.record.checking.roots import NOTHING
from runbook.record.ledger.entry import read_entry
from runbook.record.ledger.ledger import Ledger as Records
from runbook.schedule.entry import Claimed, Missed, Postponed
from runbook.schedule.ledger import Ledger
from runbook.schedule.on_record import BookOnRecord

AT = "2026-11-23T04:12:00Z"
MISSED = Missed(at=AT, duty="daily", first="2026-11-22T04:00:00Z", last="2026-11-23T04:00:00Z", count=2, why="window")
POSTPONED = Postponed(at=AT, duty="daily", slot=AT, until="2026-11-23T06:00:00Z", why="window")
CLAIMED = Claimed(at=AT, duty="daily", slot=AT, run="r1")


def test_what_was_missed_or_put_off_is_told_and_what_was_begun_tells_itself(tmp_path: Path) -> None:
    with Ledger(tmp_path, "here") as own:
        book = BookOnRecord(own, Records(tmp_path), "", str)
        book.append(CLAIMED, MISSED)
        book.append(POSTPONED)
        assert list(book.entries) == [CLAIMED, MISSED, POSTPONED]
    records = Records(tmp_path)
    told = [read_entry(records.data(number)) for number in records.numbers()]
    assert [(entry.kind, entry.text) for entry in told] == [
        ("missed", "daily: 2 times from 2026-11-22T04:00:00Z to 2026-11-23T04:00:00Z: window"),
        ("postponed", "daily: 2026-11-23T04:12:00Z until 2026-11-23T06:00:00Z: window"),
    ]
    assert examine_ledger(str(tmp_path), NOTHING).checks == ()


def test_a_ledger_that_takes_nothing_is_said_and_costs_the_schedule_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("in the way")
    said: list[str] = []
    with Ledger(tmp_path, "here") as own:
        BookOnRecord(own, Records(tmp_path), "", said.append).append(MISSED)
        assert list(own.entries) == [MISSED]
    assert said[0].startswith("the records' ledger was not told: ")
