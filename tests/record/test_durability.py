"""What a power cut may take: every byte and every name of a record is on the disk before anything rests on it."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.events.event import NoteAdded
from runbook.problem import Problems
from runbook.record.file_store import FileStore, keep_files
from runbook.record.files.disk import write_new_file
from runbook.record.files.journal import Journal
from runbook.record.files.output import OutputStore, Source
from tests.record.samples import numbered, story, write_journal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which file a descriptor is of")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written, cut or synced below the test's folder, in its order."""
    seen: list[str] = []

    def noted(name: str) -> None:
        real: Callable[..., object] = getattr(os, name)

        def call(number: int, *given: object) -> object:
            path = Path(f"/proc/self/fd/{number}").readlink()
            if path.is_relative_to(tmp_path):
                seen.append(f"{name.removeprefix('f')} {path.relative_to(tmp_path)}")
            return real(number, *given)

        monkeypatch.setattr(os, name, call)

    for name in ("write", "ftruncate", "fsync", "fdatasync"):
        noted(name)
    return seen


def test_the_folders_of_a_new_journal_and_its_name_are_durable_before_a_line_is_written(
    tmp_path: Path, calls: list[str]
) -> None:
    journal = Journal.create(tmp_path / "recordings/r1")
    journal.append(*numbered(NoteAdded(text="first")))
    journal.commit()
    assert calls == [
        "sync .", "sync recordings", "sync recordings/r1",
        "write recordings/r1/journal.jsonl", "datasync recordings/r1/journal.jsonl",
    ]  # fmt: skip


def test_the_folder_of_a_run_is_durable_before_anything_lies_in_it(tmp_path: Path, calls: list[str]) -> None:
    FileStore(tmp_path).make_folder("r1", "orders")
    assert calls == ["sync ."]


def test_a_copy_is_durable_before_its_name(tmp_path: Path, calls: list[str]) -> None:
    keep_files(tmp_path, {"runbook.yaml": b"title: x\n"})
    assert calls == ["write runbook.yaml", "datasync runbook.yaml", "sync ."]


def test_an_unfinished_end_is_durable_beside_the_journal_before_it_is_cut_off(tmp_path: Path, calls: list[str]) -> None:
    write_journal(tmp_path, *story())
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"prev":')
    calls.clear()
    Journal.reopen(tmp_path).journal.close()
    assert calls == [
        "write torn-1", "datasync torn-1", "sync .", "truncate journal.jsonl", "sync journal.jsonl",
    ]  # fmt: skip


def test_output_is_made_durable_with_the_names_of_its_files(tmp_path: Path, calls: list[str]) -> None:
    store = OutputStore(tmp_path)
    for host in ("db1", "db2"):
        store.write(Source(step="1.1", host=host, number=1, stream="out"), b"x")
    store.flush()
    calls.clear()
    store.unsynced().sync()
    assert calls == ["datasync out/db1.log", "datasync out/db2.log", "sync out"]


def test_a_file_that_does_not_fit_is_not_there_at_all(tmp_path: Path) -> None:
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            write_new_file(tmp_path / "runbook.yaml", b"x" * 200)
        with pytest.raises(Problems, match="A copy cannot be put into the record: No space left"):
            keep_files(tmp_path, {"runbook.yaml": b"x" * 200})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []
