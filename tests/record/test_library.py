"""The folder of recordings."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.core.event import RunEnded
from runbook.problem import Exit, Problems
from runbook.record.journal import Journal
from runbook.record.library import Library, keep_files
from runbook.record.summary import RunSummary
from tests.record.samples import numbered, opened, story, write_journal, write_record


def message(caught) -> str:
    return str(caught.value)


def add_run(root: Path, run: str, minute: int) -> None:
    root.mkdir(exist_ok=True)
    write_record(root / run, run=run, started=f"2026-11-23T04:{minute:02d}:00.000Z")


def test_a_run_gets_a_private_folder_of_its_own(tmp_path: Path):
    before = os.umask(0)
    try:
        folder = Library(tmp_path / "recordings").create_run_dir("r1", "orders")
    finally:
        os.umask(before)
    assert folder == tmp_path / "recordings/r1"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)] == [0o700, 0o700]


def test_a_record_is_never_written_into_another(tmp_path: Path):
    Library(tmp_path).create_run_dir("r1", "orders")
    with pytest.raises(Problems) as caught:
        Library(tmp_path).create_run_dir("r1", "orders")
    assert message(caught) == (
        f"{tmp_path}/r1: There is a record of run r1 already: A record is written once. "
        "Start the run again, under a new id."
    )


def test_a_recordings_folder_that_cannot_be_made_is_one_clear_problem(tmp_path: Path):
    (tmp_path / "recordings").write_text("a file")
    with pytest.raises(Problems) as caught:
        Library(tmp_path / "recordings").create_run_dir("r1", "orders")
    assert caught.value.problems[0].code == "record-unwritable"
    assert caught.value.exit is Exit.REFUSED
    assert message(caught).startswith(f"{tmp_path}/recordings: The run of orders cannot be recorded: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root; tests/real does it with a file system")
def test_an_unwritable_recordings_folder_is_one_clear_problem(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(Problems, match="cannot be recorded: Permission denied"):
        Library(tmp_path).create_run_dir("r1", "orders")


def test_no_run_is_opened_where_its_record_would_not_fit(tmp_path: Path):
    with pytest.raises(Problems) as caught:
        Library(tmp_path).create_run_dir("r1", "orders", floor=2**62)
    assert caught.value.problems[0].code == "record-no-space"
    assert list(tmp_path.iterdir()) == []


def test_copies_are_kept_exactly_and_privately_with_their_hashes(tmp_path: Path):
    digests = keep_files(tmp_path, {"runbook.yaml": b"title: x\r\n"})
    path = tmp_path / "runbook.yaml"
    assert digests == {"runbook.yaml": hashlib.sha256(b"title: x\r\n").hexdigest()}
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"title: x\r\n", 0o600)
    with pytest.raises(Problems, match="A copy cannot be put into the record: File exists"):
        keep_files(tmp_path, {"runbook.yaml": b"other"})


@pytest.mark.parametrize("name", ["../x", "/x", ".x", "", "journal.jsonl"])
def test_a_copy_cannot_leave_the_record_or_stand_for_the_journal(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="cannot be the name of a copy"):
        keep_files(tmp_path, {name: b""})


def test_a_second_run_of_the_same_name_is_refused_while_one_is_live(tmp_path: Path):
    library = Library(tmp_path)
    with library.hold("orders", "r1"):
        library.hold("billing", "r2").release()
        with pytest.raises(Problems) as caught:
            library.hold("orders", "r3")
        assert caught.value.exit is Exit.REFUSED
        assert message(caught) == (
            "run r1: orders is running already: Run r1 is live, and two at once would step on each other. "
            "Use `runbook attach r1` to join it, or `runbook halt r1` to stop it."
        )
    library.hold("orders", "r3").release()


HOLDER = """
import sys
from pathlib import Path
from runbook.record.library import Library
lock = Library(Path(sys.argv[1])).hold("orders", "r1")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_right_to_run_dies_with_its_process(tmp_path: Path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Problems, match="orders is running already"):
            Library(tmp_path).hold("orders", "r2")
        holder.kill()
    Library(tmp_path).hold("orders", "r2").release()


def test_runs_are_listed_newest_first(tmp_path: Path):
    for run, minute in (("b", 1), ("a", 3), ("c", 2)):
        add_run(tmp_path, run, minute)
    assert [run.run for run in Library(tmp_path).runs()] == ["a", "c", "b"]


def test_a_summary_says_what_a_row_of_the_list_needs(tmp_path: Path):
    entries = write_record(tmp_path / "r1")
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert Library(tmp_path).runs() == (
        RunSummary(
            run="r1",
            folder=tmp_path / "r1",
            runbook="orders-restart",
            title="Restart orders",
            kind="operation",
            environment="lab",
            operator="anna",
            started="2026-11-23T04:12:00.000Z",
            ended=entries[-1].wall,
            reason="all steps done",
            size=size,
        ),
    )


