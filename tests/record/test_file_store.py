"""The folder of recordings."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from runbook.core.events.event import ProbeSampled
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import PlannedProbe
from runbook.problem import Exit, Problems
from runbook.record import file_record, file_store, kept_summaries
from runbook.record.checking.verify import verify
from runbook.record.file_store import FileStore, keep_files
from runbook.record.files import reader
from runbook.record.files.journal import Journal
from runbook.record.files.output import Source
from runbook.record.files.plain import kind_of, open_plain
from runbook.record.kept_summaries import KeptSummaries
from runbook.record.summary import RunSummary, summarise
from runbook.view.story.waiting import Waiting
from tests.record.samples import PLAN, numbered, opened, story, write_journal, write_record


def message(caught) -> str:
    return str(caught.value)


def add_run(root: Path, run: str, minute: int, **fields: object) -> None:
    root.mkdir(exist_ok=True)
    write_record(root / run, run=run, started=f"2026-11-23T04:{minute:02d}:00.000Z", **fields)


def test_a_run_gets_a_private_folder_of_its_own(tmp_path: Path):
    before = os.umask(0)
    try:
        folder = FileStore(tmp_path / "recordings").make_folder("r1", "orders")
    finally:
        os.umask(before)
    assert folder == tmp_path / "recordings/r1"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)] == [0o700, 0o700]


def test_a_record_is_never_written_into_another(tmp_path: Path):
    FileStore(tmp_path).make_folder("r1", "orders")
    with pytest.raises(Problems) as caught:
        FileStore(tmp_path).make_folder("r1", "orders")
    assert message(caught) == (
        f"{tmp_path}/r1: There is a record of run r1 already: A record is written once. "
        "Start the run again, under a new id."
    )


def test_a_recordings_folder_that_cannot_be_made_is_one_clear_problem(tmp_path: Path):
    (tmp_path / "recordings").write_text("a file")
    with pytest.raises(Problems) as caught:
        FileStore(tmp_path / "recordings").make_folder("r1", "orders")
    assert caught.value.problems[0].code == "record-unwritable"
    assert caught.value.exit is Exit.REFUSED
    assert message(caught).startswith(f"{tmp_path}/recordings: The run of orders cannot be recorded: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root; tests/real does it with a file system")
def test_an_unwritable_recordings_folder_is_one_clear_problem(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(Problems, match="cannot be recorded: Permission denied"):
        FileStore(tmp_path).make_folder("r1", "orders")


def test_no_run_is_opened_where_its_record_would_not_fit(tmp_path: Path):
    with pytest.raises(Problems) as caught:
        FileStore(tmp_path).make_folder("r1", "orders", floor=2**62)
    assert caught.value.problems[0].code == "record-no-space"
    assert re.fullmatch(
        f"{tmp_path}: Only [0-9]+ MiB are free for the record: A run needs at least {2**42} MiB, so that its evidence "
        "does not stop half-way. Free some space there, or choose another folder for recordings.",
        message(caught),
    )
    assert list(tmp_path.iterdir()) == []


def test_copies_are_kept_exactly_and_privately_with_their_hashes(tmp_path: Path):
    digests = keep_files(tmp_path, {"runbook.yaml": b"title: x\r\n"})
    path = tmp_path / "runbook.yaml"
    assert digests == {"runbook.yaml": hashlib.sha256(b"title: x\r\n").hexdigest()}
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"title: x\r\n", 0o600)
    with pytest.raises(Problems, match="A copy cannot be put into the record: File exists"):
        keep_files(tmp_path, {"runbook.yaml": b"other"})


def test_a_copy_that_no_reader_would_take_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_store, "LARGEST_COPY", 2**20)
    keep_files(tmp_path, {"inventory.json": bytes(2**20)})
    with pytest.raises(Problems) as caught:
        keep_files(tmp_path, {"runbook.yaml": bytes(2**20 + 1)})
    assert message(caught) == (
        f"{tmp_path}/runbook.yaml: runbook.yaml is too large for the record: A copy may have 1 MiB. Split it."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.json"]


def test_a_file_that_the_system_keeps_from_us_is_a_problem_and_no_missing_copy(tmp_path: Path):
    name = "x" * 300
    with pytest.raises(Problems) as caught:
        file_record.FileRecord(tmp_path).copy(name)
    assert message(caught) == (
        f"{tmp_path}/{name}: {name} cannot be read: File name too long. "
        "Give yourself the right to read it, or ask whose record it is."
    )
    assert (caught.value.exit, caught.value.problems[0].code) == (Exit.FAILED, "record-closed")


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (stat.S_IFLNK, "a link"),
        (stat.S_IFIFO, "a pipe"),
        (stat.S_IFSOCK, "a socket"),
        (stat.S_IFDIR, "a folder"),
        (stat.S_IFREG, "a file"),
        (stat.S_IFCHR, "a device"),
        (stat.S_IFBLK, "a device"),
    ],
)
def test_what_stands_in_the_place_of_a_file_has_a_word_for_people(mode: int, word: str):
    assert kind_of(mode | 0o644) == word


@pytest.mark.parametrize("name", ["../x", "/x", ".x", "", "journal.jsonl"])
def test_a_copy_cannot_leave_the_record_or_stand_for_the_journal(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="cannot be the name of a copy"):
        keep_files(tmp_path, {name: b""})


def test_a_record_that_is_taken_again_goes_on_with_its_output_where_it_ended(tmp_path: Path):
    write_record(tmp_path / "r1", text=b"before\n")
    taken = FileStore(tmp_path).take("r1")
    taken.writer.output.write(Source(step="1.2", host="db1", number=2, stream="out"), b"after\n")
    (arrived,) = taken.writer.output.flush()
    taken.writer.abandon()
    assert (arrived.offset, (tmp_path / "r1/out/db1.log").read_bytes()) == (7, b"before\nafter\n")


def test_a_name_is_let_go_once(tmp_path: Path):
    """The number of a descriptor that was closed is soon somebody else's."""
    lock = FileStore(tmp_path).hold("orders", "r1")
    lock.release()
    with (tmp_path / "other").open("w") as other:
        lock.release()
        other.write("still open")


