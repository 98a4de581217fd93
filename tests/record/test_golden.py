"""Golden records: what once was recorded folds to the same numbers for ever.

A change that makes one of these fail changes what old records mean. It needs a new format number and a reader for the
old, never a new expectation.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import Unknown
from runbook.core.fold.evolve import fold, open_run
from runbook.record.checking.verify import verify
from runbook.record.files.reader import RecordReader
from runbook.record.form.codec import decode, encode
from runbook.report.summary import summary

GOLDEN = Path(__file__).parents[2] / "recordings" / "golden"
GRADES = {
    "orders-failover-1": "sound",
    "shop-banner-1": "sound",
    "shop-banner-2": "sound",
    "shop-banner-later": "newer",
    "tables-swept-1": "sound",
}
"""What each has to be for ever. The last is what a later version might write: events, fields and a version of its own."""
RECORDS = sorted(path for path in GOLDEN.iterdir() if path.is_dir() and not path.name.startswith("."))


def test_there_are_golden_records() -> None:
    assert [record.name for record in RECORDS] == list(GRADES)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_golden_record_verifies_and_folds_to_what_it_always_folded_to(record: Path) -> None:
    assert (verify(record).grade, verify(record).first_bad_line) == (GRADES[record.name], 0)
    entries = list(RecordReader(record).entries())
    first = open_run(entries[0])
    assert first is not None
    said = json.loads(msgspec.json.encode(summary(fold(first, entries[1:]), f"recordings/golden/{record.name}")))
    assert said == json.loads((GOLDEN / f"{record.name}.json").read_text())


def test_what_a_later_version_wrote_comes_back_byte_for_byte_and_folds_as_what_this_one_wrote() -> None:
    reader = RecordReader(GOLDEN / "shop-banner-later")
    unknown = [(entry, line) for entry, line in reader.lines() if isinstance(entry.event, Unknown)]
    assert [entry.event.name for entry, _ in unknown] == [*["AnswerSigned"] * 3, "RecordSealed"]
    assert [encode(*decode(line)) for _, line in unknown] == [line for _, line in unknown]
    ours, theirs = (json.loads((GOLDEN / f"shop-banner-{name}.json").read_text()) for name in ("2", "later"))
    assert ours | {"record": ""} == theirs | {"record": ""}
