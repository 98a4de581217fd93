"""Reading output by lines."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.record.files.lines import LONGEST_LINE, OutputFile, OutputReader


def reader(folder: Path, data: bytes) -> OutputReader:
    (folder / "out").mkdir(parents=True, exist_ok=True)
    (folder / "out/db1.log").write_bytes(data)
    return OutputReader(OutputFile(folder, "db1"))


def test_a_viewport_is_read_without_the_rest(tmp_path: Path):
    found = reader(tmp_path, b"a\nb\nc\nd\n")
    assert found.lines(1, 2) == (b"b", b"c")
    assert found.lines(3, 10) == (b"d",)
    assert found.lines(4, 10) == ()


def test_a_last_line_without_its_end_is_a_line(tmp_path: Path):
    found = reader(tmp_path, b"a\nb")
    assert (found.lines(0, 5), found.count) == ((b"a", b"b"), 2)


@pytest.mark.parametrize(("data", "count"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"\n", 1), (b"a\n\nb", 3)])
def test_lines_are_counted_as_a_person_counts_them(tmp_path: Path, data: bytes, count: int):
    found = reader(tmp_path, data)
    assert found.scan()
    assert found.count == count


def test_a_host_that_printed_nothing_has_no_lines(tmp_path: Path):
    found = OutputReader(OutputFile(tmp_path, "db1"))
    assert (found.scan(), found.count, found.lines(0, 5), found.line_at(9)) == (True, 0, (), 0)


def test_a_growing_file_is_followed_and_its_last_line_grows(tmp_path: Path):
    found = reader(tmp_path, b"a\nhal")
    assert found.lines(0, 5) == (b"a", b"hal")
    with (tmp_path / "out/db1.log").open("ab") as file:
        file.write(b"f\nnext\n")
    assert found.lines(0, 5) == (b"a", b"half", b"next")


def test_a_replay_sees_only_what_had_been_written_by_then(tmp_path: Path):
    found = reader(tmp_path, b"one\ntwo\nthree\n")
    assert found.lines(0, 5, until=0) == ()
    assert found.lines(0, 5, until=6) == (b"one", b"tw")
    assert found.lines(0, 5, until=8) == (b"one", b"two")


def test_the_line_of_a_byte_is_found(tmp_path: Path):
    found = reader(tmp_path, b"one\ntwo\nthree\n")
    assert [found.line_at(offset) for offset in (0, 3, 4, 8, 13)] == [0, 0, 1, 2, 2]


def test_the_first_byte_of_a_line_is_found(tmp_path: Path):
    found = reader(tmp_path, b"one\ntwo\nthree")
    assert [found.start_of(line) for line in (0, 1, 2, 3)] == [0, 4, 8, 13]


def test_a_very_long_line_is_cut_for_the_viewport_and_the_next_is_in_its_place(tmp_path: Path):
    found = reader(tmp_path, b"x" * (3 * LONGEST_LINE) + b"\nnext\n")
    assert found.lines(0, 2) == (b"x" * LONGEST_LINE, b"next")


def test_looking_is_bounded_so_that_a_screen_never_waits_for_a_large_file(tmp_path: Path):
    found = reader(tmp_path, b"0123456\n" * 1000)
    assert not found.scan(limit=4000)
    assert found.count == 500
    assert found.scan()
    assert found.count == 1000


@given(
    pieces=st.lists(st.binary(max_size=12) | st.just(b"\n"), max_size=12),
    first=st.integers(0, 6),
    count=st.integers(0, 6),
)
def test_lines_are_those_of_the_whole_text(tmp_path_factory, pieces: list[bytes], first: int, count: int):
    folder = tmp_path_factory.mktemp("lines")
    found = reader(folder, b"")
    for piece in pieces:
        with (folder / "out/db1.log").open("ab") as file:
            file.write(piece)
        found.scan()
    whole = b"".join(pieces).split(b"\n")
    expected = whole[:-1] if not whole[-1] else whole
    assert (found.count, found.lines(first, count)) == (len(expected), tuple(expected[first : first + count]))


@given(
    pieces=st.lists(st.text("a\n", min_size=1, max_size=6).map(str.encode), min_size=1, max_size=8),
    is_told_late=st.booleans(),
)
def test_each_writer_begins_a_line_of_its_own(tmp_path_factory, pieces: list[bytes], *, is_told_late: bool):
    found = reader(tmp_path_factory.mktemp("lines"), b"".join(pieces))
    if is_told_late:
        found.scan()
    for number in range(1, len(pieces)):
        found.begin_at(len(b"".join(pieces[:number])))
    found.scan()
    expected = [line for piece in pieces for line in piece.removesuffix(b"\n").split(b"\n")]
    assert (found.count, found.lines(0, 99)) == (len(expected), tuple(expected))
    whole = found.parted(0, b"".join(pieces)).removesuffix(b"\n").split(b"\n")
    assert whole == expected


def test_a_million_lines_cost_eight_bytes_each(tmp_path: Path):
    found = reader(tmp_path, b"".join(b"line %07d\n" % number for number in range(1_000_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while not found.scan():
        pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.count == 1_000_000
    assert found.lines(999_998, 5) == (b"line 0999998", b"line 0999999")
    assert grown < 40 * 1024  # KiB: the index, one block and what the allocator rounds up