def test_a_second_run_of_the_same_name_is_refused_while_one_is_live(tmp_path: Path):
    store = FileStore(tmp_path)
    with store.hold("orders", "r1"):
        store.hold("billing", "r2").release()
        with pytest.raises(Problems) as caught:
            store.hold("orders", "r3")
        assert caught.value.exit is Exit.REFUSED
        assert message(caught) == (
            "run r1: orders is running already: Run r1 is live, and two at once would step on each other. "
            "Use `runbook attach r1` to join it, or `runbook halt r1 -m WHY` to stop it."
        )
    store.hold("orders", "r3").release()


def test_a_clash_names_the_hosts_in_common(tmp_path: Path):
    store = FileStore(tmp_path)
    with store.hold("orders", "r1", ("web1", "web2")), pytest.raises(Problems) as caught:
        store.hold("orders", "r3", ("web2", "web3"))
    assert caught.value.problems[0].what == "orders is running already on web2"


def test_an_older_version_that_holds_the_whole_list_excludes_every_other(tmp_path: Path):
    path = tmp_path / ".locks" / f"{hashlib.sha256(b'orders').hexdigest()[:32]}.lock"
    path.parent.mkdir(mode=0o700)
    path.write_text("r1\n")
    with path.open("rb") as older:
        fcntl.flock(older, fcntl.LOCK_EX)
        with pytest.raises(Problems) as caught:
            FileStore(tmp_path).hold("orders", "r3", ("web1",))
    assert caught.value.problems[0].why == "Run r1 is live, and two at once would step on each other"
    FileStore(tmp_path).hold("orders", "r3", ("web1",)).release()


