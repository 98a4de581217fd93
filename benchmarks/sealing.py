"""Closing the record of a run: what it costs beside hashing, how fast it hashes, and what the ledger's length costs.

    python -m benchmarks.sealing

An ed25519 key file signs, the disk is this machine's. The small record has a few kilobytes, the large one half a
gigabyte of output, in memory; hashing is the processor time of that, beside the same bytes through hashlib alone.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.table import publish, rows
from runbook.record.checking.ledgered import examine_ledger
from runbook.record.checking.roots import NOTHING
from runbook.record.file_store import FileStore
from runbook.record.ledger.entry import LedgerEntry
from runbook.record.ledger.ledger import Ledger
from runbook.record.sealing.sealer import Sealer, Sealing
from tests.record.samples import write_record

LARGE = 512 * 1024 * 1024
ROUNDS = 5
ENTRIES = 2000
SEAL_BUDGET = 50
"""Milliseconds beside hashing."""
HASH_BUDGET = 500
"""Megabytes a second."""
WALL = "2026-11-23T04:13:00.000Z"


def sealed(root: Path, by: Sealer, size: int = 0) -> float:
    """Seconds for one record: of processor time where its output has so many bytes, else as they pass."""
    run = f"20261123T041200Z-orders-restart-{time.perf_counter_ns() % 65536:04x}"
    write_record(root / run, run=run)
    if size:
        with (root / run / "out/db1.log").open("r+b") as file:
            file.truncate(size)
            while file.read(1024 * 1024):  # as output that has just come in: in memory
                pass
    clock = time.process_time if size else time.perf_counter
    began = clock()
    FileStore(root).seal(run, by)
    return clock() - began


def measured(folder: Path) -> list[tuple[str, ...]]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    root, by = folder / "recordings", Sealer(Sealing(key=str(folder / "key")), lambda: WALL)
    root.mkdir(mode=0o700)
    small = min(sealed(root, by) for _ in range(ROUNDS))
    large = min(sealed(root, by, LARGE) for _ in range(2))
    speed, alone = LARGE / 1e6 / large, LARGE / 1e6 / hashing()
    ledger = Ledger(folder / "long")
    began = time.perf_counter()
    for _ in range(ENTRIES):
        ledger.append(LedgerEntry(kind="heartbeat", time=WALL))
    appended = (time.perf_counter() - began) / ENTRIES
    began = time.perf_counter()
    examine_ledger(str(folder / "long"), NOTHING)
    read = (time.perf_counter() - began) / ENTRIES
    return [
        ("seal and two entries of the ledger, ms", f"{small * 1000:.0f}", word(small * 1000 <= SEAL_BUDGET)),
        ("hashing while sealing, MB/s", f"{speed:.0f}", word(speed >= HASH_BUDGET)),
        ("the same bytes through hashlib, MB/s", f"{alone:.0f}", ""),
        ("an entry of the ledger, of 2,000, ms", f"{appended * 1000:.2f}", ""),
        ("checking the ledger, an entry, ms", f"{read * 1000:.3f}", ""),
    ]


def hashing() -> float:
    """Seconds for as many zeros."""
    block = bytes(1024 * 1024)
    began, digest = time.process_time(), hashlib.sha256()
    for _ in range(LARGE // len(block)):
        digest.update(block)
    return time.process_time() - began


def word(held: bool) -> str:
    return "held" if held else "**missed**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        body = measured(Path(folder))
    budget = f"budget <= {SEAL_BUDGET} ms, >= {HASH_BUDGET} MB/s"
    publish("sealing", rows(("closing a record", "", budget), body), write=options.write)


if __name__ == "__main__":
    main()
