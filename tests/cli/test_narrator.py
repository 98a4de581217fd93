"""What hosts print, told in lines: under the step that wrote it, and no more of it than somebody can follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.cli.line.narrator import BYTES, FIRST, LINES, Narrator
from runbook.core.events.event import AttemptEnded, OutputArrived
from runbook.core.outcome import Outcome
from runbook.core.result import Result
from runbook.feed.feed import MAX_LINE
from runbook.feed.output_view import OutputView
from runbook.record.file_record import FileRecord
from tests.builders import Story, plan, step


class Printing:
    """A run of two steps whose hosts print."""

    def __init__(self, folder: Path) -> None:
        self.story = Story(plan(step("1.1"), step("1.2")))
        self._folder = folder / "out"
        self._folder.mkdir()

    def prints(self, data: bytes, *, name: str = "1.1", stream: str = "out", host: str = "db1") -> Printing:
        file = self._folder / f"{host}.log"
        before = file.read_bytes() if file.exists() else b""
        file.write_bytes(before + data)
        place = {"file": f"out/{host}.log", "offset": len(before), "length": len(data), "sha256": ""}
        self.story.add(OutputArrived(step=name, host=host, number=1, stream=stream, **place))
        return self

    def ends(self, name: str = "1.1", host: str = "db1") -> Printing:
        ended = AttemptEnded(step=name, host=host, number=1, outcome=Outcome.SUCCEEDED, result=Result(rc=0))
        self.story.add(ended)
        return self

    def told(self) -> list[str]:
        """Host, step and text of every line that is told of what was added here."""
        lines: list[str] = []
        narrator = Narrator(OutputView(FileRecord(self._folder.parent)), lines.append)
        runs = [None, *self.story.before, self.story.run]
        for before, after, entry in zip(runs, runs[1:], self.story.entries, strict=False):
            start = len(lines)
            narrator.each(before, after, entry)
            if entry.seq == 0:
                del lines[start:]
        return [" ".join(line.split()[1:]) for line in lines]


@pytest.fixture
def run(tmp_path: Path) -> Printing:
    return Printing(tmp_path)


def test_what_follows_an_unfinished_line_stands_under_its_own_step(run: Printing) -> None:
    run.prints(b"partial").prints(b"whole\n", name="1.2").prints(b"\xff\xfe", stream="err").prints(b"end\n", name="1.2")
    assert run.told() == ["db1 1.1 | partial", "db1 1.2 | whole", "db1 1.1 | ��", "db1 1.2 | end"]


def test_what_a_line_has_grown_by_is_told_and_its_end_is_no_line(run: Printing) -> None:
    run.prints(b"10%").prints(b" 20%").prints(b"\n").prints(b"\n").prints(b"done")
    assert run.told() == ["db1 1.1 | 10%", "db1 1.1 | 20%", "db1 1.1 |", "db1 1.1 | done"]


def test_of_a_long_line_the_beginning_is_told_and_the_rest_is_counted(run: Printing) -> None:
    run.prints(b"x" * 60_000).prints(b"x" * 60_000 + b"\nafter\n").ends()
    left = f"({120_000 - MAX_LINE} more bytes of long lines are in the record: out/db1.log)"
    beginning = f"db1 1.1 | {'x' * MAX_LINE}"
    assert run.told() == [beginning, "db1 1.1 | after", f"db1 1.1 | {left}", "db1 1.1 | OK"]


def test_of_each_second_so_much_is_told_and_the_rest_is_counted_before_anything_else_is_said(run: Printing) -> None:
    for _ in range(5):
        run.prints(b"line\n" * (LINES // 2))
    run.ends()
    lines = run.told()
    assert lines[:-2] == ["db1 1.1 | line"] * LINES
    left = f"({5 * (LINES // 2) - LINES} more lines are in the record: out/db1.log)"
    assert lines[-2:] == [f"db1 1.1 | {left}", "db1 1.1 | OK"]


def test_the_next_second_is_told_again(run: Printing) -> None:
    run.prints(b"a\n" * (LINES + 1))
    run.story.wait(1.0)
    run.prints(b"b\n")
    left = "(1 more lines are in the record: out/db1.log)"
    assert run.told()[LINES:] == [f"db1 1.1 | {left}", "db1 1.1 | b"]


def test_what_is_told_of_a_second_is_of_all_hosts_together_beyond_the_first_lines_of_each(run: Printing) -> None:
    run.prints(b"a\n" * LINES).prints(b"b\n" * FIRST, host="db2")
    run.prints(b"b\n" * 3, host="db2").prints(b"c\n" * 2).prints(b"d\n", name="1.2").ends()
    left = [f"({count} more lines are in the record: out/{host}.log)" for count, host in ((3, "db2"), (2, "db1"))]
    first = [*["db2 1.1 | b"] * FIRST, "db1 1.2 | d"]
    assert run.told()[LINES:] == [*first, f"db2 1.1 | {left[0]}", f"db1 1.1 | {left[1]}", "db1 1.1 | OK"]


def test_the_first_lines_are_those_of_both_streams(run: Printing) -> None:
    run.prints(b"a\n" * LINES, host="db2")
    for _ in range(FIRST):
        run.prints(b"b\n").prints(b"c\n", stream="err")
    assert run.told()[LINES:] == ["db1 1.1 | b", "db1 1.1 | c"] * (FIRST // 2)


def test_a_line_is_counted_once_however_it_was_cut(run: Printing) -> None:
    run.prints(b"a\n" * LINES + b"cut ").prints(b"in ").prints(b"three\nnext").prints(b"\n").ends()
    assert run.told()[LINES] == "db1 1.1 | (2 more lines are in the record: out/db1.log)"


def test_wide_lines_are_no_way_around_it(run: Printing) -> None:
    run.prints((b"x" * 4095 + b"\n") * 16)
    for _ in range(20):
        run.prints((b"x" * 4095 + b"\n") * 16)
    assert sum(map(len, run.told())) < 1.1 * BYTES