HOLDER = """
import sys
from pathlib import Path
from runbook.record.file_store import FileStore
lock = FileStore(Path(sys.argv[1])).hold("orders", "r1")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_right_to_run_dies_with_its_process(tmp_path: Path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Problems, match="orders is running already"):
            FileStore(tmp_path).hold("orders", "r2")
        holder.kill()
    FileStore(tmp_path).hold("orders", "r2").release()


def test_runs_are_listed_newest_first(tmp_path: Path):
    for run, minute in (("b", 1), ("a", 3), ("c", 2)):
        add_run(tmp_path, run, minute)
    assert [run.run for run in FileStore(tmp_path).runs()] == ["a", "c", "b"]


def test_a_row_says_what_the_report_would(tmp_path: Path):
    write_record(tmp_path / "r1")
    (row,) = FileStore(tmp_path).runs()
    assert replace(row, proof=None) == (
        RunSummary(
            run="r1",
            runbook="orders-restart",
            kind="operation",
            operator="anna",
            started="2026-11-23T04:12:00.000Z",
            verdict="completed",
            worst="completed",
            rollback="none",
            objective="not_measured",
            duration=5.0,
            environment="lab",
            waiting=Waiting(step=1, steps=2),
            ended=True,
        )
    )


def test_a_row_has_what_its_record_proves_about_a_schedule(tmp_path: Path):
    write_record(tmp_path / "r1")
    (row,) = FileStore(tmp_path).runs()
    proof = row.proof
    assert proof is not None
    assert (proof.environment, proof.has_ended, proof.ended, proof.is_green) == (
        "lab",
        True,
        "2026-11-23T04:12:05.000Z",
        True,
    )
    assert (proof.limit, proof.follows, proof.skipped, proof.overridden) == ("", "", (), ())


def said(store: FileStore) -> list[tuple[str, str]]:
    """Each row's name and verdict."""
    return [(row.run, row.verdict) for row in store.runs()]


HEALTH = PlannedProbe(name="health", action=CommandAction(shell="true"), every=1.0)


@pytest.mark.parametrize(
    ("at_first", "recovery"), [(True, 1.0), (False, 0.5)], ids=["seen whole", "out from the first"]
)
def test_a_row_gives_the_widest_reading_of_a_recovery_or_the_least_that_it_took(
    tmp_path: Path, at_first: bool, recovery: float
):
    samples = (ProbeSampled(probe="health", ok=ok, took=0.0) for ok in (at_first, False, True))
    write_journal(tmp_path / "r1", opened(plan=replace(PLAN, probes=(HEALTH,))), *samples)
    (row,) = FileStore(tmp_path).runs()
    assert (row.recovery, row.recovery_at_least) == (recovery, not at_first)


def test_a_live_run_is_live_and_a_dead_one_is_interrupted(tmp_path: Path):
    journal = Journal.create(tmp_path / "r1")
    journal.append(*numbered(opened()))
    live = said(FileStore(tmp_path))
    journal.close()
    assert (live, said(FileStore(tmp_path))) == ([("r1", "live")], [("r1", "interrupted")])


@pytest.mark.parametrize(
    ("edit", "runbook"),
    [
        (lambda data: data[:-80] + b"x" + data[-79:], "orders-restart"),
        (lambda data: b"", ""),
        (lambda data: data[90:], ""),
    ],
)
def test_a_damaged_record_is_listed_as_such_with_what_can_be_believed(tmp_path: Path, edit, runbook: str):
    write_record(tmp_path / "r1")
    path = tmp_path / "r1/journal.jsonl"
    path.write_bytes(edit(path.read_bytes()))
    (row,) = FileStore(tmp_path).runs()
    assert (row.run, row.verdict, row.runbook, row.ended) == ("r1", "damaged", runbook, False)
    assert row.problem is not None


def test_a_run_whose_last_line_is_torn_is_interrupted_and_says_what_it_was(tmp_path: Path):
    write_record(tmp_path / "r1")
    path = tmp_path / "r1/journal.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    (row,) = FileStore(tmp_path).runs()
    assert (row.runbook, row.started, row.verdict) == ("orders-restart", "2026-11-23T04:12:00.000Z", "interrupted")


def test_what_is_no_record_is_not_listed(tmp_path: Path):
    (tmp_path / "golden").mkdir()
    (tmp_path / "README.md").write_text("x")
    assert FileStore(tmp_path).runs() == ()
    assert FileStore(tmp_path / "missing").runs() == ()


def test_a_run_is_found_by_the_beginning_of_its_id_by_last_and_by_path(tmp_path: Path):
    for run, minute in (("2026-a", 1), ("2026-b", 3), ("2025-c", 2)):
        add_run(tmp_path, run, minute)
    store = FileStore(tmp_path)
    found = [store.find(text).address for text in ("2025", "2026-a", "last", str(tmp_path / "2026-b"))]
    assert found == [str(tmp_path / name) for name in ("2025-c", "2026-a", "2026-b", "2026-b")]


