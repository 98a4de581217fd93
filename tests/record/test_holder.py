"""Who has a run, by the lines of its journal: what a client must know before it calls anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.event import Event, NoteAdded, RunnerStarted
from runbook.record.file_record import FileRecord
from runbook.record.files.holder import Holder
from tests.record.samples import ANNA, opened, write_journal

BEN = Actor(name="ben", uid=1001, via="resume")
TAKEN = RunnerStarted(pid=4711, by=ANNA, door="/run/user/1000/r1.sock")


@pytest.mark.parametrize(
    ("events", "holder"),
    [
        ((opened(),), Holder(uid=1000, pid=0, door="")),
        ((opened(), TAKEN), Holder(uid=1000, pid=4711, door="/run/user/1000/r1.sock")),
        ((opened(), TAKEN, RunnerStarted(pid=9, by=BEN, door="/b")), Holder(uid=1001, pid=9, door="/b")),
        ((opened(), replace(TAKEN, by=None)), Holder(uid=1000, pid=4711, door="/run/user/1000/r1.sock")),
        ((opened(), TAKEN, NoteAdded(text='"RunnerStarted"', by=BEN)), Holder(uid=1000, pid=4711, door=TAKEN.door)),
        ((TAKEN,), Holder(uid=1000, pid=4711, door=TAKEN.door)),
        ((NoteAdded(text="by nobody"),), None),
        ((), None),
    ],
    ids=[
        "nobody has taken it yet", "its operator", "whoever resumed it", "a runner that does not say by whom",
        "words in a note", "an opening that is gone", "nobody", "no line",
    ],
)  # fmt: skip
def test_a_run_is_held_by_whoever_took_it_last(
    tmp_path: Path, events: tuple[Event, ...], holder: Holder | None
) -> None:
    write_journal(tmp_path, *events)
    assert FileRecord(tmp_path).holder() == holder


def test_what_cannot_be_read_says_nothing_of_who_comes_behind_it(tmp_path: Path) -> None:
    write_journal(tmp_path, opened(), TAKEN, RunnerStarted(pid=9, by=BEN))
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"pid":4711', b'"pid":"47"'))
    assert FileRecord(tmp_path).holder() == Holder(uid=1000, pid=0, door="")


def test_where_there_is_no_journal_nobody_has_a_run(tmp_path: Path) -> None:
    assert FileRecord(tmp_path).holder() is None
    (tmp_path / "journal.jsonl").mkdir()
    assert FileRecord(tmp_path).holder() is None
