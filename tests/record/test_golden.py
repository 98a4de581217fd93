"""Golden records: what once was recorded folds to the same numbers for ever.

A change that makes one of these fail changes what old records mean. It needs a new format number and a reader for the
old, never a new expectation.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from runbook.core.evolve import fold, open_run
from runbook.record.reader import RecordReader
from runbook.record.verify import verify
from runbook.report.summary import summary

GOLDEN = Path(__file__).parents[2] / "recordings" / "golden"
GRADES = {"orders-failover-1": "sound", "shop-banner-1": "sound"}
"""What each has to be for ever."""
RECORDS = sorted(path for path in GOLDEN.iterdir() if path.is_dir())


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
