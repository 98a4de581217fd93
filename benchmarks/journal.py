"""How fast the journal is written, read and verified here: `python benchmarks/journal.py [events]`.

The budgets are absolute (20,000 events a second with one `fdatasync` for twenty events, 100 MB a second along the
chain, a million lines of output opened within a second), but a disk's speed would show in the first, so the time of a
bare `fdatasync` stands beside it. Prints one JSON object.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import publish, rows
from runbook.core.events.entry import Entry
from runbook.core.events.event import Event, OutputArrived, ProbeSampled
from runbook.record.files.journal import Journal
from runbook.record.files.journal_file import JOURNAL
from runbook.record.files.lines import OutputFile, OutputReader
from runbook.record.files.reader import RecordReader

BATCH = 20


def an_event(number: int) -> Event:
    if number % 2:
        return ProbeSampled(probe="orders-health", ok=True, took=0.012, value=200)
    chunk = {"file": "out/db1.log", "offset": number * 80, "length": 80, "sha256": f"{number:064x}"}
    return OutputArrived(step="2.3", host="db1", number=1, stream="out", **chunk)


def written(folder: Path, count: int) -> float:
    entries = [Entry(seq=n, at=n / 100, wall="2026-11-23T04:12:00.000Z", event=an_event(n)) for n in range(count)]
    journal = Journal.create(folder)
    began = time.perf_counter()
    for start in range(0, count, BATCH):
        journal.append(*entries[start : start + BATCH])
        journal.commit()
    took = time.perf_counter() - began
    journal.close()
    return took


def bare_syncs(folder: Path, count: int, size: int) -> float:
    number = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.perf_counter()
    for _ in range(count):
        os.write(number, b"x" * size)
        os.fdatasync(number)
    os.close(number)
    return time.perf_counter() - began


def read(folder: Path) -> float:
    reader = RecordReader(folder)
    began = time.perf_counter()
    for _ in reader.entries():
        pass
    assert reader.damage is None, reader.damage
    return time.perf_counter() - began


def output_opened(folder: Path) -> tuple[float, float]:
    (folder / "out").mkdir()
    (folder / "out/db1.log").write_bytes(b"".join(b"a line of output, number %09d\n" % n for n in range(1_000_000)))
    reader = OutputReader(OutputFile(folder, "db1"))
    began = time.perf_counter()
    reader.lines(0, 50)
    reader.lines(999_950, 50)
    opened = time.perf_counter() - began
    began = time.perf_counter()
    reader.lines(500_000, 50)
    return opened, time.perf_counter() - began


def main() -> None:
    count = next((int(word) for word in sys.argv[1:] if word.isdigit()), 200_000)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        wrote = written(folder, count)
        size = (folder / JOURNAL).stat().st_size
        bare = bare_syncs(folder, count // BATCH, size // count * BATCH)
        took = read(folder)
        opened, sought = output_opened(folder)
    body = (
        (f"events written in a second, {BATCH} to an fdatasync", f"{count / wrote:.0f}"),
        ("times what bare writes with as many fdatasyncs take", f"{wrote / bare:.1f}"),
        ("MB of journal whose chain is checked in a second", f"{size / took / 1e6:.0f}"),
        ("ms to open a million lines of output, both ends shown", f"{opened * 1000:.0f}"),
        ("ms to go to the middle of them", f"{sought * 1000:.1f}"),
    )
    publish("journal", rows(("", "measured"), body), write="--write" in sys.argv)


if __name__ == "__main__":
    main()