def test_the_name_of_a_runbook_finds_its_newest_run(tmp_path: Path):
    for run, minute in (("r1", 1), ("r2", 3), ("r3", 2)):
        add_run(tmp_path, run, minute)
    assert FileStore(tmp_path).find("orders-restart").run == "r2"


def test_an_id_that_begins_another_is_found_by_itself(tmp_path: Path):
    for run in ("r1", "r10"):
        add_run(tmp_path, run, 1)
    assert FileStore(tmp_path).find("r1").run == "r1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "2026",
            (
                'run 2026: "2026" may be any of 2 runs: it stands in their ids: 2026-b, 2026-a. '
                'Write one of them, such as "2026-b".'
            ),
        ),
        (
            "2026-x",
            (
                'run 2026-x: There is no run "2026-x": Nothing in {root} has that name. Did you mean "2026-b"? '
                "All of them: runbook runs."
            ),
        ),
    ],
)
def test_a_run_that_cannot_be_found_is_a_problem_with_the_nearest_name(tmp_path: Path, text: str, said: str):
    for run in ("2026-a", "2026-b"):
        add_run(tmp_path, run, 1)
    with pytest.raises(Problems) as caught:
        FileStore(tmp_path).find(text)
    assert message(caught) == said.format(root=tmp_path)


def test_without_any_run_the_newest_is_a_problem(tmp_path: Path):
    with pytest.raises(Problems, match="There is no run yet"):
        FileStore(tmp_path).find("last")


# --- among many -------------------------------------------------------------------------------------------------------


IDS = tuple(
    f"20261123T04{minute:02d}00Z-{book}-00{minute:02x}" for minute, book in enumerate(("ask", "ask-db", "ask") * 4)
)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Runs whose ids say when they began and what they are, oldest first."""
    for minute, run in enumerate(IDS):
        add_run(tmp_path, run, minute, plan=replace(PLAN, runbook=run[17:-5]))
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the records whose journal is opened."""
    names: list[str] = []

    def noted(record: Path, name: str) -> int:
        names.append(record.name)
        return open_plain(record, name)

    for room in (reader, file_record, kept_summaries):
        monkeypatch.setattr(room, "open_plain", noted)
    return names


def test_a_list_reads_no_more_records_than_it_shows(many: Path, read: list[str]):
    assert [row.run for row in FileStore(many).runs(limit=2)] == [IDS[11], IDS[10]]
    assert set(read) == {IDS[11], IDS[10]}


def test_the_runs_of_a_runbook_are_told_by_their_ids(many: Path, read: list[str]):
    assert [row.run for row in FileStore(many).runs(runbook="ask", limit=2)] == [IDS[11], IDS[9]]
    assert set(read) == {IDS[11], IDS[9]}


@pytest.mark.parametrize("text", [IDS[4], "last", IDS[4][:15], "ask-db"])
def test_a_run_is_found_without_looking_at_the_others(many: Path, read: list[str], text: str):
    found = FileStore(many).find(text).run
    assert set(read) <= {found}


def test_a_record_with_a_name_of_its_own_has_its_place_by_what_it_says(many: Path):
    add_run(many, "moved", 6)
    assert [row.run for row in FileStore(many).runs()][4:7] == [IDS[7], "moved", IDS[6]]


def test_a_runbook_of_a_record_with_a_name_of_its_own_is_read_from_it(many: Path):
    add_run(many, "moved", 6)
    assert FileStore(many).find("orders-restart").run == "moved"


# --- rows that are kept -----------------------------------------------------------------------------------------------


