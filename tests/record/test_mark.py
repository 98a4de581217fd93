"""Marks tell a record that lacks lines from one that does not, whoever cut it, copied it or set it back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.events.event import NoteAdded, RunEnded, RunnerStarted
from runbook.record.file_store import FileStore
from tests.record.contract import RUN, add, create, numbered, opened


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "recordings")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


async def left(store: FileStore, *, notes: int = 3, committed: bool = True) -> None:
    """A record whose runner is gone after some lines."""
    writer = create(store)
    add(writer, *numbered(opened(), RunnerStarted(pid=1)))
    await writer.commit()
    add(writer, *numbered(*(NoteAdded(text=f"{number}") for number in range(notes)), start=2))
    if committed:
        await writer.commit()
    await writer.close()


async def taken(store: FileStore, *, grows: bool = True) -> bool:
    """Whether the next runner is told that it has the newest record; it writes a line and is gone too."""
    found = store.take(RUN)
    if grows:
        add(found.writer, *numbered(RunnerStarted(pid=2, resumed=True), start=found.writer.tip.seq))
        await found.writer.commit()
    await found.writer.close()
    return found.is_newest


def cut(root: Path, keep: int) -> None:
    journal = root / RUN / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:keep]))


async def test_a_record_that_was_left_as_it_was_is_the_newest_every_time(store: FileStore) -> None:
    await left(store)
    assert [await taken(store) for _ in range(3)] == [True] * 3


async def test_what_was_never_durable_was_never_marked(store: FileStore, root: Path) -> None:
    """A power cut takes lines that nothing has rested on."""
    await left(store, committed=False)
    cut(root, 3)
    assert await taken(store)


@pytest.mark.parametrize("keep", [1, 2, 4])
async def test_a_record_that_was_cut_is_not_and_never_becomes_it_again(store: FileStore, root: Path, keep: int) -> None:
    await left(store)
    cut(root, keep)
    assert [await taken(store) for _ in range(3)] == [False] * 3


async def test_lines_that_a_later_runner_wrote_are_missed_as_well(store: FileStore, root: Path) -> None:
    await left(store)
    assert await taken(store)
    cut(root, 5)
    assert not await taken(store)


async def test_of_two_that_grew_out_of_one_neither_knows_what_the_other_has(store: FileStore, root: Path) -> None:
    await left(store)
    shutil.copytree(root / RUN, root.parent / "copy")
    assert await taken(store)
    shutil.rmtree(root / RUN)
    shutil.copytree(root.parent / "copy", root / RUN)
    assert not await taken(store)


async def test_a_copy_elsewhere_has_no_marks(store: FileStore, root: Path) -> None:
    await left(store)
    shutil.copytree(root / RUN, root.parent / "elsewhere" / RUN)
    assert not await taken(FileStore(root.parent / "elsewhere"))


def by_a_copy(root: Path, away: Path) -> None:
    """With old times, into the folder that is there."""
    shutil.copytree(away, root, dirs_exist_ok=True)


def by_bytes(root: Path, away: Path) -> None:
    """File by file into those that are there, with the times of today."""
    for path in (path for path in away.rglob("*") if path.is_file()):
        (root / path.relative_to(away)).write_bytes(path.read_bytes())


def by_what_differs(root: Path, away: Path) -> None:
    """As rsync does: what looks the same is left alone, what does not is written beside and renamed."""
    for path in (path for path in away.rglob("*") if path.is_file()):
        old = root / path.relative_to(away)
        if (old.stat().st_size, old.stat().st_mtime_ns) != (path.stat().st_size, path.stat().st_mtime_ns):
            shutil.copy2(path, old.with_name(".new"))
            old.with_name(".new").rename(old)


@pytest.mark.parametrize("put_back", [by_a_copy, by_bytes, by_what_differs], ids=lambda how: how.__name__)
async def test_a_folder_of_records_that_was_set_back_is_not_believed(
    store: FileStore, root: Path, put_back: Callable
) -> None:
    await left(store)
    away = root.with_name("away")
    shutil.copytree(root, away)
    assert await taken(store)
    put_back(root, away)
    assert not await taken(store)


def are_gone(marks: Path) -> None:
    shutil.rmtree(marks)


def are_a_link(marks: Path) -> None:
    (marks / RUN).rename(marks / "other")
    (marks / RUN).symlink_to("other")


def are_a_pipe(marks: Path) -> None:
    (marks / RUN).unlink()
    os.mkfifo(marks / RUN)


def are_garbage(marks: Path) -> None:
    with (marks / RUN).open("ab") as file:
        file.write(b"x" * 78)


def lost_their_identity(marks: Path) -> None:
    (marks / f"{RUN}.id").unlink()


HARMS = [are_gone, are_a_link, are_a_pipe, are_garbage, lost_their_identity]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_marks_that_cannot_be_read_prove_nothing(store: FileStore, root: Path, harm: Callable) -> None:
    await left(store)
    harm(root / ".marks")
    assert not await taken(store)


async def test_where_nothing_can_be_marked_the_run_goes_on(store: FileStore, root: Path) -> None:
    root.mkdir()
    (root / ".marks").write_text("a file where the folder should be")
    await left(store)
    assert not await taken(store)


async def test_a_run_that_has_ended_leaves_no_marks(store: FileStore, root: Path) -> None:
    await left(store)
    found = store.take(RUN)
    add(found.writer, *numbered(RunEnded(reason="done"), start=found.writer.tip.seq))
    await found.writer.commit()
    await found.writer.close()
    assert list((root / ".marks").iterdir()) == []
    cut(root, 4)
    assert not await taken(store)
