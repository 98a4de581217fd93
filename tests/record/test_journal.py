"""Writing the journal: what is believed, what is refused, what a crash leaves."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.core.events.entry import Entry
from runbook.core.events.event import Event, NoteAdded, RunnerStarted, RunOpened, Unknown
from runbook.problem import Exit, Problems
from runbook.record.file_record import FileRecord
from runbook.record.files import journal as journal_module
from runbook.record.files.journal import Journal
from runbook.record.files.reader import RecordReader
from runbook.record.form.codec import Tip
from tests import strategies
from tests.record.samples import numbered, opened, story, write_journal


def notes(count: int, start: int = 0) -> tuple[Entry, ...]:
    return numbered(*(NoteAdded(text=f"note {n}") for n in range(count)), start=start)


def read(folder: Path) -> tuple[Entry, ...]:
    reader = RecordReader(folder)
    found = tuple(reader.entries())
    assert reader.damage is None
    return found


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_is_appended_is_read_back_in_order(tmp_path: Path):
    journal = Journal.create(tmp_path / "run")
    journal.append(*notes(2))
    journal.append(*notes(1, start=2))
    journal.commit()
    assert read(tmp_path / "run") == notes(2) + notes(1, start=2)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_can_read_a_record_whatever_the_umask(tmp_path: Path):
    Journal.create(tmp_path / "a" / "run").append(*notes(1))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "run": 0o700, "journal.jsonl": 0o600}


def test_a_journal_is_never_created_over_another(tmp_path: Path):
    Journal.create(tmp_path).close()
    with pytest.raises(Problems, match="The journal cannot be created: File exists"):
        Journal.create(tmp_path)


def test_two_writers_are_impossible(tmp_path: Path):
    journal = Journal.create(tmp_path)
    with pytest.raises(Problems) as caught:
        Journal.reopen(tmp_path)
    assert (caught.value.problems[0].code, caught.value.exit) == ("record-live", Exit.REFUSED)
    journal.close()
    Journal.reopen(tmp_path).journal.close()


def test_a_live_journal_is_told_from_a_dead_one(tmp_path: Path):
    journal = Journal.create(tmp_path)
    assert FileRecord(journal.path.parent).is_live()
    journal.close()
    assert not FileRecord(journal.path.parent).is_live()


def test_an_entry_out_of_order_is_a_fault_of_the_program_and_is_not_written(tmp_path: Path):
    journal = Journal.create(tmp_path)
    with pytest.raises(ValueError, match=r"entry 3 at 1\.5 does not follow -1 at 0\.0"):
        journal.append(*notes(1, start=3))
    assert read(tmp_path) == ()


def test_a_reopened_journal_goes_on_where_the_chain_ends(tmp_path: Path):
    before = write_journal(tmp_path, *story())
    reopened = Journal.reopen(tmp_path)
    after = notes(2, start=len(before))
    reopened.journal.append(*after)
    reopened.journal.commit()
    assert (reopened.torn_bytes, read(tmp_path)) == (0, before + after)


def test_a_journal_cut_at_any_byte_goes_on_from_its_last_whole_line(tmp_path: Path):
    entries = write_journal(tmp_path, *story()[-4:])
    whole = (tmp_path / "journal.jsonl").read_bytes()
    for cut in range(len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(whole[:cut])
        reopened = Journal.reopen(folder)
        reopened.journal.close()
        lines = whole[:cut].count(b"\n")
        torn = whole[:cut].rpartition(b"\n")[2]
        kept = [path.read_bytes() for path in folder.glob("torn-*")]
        assert (read(folder), reopened.torn_bytes, kept) == (entries[:lines], len(torn), [torn] if torn else [])


def test_blocks_that_never_reached_the_disk_are_an_unfinished_end(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(bytes(4096) + b'x"}\n')
    reopened = Journal.reopen(tmp_path)
    assert (reopened.torn_bytes, read(tmp_path)) == (4100, entries)


def test_a_crash_while_the_torn_end_is_kept_aside_does_not_count_it_twice(tmp_path: Path):
    write_journal(tmp_path, *story())
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"prev":')
    (tmp_path / "torn-1").write_bytes(b'{"prev":')
    reopened = Journal.reopen(tmp_path)
    assert reopened.torn_bytes == 8
    assert [path.name for path in tmp_path.glob("torn-*")] == ["torn-1"]


def test_torn_bytes_stay_due_until_a_runner_has_declared_them(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"prev":')
    Journal.reopen(tmp_path).journal.close()
    again = Journal.reopen(tmp_path)
    assert again.torn_bytes == 8
    again.journal.append(*numbered(RunnerStarted(pid=1, resumed=True, torn_bytes=8), start=len(entries)))
    again.journal.close()
    assert Journal.reopen(tmp_path).torn_bytes == 0


@pytest.mark.parametrize("line", [3, -1])
def test_a_changed_journal_is_not_continued(tmp_path: Path, line: int):
    write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"event"', b'"evemt"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(Problems) as caught:
        Journal.reopen(tmp_path)
    problem = caught.value.problems[0]
    assert (problem.code, problem.where.line) == ("journal-hash", line % len(lines) + 1)
    assert path.read_bytes() == b"".join(lines)
    assert not FileRecord(tmp_path).is_live()


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ((*story()[:-3], Unknown(name="CommandSent", raw=b'{"type":"CommandSent","host":"db1"}')), 8),
        ((opened(version="9.0.0"), *story()[1:-3]), 1),
        ((opened(format=9), *story()[1:-3]), 1),
    ],
)
def test_a_run_that_a_newer_version_wrote_is_not_continued(tmp_path: Path, events: tuple[Event, ...], line: int):
    write_journal(tmp_path, *events)
    with pytest.raises(Problems) as caught:
        Journal.reopen(tmp_path)
    refused = caught.value.problems[0]
    assert (refused.code, refused.exit, str(refused.where)) == (
        "record-newer",
        Exit.REFUSED,
        f"{tmp_path}/journal.jsonl:{line}",
    )


def test_after_a_failed_sync_nothing_is_tried_again_on_the_same_file(tmp_path: Path):
    calls = []

    def broken(number: int) -> None:
        calls.append(number)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal.create(tmp_path, sync=broken)
    journal.append(*notes(1))
    messages = set()
    for attempt in (journal.commit, journal.commit, lambda: journal.append(*notes(1, start=1))):
        with pytest.raises(Problems) as caught:
            attempt()
        messages.add(str(caught.value))
    assert len(calls) == 1
    said = "The journal cannot be made durable: Input/output error. Check the disk, then resume the run"
    assert messages == {f"{tmp_path}/journal.jsonl: {said}; the lines before this one are whole."}


def test_a_line_that_no_reader_would_take_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal_module, "LONGEST", 2**20)
    with pytest.raises(Problems) as caught:
        Journal.create(tmp_path).append(*numbered(NoteAdded(text="x" * 3 * 2**20)))
    assert (caught.value.problems[0].code, str(caught.value)) == (
        "record-unreadable",
        (
            "A value cannot be recorded: Its line would have 3 MiB, and 1 are the most. "
            "Register a part of it, or split the runbook."
        ),
    )


VANISHED = """The record has vanished: Its folder was moved or removed while the run wrote to it; it is now {moved}. \
Put it back, then resume the run."""
REPLACED = """The record was replaced while the run wrote to it: what the runner wrote is now {moved}. \
Nothing more was sent. Find out who did that, put the run's own record back, then resume the run."""


