"""Output as it is searched: whole lines, a slice at a time, that together are the file up to the moment shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived
from runbook.feed.output_view import OutputView
from runbook.record.file_record import FileRecord

WRITTEN = (b"first\nsec", b"ond\n\n", b"x" * 100 + b"\n", b"unfinished")


def view_of(folder: Path, *chunks: bytes, missing: int = 0, steps: tuple[str, ...] = ()) -> OutputView:
    """A view of one host's chunks, one a second; the file lacks its last `missing` bytes. `steps` wrote them."""
    (folder / "out").mkdir()
    whole = b"".join(chunks)
    (folder / "out" / "db1.log").write_bytes(whole[: len(whole) - missing])
    view = OutputView(FileRecord(folder))
    offset = 0
    for number, data in enumerate(chunks):
        event = OutputArrived(
            step=steps[number] if steps else "1.1",
            host="db1",
            number=1,
            stream="out",
            file="out/db1.log",
            offset=offset,
            length=len(data),
            sha256="",
        )
        view.take(Entry(seq=number, at=float(number), wall="", event=event))
        offset += len(data)
    return view


def slices(view: OutputView, size: int) -> list[bytes]:
    found: list[bytes] = []
    line = 0
    while data := view.text("db1", line, size):
        found.append(data)
        line += data.count(b"\n")
    return found


@pytest.mark.parametrize("size", [128, 1000])
def test_the_slices_together_are_all_lines(tmp_path, size):
    assert b"".join(slices(view_of(tmp_path, *WRITTEN), size)) == b"".join(WRITTEN) + b"\n"


@pytest.mark.parametrize("size", [7, 16, 40])
def test_a_line_longer_than_a_slice_is_cut_and_still_is_one_line(tmp_path, size):
    found = slices(view_of(tmp_path, *WRITTEN), size)
    assert [line[:6] for line in b"".join(found).splitlines()] == [b"first", b"second", b"", b"xxxxxx", b"unfini"]


def test_a_moment_of_the_past_ends_where_it_ended(tmp_path):
    view = view_of(tmp_path, *WRITTEN)
    view.show_until(0.5)
    assert slices(view, 1000) == [b"first\nsec\n"]


def test_a_host_that_said_nothing_has_no_text(tmp_path):
    assert view_of(tmp_path, *WRITTEN).text("db2", 0, 1000) == b""


def test_a_file_that_lost_its_end_ends_there(tmp_path):
    assert slices(view_of(tmp_path, *WRITTEN, missing=115), 1000) == [b"first\n", b"seco\n"]


def test_a_line_belongs_to_the_step_that_wrote_it_although_the_one_before_was_never_ended(tmp_path):
    view = view_of(tmp_path, b"partial", b"whole\nand", b" more\n", b"end\n", steps=("1.1", "1.2", "1.2", "1.3"))
    expected = [("1.1", b"partial"), ("1.2", b"whole"), ("1.2", b"and more"), ("1.3", b"end")]
    assert [(line.step, line.data) for line in view.lines("db1", 0, 9)] == expected
    assert view.count("db1") == 4
    assert b"".join(slices(view, 12)) == b"partial\nwhole\nand more\nend\n"


def test_a_step_that_goes_on_behind_what_was_already_read_begins_a_line_too(tmp_path):
    view = view_of(tmp_path, b"partial", steps=("1.1",))
    (tmp_path / "out/db1.log").write_bytes(b"partialwhole\n")
    assert [line.data for line in view.lines("db1", 0, 9)] == [b"partial"]
    place = {"file": "out/db1.log", "offset": 7, "length": 6, "sha256": ""}
    view.take(
        Entry(seq=1, at=1.0, wall="", event=OutputArrived(step="1.2", host="db1", number=1, stream="out", **place))
    )
    assert [(line.step, line.data) for line in view.lines("db1", 0, 9)] == [("1.1", b"partial"), ("1.2", b"whole")]
