"""The record on file systems that are really full, really read-only: a small tmpfs of our own, so root is needed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import NoteAdded
from runbook.problem import Exit, Problems
from runbook.record.file_store import FileStore
from runbook.record.files.journal import Journal
from runbook.record.files.output import CHUNK, OutputStore, Source
from runbook.record.files.reader import RecordReader
from tests.record.samples import numbered

pytestmark = pytest.mark.real


def mount(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *words], capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """256 KiB, and everything on it is gone afterwards."""
    place = tmp_path / "disk"
    place.mkdir()
    done = mount("-t", "tmpfs", "-o", "size=256k,mode=0700", "runbook-test", str(place))
    if done.returncode:
        reason = f"needs root and the right to mount a tmpfs: {done.stderr.strip()}"
        if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    yield place
    subprocess.run(["umount", str(place)], check=True, timeout=20)


def fill(journal: Journal) -> int:
    """Append until the disk is full; gives the number of entries that were taken."""
    with pytest.raises(Problems, match="No space left on device"):
        append_for_ever(journal)
    return journal.tip.seq


def append_for_ever(journal: Journal) -> None:
    while True:
        journal.append(*numbered(NoteAdded(text="x" * 1000), start=journal.tip.seq))


def test_a_full_disk_ends_the_journal_at_a_whole_line(small_disk: Path):
    journal = Journal.create(small_disk / "run")
    taken = fill(journal)
    with pytest.raises(Problems, match="No space left on device"):
        journal.append(*numbered(NoteAdded(text=""), start=taken))
    reader = RecordReader(small_disk / "run")
    assert (len(reader.more()), reader.damage) == (taken, None)
    journal.close()


def test_a_run_goes_on_once_there_is_space_again(small_disk: Path):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    journal = Journal.create(small_disk / "run")
    taken = fill(journal)
    journal.close()
    ballast.unlink()
    reopened = Journal.reopen(small_disk / "run")
    reopened.journal.append(*numbered(NoteAdded(text="there is space"), start=taken))
    reopened.journal.commit()
    assert (reopened.torn_bytes, len(RecordReader(small_disk / "run").more())) == (0, taken + 1)
    reopened.journal.close()


def test_output_that_does_not_fit_is_refused_whole(small_disk: Path):
    store = OutputStore(small_disk)
    source = Source(step="1.1", host="db1", number=1, stream="out")
    taken = sum(event.length for event in store.write(source, b"x" * 10 * CHUNK))
    with pytest.raises(Problems, match="No space left on device"):
        store.write(source, b"x")
    assert 0 < taken <= 256 * 1024
    assert (small_disk / "out/db1.log").stat().st_size == taken


def test_no_run_is_opened_on_a_disk_that_is_nearly_full(small_disk: Path):
    with pytest.raises(Problems) as caught:
        FileStore(small_disk / "recordings").make_folder("r1", "orders")
    assert caught.value.exit is Exit.REFUSED
    assert caught.value.problems[0].what == "Only 0 MiB are free for the record"


def test_a_recordings_folder_that_is_read_only_is_one_clear_problem(small_disk: Path):
    assert mount("-o", "remount,ro", str(small_disk)).returncode == 0
    with pytest.raises(Problems) as caught:
        FileStore(small_disk / "recordings").make_folder("r1", "orders")
    assert str(caught.value) == (
        f"{small_disk}/recordings: The run of orders cannot be recorded: Read-only file system. "
        "Mount it writable, or choose another folder for recordings."
    )