def moved(folder: Path) -> Path:
    return folder.rename(folder.with_name("moved"))


def replaced_by_a_copy(folder: Path) -> Path:
    return shutil.copytree(moved(folder), folder)


@pytest.mark.parametrize(("harm", "said"), [(moved, VANISHED), (replaced_by_a_copy, REPLACED)])
def test_a_record_that_is_not_in_its_place_any_more_is_not_written_on(
    tmp_path: Path, harm: Callable[[Path], object], said: str
):
    journal = Journal.create(tmp_path / "run")
    journal.append(*notes(1))
    harm(tmp_path / "run")
    for attempt in (journal.commit, lambda: journal.append(*notes(1, start=1))):
        with pytest.raises(Problems) as caught:
            attempt()
        assert str(caught.value) == f"{tmp_path}/run/journal.jsonl: {said.format(moved=tmp_path / 'moved')}"
        assert caught.value.exit is Exit.REFUSED


def test_a_commit_syncs_once_for_all_batches_and_not_for_none(tmp_path: Path):
    synced = []
    journal = Journal.create(tmp_path, sync=synced.append)
    journal.commit()
    journal.append(*notes(1))
    journal.append(*notes(1, start=1))
    journal.commit()
    journal.commit()
    assert len(synced) == 1


@pytest.fixture
def small_files():
    """No file of this process may grow beyond 4000 bytes: the next write is short, the one after fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
def test_a_batch_that_does_not_fit_leaves_none_of_its_lines(tmp_path: Path):
    journal = Journal.create(tmp_path)
    journal.append(*notes(5))
    with pytest.raises(Problems, match="The journal cannot be written: No space left on device"):
        journal.append(*notes(50, start=5))
    with pytest.raises(Problems, match="The journal cannot be written"):
        journal.append(*notes(1, start=5))
    assert journal.tip.seq == 5
    assert read(tmp_path) == notes(5)


WRITER = """
import sys
from pathlib import Path
from runbook.core.events.entry import Entry
from runbook.core.events.event import NoteAdded
from runbook.record.files.journal import Journal
journal = Journal.create(Path(sys.argv[1]))
seq = 0
while True:
    journal.append(*(Entry(seq=n, at=float(n), wall="", event=NoteAdded(text="x" * 200)) for n in range(seq, seq + 50)))
    journal.commit()
    seq += 50
    print(seq, flush=True)
"""


later_events = strategies.events.filter(lambda event: not isinstance(event, RunOpened))


@given(batches=st.lists(st.lists(later_events, max_size=4), max_size=4))
@settings(deadline=None, max_examples=50)
def test_any_events_in_any_batches_are_read_back(tmp_path_factory, batches: list):
    folder = tmp_path_factory.mktemp("run")
    journal = Journal.create(folder)
    for batch in batches:
        journal.append(*numbered(*batch, start=journal.tip.seq))
        journal.commit()
    journal.close()
    assert read(folder) == numbered(*(event for batch in batches for event in batch))


def test_a_reader_follows_a_writer_in_another_process(tmp_path: Path):
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        committed = int(writer.stdout.readline())
        reader = RecordReader(folder)
        seen: list[Entry] = []
        for _ in range(20):
            seen += reader.more()
            assert len(seen) >= committed
            assert reader.damage is None or reader.damage.code == "journal-torn"
            committed = int(writer.stdout.readline())
        writer.kill()
    assert [entry.seq for entry in seen] == list(range(len(seen)))


@pytest.mark.parametrize("after", [1, 3, 10])
def test_a_writer_killed_in_the_middle_leaves_every_committed_line(tmp_path: Path, after: int):
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        committed = [int(writer.stdout.readline()) for _ in range(after)][-1]
        writer.kill()
    reopened = Journal.reopen(folder)
    assert reopened.journal.tip.seq >= committed
    assert len(read(folder)) == reopened.journal.tip.seq


def test_an_empty_journal_can_be_reopened(tmp_path: Path):
    Journal.create(tmp_path).close()
    assert Journal.reopen(tmp_path).journal.tip == Tip()