def folds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the records that are folded from here on."""
    names: list[str] = []

    def noted(name: str, *given: object, **more: object) -> RunSummary:
        names.append(name)
        return summarise(name, *given, **more)

    monkeypatch.setattr(file_store, "summarise", noted)
    return names


def test_the_row_of_an_ended_run_is_folded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    add_run(tmp_path, "r1", 1)
    folded = folds(monkeypatch)
    first, again = FileStore(tmp_path).runs(), FileStore(tmp_path).runs()
    assert (first == again, folded) == (True, ["r1"])


def test_a_run_that_has_not_ended_is_folded_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_journal(tmp_path / "r1", *story()[:-1])
    folded = folds(monkeypatch)
    assert FileStore(tmp_path).runs() == FileStore(tmp_path).runs()
    assert (folded, (tmp_path / ".cache").exists()) == (["r1", "r1"], False)


def test_a_kept_row_is_private_and_no_part_of_the_record(tmp_path: Path):
    add_run(tmp_path, "r1", 1)
    before = verify(tmp_path / "r1")
    assert before.grade == "sound"
    FileStore(tmp_path).runs()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".cache", tmp_path / ".cache/r1.json")]
    assert (modes, verify(tmp_path / "r1")) == ([0o700, 0o600], before)


def test_a_journal_that_was_changed_is_folded_again_even_when_its_size_and_time_were_put_back(tmp_path: Path):
    add_run(tmp_path, "r1", 1)
    journal = tmp_path / "r1/journal.jsonl"
    before = journal.stat()
    FileStore(tmp_path).runs()
    journal.write_bytes(journal.read_bytes().replace(b'"answer":"proceed"', b'"answer":"PROCEED"'))
    os.utime(journal, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert said(FileStore(tmp_path)) == [("r1", "damaged")]


def test_another_program_folds_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    add_run(tmp_path, "r1", 1)
    FileStore(tmp_path).runs()
    monkeypatch.setattr(KeptSummaries, "_program", "another")
    folded = folds(monkeypatch)
    FileStore(tmp_path).runs()
    assert folded == ["r1"]


@pytest.mark.parametrize("room", ["core/fold/verdict.py", "record/files/journal.py", "record/summary.py"])
def test_the_program_that_kept_a_row_is_known_by_the_code_of_every_room_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
):
    seen_by = tmp_path / "package" / room
    for name in ("core/fold/verdict.py", "record/files/journal.py", "record/summary.py"):
        (tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / name).write_text("one")
    monkeypatch.setattr("runbook.record.kept_summaries.__file__", str(tmp_path / "package/record/kept_summaries.py"))
    before = KeptSummaries(tmp_path)._program
    seen_by.write_text("another")
    assert before not in {"", KeptSummaries(tmp_path)._program}


def forged(path: Path) -> bytes:
    return path.read_bytes().replace(b'"completed"', b'"aborted"')


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept.write_bytes(b""),
        lambda kept: kept.write_bytes(b"{" * 70_000),
        lambda kept: kept.write_bytes(b"[" * 60_000),
        lambda kept: (kept.write_bytes(forged(kept)), kept.chmod(0o666)),
        lambda kept: (kept.write_bytes(forged(kept)), kept.parent.chmod(0o777)),
        lambda kept: (kept.rename(kept.with_name("x")), kept.symlink_to("x")),
        lambda kept: (kept.unlink(), os.mkfifo(kept)),
        lambda kept: (kept.unlink(), kept.mkdir()),
    ],
    ids=["empty", "large", "deep", "open", "open folder", "link", "pipe", "folder"],
)
def test_a_kept_row_that_cannot_be_trusted_is_made_anew(tmp_path: Path, spoil):
    add_run(tmp_path, "r1", 1)
    right = FileStore(tmp_path).runs()
    spoil(tmp_path / ".cache/r1.json")
    assert FileStore(tmp_path).runs() == right


def test_a_kept_row_that_came_with_a_copy_of_the_folder_is_not_believed(tmp_path: Path):
    add_run(tmp_path / "a", "r1", 1)
    FileStore(tmp_path / "a").runs()
    kept = tmp_path / "a/.cache/r1.json"
    kept.write_bytes(forged(kept))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert (said(FileStore(tmp_path / "a")), said(FileStore(tmp_path / "b"))) == (
        [("r1", "aborted")],
        [("r1", "completed")],
    )


def test_rows_of_records_that_are_gone_are_not_kept(tmp_path: Path):
    for run in ("r1", "r2"):
        add_run(tmp_path, run, 1)
    FileStore(tmp_path).runs()
    shutil.rmtree(tmp_path / "r1")
    FileStore(tmp_path).runs()
    assert [path.name for path in (tmp_path / ".cache").iterdir()] == ["r2.json"]


def test_records_are_listed_where_nothing_can_be_kept(tmp_path: Path):
    add_run(tmp_path, "r1", 1)
    (tmp_path / ".cache").write_text("a file where the folder should be")
    assert said(FileStore(tmp_path)) == [("r1", "completed")]