def test_a_live_run_is_live_and_not_damaged_and_a_dead_one_has_no_end(tmp_path: Path):
    journal = Journal.create(tmp_path / "r1")
    journal.append(*numbered(opened()))
    live = Library(tmp_path).runs()[0]
    journal.close()
    dead = Library(tmp_path).runs()[0]
    assert [(run.live, run.ended, run.damaged) for run in (live, dead)] == [(True, "", False), (False, "", False)]


@pytest.mark.parametrize(
    "edit",
    [lambda data: data[:-5], lambda data: data[:-80] + b"x" + data[-79:], lambda data: b"", lambda data: data[90:]],
)
def test_a_damaged_record_is_listed_as_such(tmp_path: Path, edit):
    write_record(tmp_path / "r1")
    path = tmp_path / "r1/journal.jsonl"
    path.write_bytes(edit(path.read_bytes()))
    assert [(run.run, run.damaged) for run in Library(tmp_path).runs()] == [("r1", True)]


def test_a_run_whose_last_line_is_torn_still_says_what_it_was(tmp_path: Path):
    write_record(tmp_path / "r1")
    path = tmp_path / "r1/journal.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    found = Library(tmp_path).runs()[0]
    assert (found.runbook, found.started, found.ended, found.damaged) == (
        "orders-restart",
        "2026-11-23T04:12:00.000Z",
        "",
        True,
    )


def test_a_last_line_longer_than_a_read_is_found(tmp_path: Path):
    entries = write_journal(tmp_path / "r1", opened(), RunEnded(reason="x" * 200_000))
    assert Library(tmp_path).runs()[0].ended == entries[-1].wall


def test_a_journal_of_one_line_is_a_run_that_has_begun(tmp_path: Path):
    write_journal(tmp_path / "r1", opened())
    assert [(run.run, run.ended, run.damaged) for run in Library(tmp_path).runs()] == [("r1", "", False)]


def test_what_is_no_record_is_not_listed(tmp_path: Path):
    (tmp_path / "golden").mkdir()
    (tmp_path / "README.md").write_text("x")
    assert Library(tmp_path).runs() == ()
    assert Library(tmp_path / "missing").runs() == ()


def test_a_run_is_found_by_the_beginning_of_its_id_by_last_and_by_path(tmp_path: Path):
    for run, minute in (("2026-a", 1), ("2026-b", 3), ("2025-c", 2)):
        add_run(tmp_path, run, minute)
    library = Library(tmp_path)
    found = [library.find(text) for text in ("2025", "2026-a", "last", str(tmp_path / "2026-b"))]
    assert found == [tmp_path / name for name in ("2025-c", "2026-a", "2026-b", "2026-b")]


def test_the_name_of_a_runbook_finds_its_newest_run(tmp_path: Path):
    for run, minute in (("r1", 1), ("r2", 3), ("r3", 2)):
        add_run(tmp_path, run, minute)
    assert Library(tmp_path).find("orders-restart") == tmp_path / "r2"


def test_an_id_that_begins_another_is_found_by_itself(tmp_path: Path):
    for run in ("r1", "r10"):
        add_run(tmp_path, run, 1)
    assert Library(tmp_path).find("r1") == tmp_path / "r1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026", 'run 2026: "2026" begins the ids of 2 runs: 2026-a, 2026-b. Give more letters of it.'),
        ("2026-x", 'run 2026-x: There is no run "2026-x": Nothing in {root} has that name. Did you mean "2026-b"?'),
    ],
)
def test_a_run_that_cannot_be_found_is_a_problem_with_the_nearest_name(tmp_path: Path, text: str, said: str):
    for run in ("2026-a", "2026-b"):
        add_run(tmp_path, run, 1)
    with pytest.raises(Problems) as caught:
        Library(tmp_path).find(text)
    assert message(caught) == said.format(root=tmp_path)


def test_without_any_run_the_newest_is_a_problem(tmp_path: Path):
    with pytest.raises(Problems, match="There is no run yet"):
        Library(tmp_path).find("last")


def test_many_runs_are_listed_without_reading_what_lies_between(tmp_path: Path):
    write_journal(tmp_path / "r1", *story())
    path = tmp_path / "r1/journal.jsonl"
    first, *between, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\0" * sum(map(len, between)) + b"\n" + last)
    assert [(run.run, run.reason) for run in Library(tmp_path).runs()] == [("r1", "all steps done")]
