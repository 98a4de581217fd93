"""Reading a journal that is cut, edited or growing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.events.event import Event, NoteAdded, RunEnded, RunnerStarted, Unknown
from runbook.problem import Exit, Problem, Problems, Where
from runbook.record.beginning import folded
from runbook.record.files.journal import Journal
from runbook.record.files.reader import RecordReader
from tests.record.samples import numbered, opened, read_lines, rechain, story, write_journal


def read(folder: Path) -> tuple[tuple, tuple[str, int]]:
    """The good entries, and the code and the line of the damage."""
    reader = RecordReader(folder)
    found = tuple(reader.entries())
    damage = reader.damage
    return found, ("", 0) if damage is None else (damage.code, damage.where.line)


def test_a_whole_journal_is_read_to_its_end_without_damage(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    assert read(tmp_path) == (entries, ("", 0))


def test_a_journal_cut_at_any_byte_tells_the_truth_up_to_there(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        is_whole = whole[:cut].endswith(b"\n") or cut == 0
        assert read(tmp_path) == (entries[:lines], ("", 0) if is_whole else ("journal-torn", lines + 1))


def test_a_flip_of_any_byte_is_named_with_its_line_and_all_before_it_is_read(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        line = whole[:place].count(b"\n")
        found, (code, number) = read(tmp_path)
        assert (found, number) == (entries[:line], line + 1), place
        assert code in {"journal-hash", "journal-json", "journal-torn"}


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda lines: lines[:3] + lines[4:], 4),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 4),
        (lambda lines: lines[1:], 1),
        (lambda lines: [*lines[:5], b"\n", *lines[5:]], 6),
    ],
    ids=["removed", "repeated", "swapped", "first removed", "blank"],
)
def test_a_line_removed_added_or_moved_breaks_the_chain_there(tmp_path: Path, edit, line: int):
    entries = write_journal(tmp_path, *story())
    (tmp_path / "journal.jsonl").write_bytes(b"".join(edit(read_lines(tmp_path))))
    found, (_, number) = read(tmp_path)
    assert (found, number) == (entries[: line - 1], line)


def test_damage_says_what_why_where_and_what_may_still_be_used(tmp_path: Path):
    write_journal(tmp_path, *story())
    lines = read_lines(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b"".join([*lines[:3], lines[3].replace(b"anna", b"bert"), *lines[4:]]))
    reader = RecordReader(tmp_path)
    reader.more()
    assert str(reader.damage) == (
        f"{tmp_path}/journal.jsonl:4: The line was changed after it was written: "
        'Its bytes do not give its own "sum". What came before this line is sound and was used.'
    )


def test_events_of_a_newer_version_are_read_over_and_told(tmp_path: Path):
    raw = b'{"type":"SealAdded","by":"anna"}'
    entries = write_journal(
        tmp_path, opened(version="9.0.0"), Unknown(name="SealAdded", raw=raw), NoteAdded(text="after it")
    )
    reader = RecordReader(tmp_path)
    assert (tuple(reader.more()), reader.damage) == (entries, None)
    assert reader.newer.problem == Problem(
        what="The record was written by a newer version",
        why="version 9.0.0 wrote it",
        fix="What this one does not know was passed over; read it with version 9.0.0 of this program, or a later one.",
        code="record-newer",
        exit=Exit.REFUSED,
        warning=True,
    )


@pytest.mark.parametrize(
    ("events", "sign", "line"),
    [
        ((opened(), RunnerStarted(pid=1)), "", 0),
        ((opened(version=""), RunnerStarted(pid=1)), "", 0),
        ((opened(version="0.0.9"),), "", 0),
        ((opened(version="0.1.0.1"),), "version 0.1.0.1 wrote it", 1),
        ((opened(format=7),), "it has format 7, and this version knows up to 2", 1),
        (
            (opened(), RunnerStarted(pid=1), RunnerStarted(pid=2, format=7)),
            "it has format 7, and this version knows up to 2",
            3,
        ),
        (
            (opened(), Unknown(name="SealAdded", raw=b'{"type":"SealAdded"}')),
            'this version does not know what "SealAdded" says',
            2,
        ),
        (
            (Unknown(name="RunOpened", raw=b'{"type":"RunOpened","format":7}'),),
            "it has format 7, and this version knows up to 2",
            1,
        ),
    ],
)
def test_a_newer_version_is_known_by_its_number_its_format_and_what_it_tells(
    tmp_path: Path, events: tuple[Event, ...], sign: str, line: int
):
    write_journal(tmp_path, *events)
    reader = RecordReader(tmp_path)
    reader.more()
    assert (reader.newer.sign, reader.newer.line, reader.damage) == (sign, line, None)


def test_a_line_that_only_a_newer_version_can_read_ends_the_reading_with_the_advice_to_use_one(tmp_path: Path):
    write_journal(tmp_path, opened(version="9.0.0"), NoteAdded(text="x"))
    rechain(tmp_path, lambda line: line.replace(b'"at":0.5', b'"at":"0.5"'))
    reader = RecordReader(tmp_path)
    reader.more()
    assert str(reader.damage) == (
        f"{tmp_path}/journal.jsonl:2: This version cannot read the line: A newer version wrote it "
        "(Expected `float`, got `str` - at `$.at`). "
        "What this one does not know was passed over; read it with version 9.0.0 of this program, or a later one."
    )


@pytest.mark.parametrize(
    ("events", "what"),
    [((), "the record is empty"), ((NoteAdded(text="x"),), "the record does not begin with the opening of a run")],
)
def test_a_record_that_opens_no_run_is_refused_in_the_same_words_by_everybody(
    tmp_path: Path, events: tuple[Event, ...], what: str
):
    write_journal(tmp_path, *events)
    with pytest.raises(Problems) as caught:
        folded(RecordReader(tmp_path))
    assert caught.value.problems == (
        Problem(
            what=what,
            why="the runner ended before its first line, or lines were taken away",
            fix="If the run never began, start it again; if it did, bring its record back from a copy.",
            where=Where(f"{tmp_path}/journal.jsonl"),
            code="empty-record",
            exit=Exit.FAILED,
        ),
    )


def test_a_growing_journal_is_read_as_it_grows(tmp_path: Path):
    journal = Journal.create(tmp_path)
    reader = RecordReader(tmp_path)
    assert reader.more() == []
    seen = []
    for entry in numbered(*story()):
        journal.append(entry)
        seen += reader.more()
        assert reader.more() == []
    assert tuple(seen) == numbered(*story())


def test_a_line_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    reader = RecordReader(tmp_path)
    assert tuple(reader.more()) == entries[:-1]
    assert reader.damage.code == "journal-torn"
    path.write_bytes(whole)
    assert tuple(reader.more()) == entries[-1:]
    assert reader.damage is None


def test_nothing_behind_a_bad_line_is_ever_read(tmp_path: Path):
    entries = write_journal(tmp_path, *story())
    lines = read_lines(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[2:]]))
    reader = RecordReader(tmp_path)
    assert (tuple(reader.more()), reader.more()) == (entries[:2], [])
    path.write_bytes(b"".join(lines))
    assert reader.more() == []


def test_a_line_longer_than_a_read_is_read_whole(tmp_path: Path):
    entries = write_journal(tmp_path, NoteAdded(text="x" * 9_000_000), RunEnded(reason=""))
    assert read(tmp_path) == (entries, ("", 0))


def test_a_folder_without_a_journal_is_a_problem(tmp_path: Path):
    with pytest.raises(Problems) as caught:
        RecordReader(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: There is no record here: The folder has no journal.jsonl. "
        "Use `runbook runs` to see what is recorded."
    )


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_file_of_zeros_is_damage_in_line_one(tmp_path: Path, size: int):
    (tmp_path / "journal.jsonl").write_bytes(bytes(size))
    assert read(tmp_path) == ((), ("journal-torn", 1))
