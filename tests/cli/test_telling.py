"""Steering a live run: by words typed where it is watched in lines, and by `runbook tell` from anywhere else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.desk import PATIENCE, Desk, Said, book

SOAK = "{name: Soak, wait: 10m}"
SURE = "{name: Sure, confirm: Really?}"
LATER = "{name: Later, command: 'echo later', on: localhost, timeout: 10s, changes: false}"
DONE = "{name: Done, command: 'echo done', on: localhost, timeout: 10s, changes: false}"


class Watching:
    """A line mode whose reader types when they have read something. What it says, on both streams, is in `said`."""

    def __init__(self, process: subprocess.Popen[bytes], reads: int, writes: int) -> None:
        self._process, self._reads, self._writes = process, reads, writes
        self._news = threading.Condition()
        self.said = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := self._data():
            with self._news:
                self.said += data.decode()
                self._news.notify_all()

    def _data(self) -> bytes:
        try:
            return os.read(self._reads, 4096)
        except OSError:
            return b""  # a terminal that nobody has any more

    def sees(self, text: str, times: int = 1) -> None:
        """Return once it has been said so often; fails when that does not come."""
        with self._news:
            assert self._news.wait_for(lambda: self.said.count(text) >= times, PATIENCE), self.said

    def types(self, line: str) -> None:
        os.write(self._writes, f"{line}\n".encode())

    def ends(self) -> int:
        return self._process.wait(PATIENCE)


@contextmanager
def watching(desk: Desk, *steps: str, terminal: bool = False) -> Iterator[Watching]:
    """A run of these steps, watched through pipes or on a (dumb) terminal."""
    desk.write("drills/look.yaml", book(steps=f"[{', '.join(steps)}]"))
    argv = [sys.executable, "-m", "runbook.cli", "run", "look", "--line", "--attended", "--yes"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    if terminal:
        reads, into = pty.openpty()
        writes, out = reads, into
    else:
        (reads, out), (into, writes) = os.pipe(), os.pipe()
    streams = {"stdin": into, "stdout": out, "stderr": out}
    with subprocess.Popen(argv, cwd=desk.root, env=environment, start_new_session=True, **streams) as process:
        for number in {into, out}:
            os.close(number)
        try:
            yield Watching(process, reads, writes)
        finally:
            process.kill()


def test_on_a_terminal_a_line_that_is_no_word_is_told_so_at_once(desk: Desk) -> None:
    with watching(desk, SOAK, DONE, terminal=True) as person:
        person.sees("Words may be typed at any time: help lists them.")
        person.sees("1.1 Soak: 10:00 left")
        person.types("cutt it is up")
        person.sees('error: no run knows the word "cutt"\r\n  why: its words are pause, ')
        person.sees("fix: Did you mean: cut it is up")
        person.types("cut")
        person.sees("Reason, goes on record: ")
        person.types("it is up")
        person.sees("wait cut short by")
        assert person.ends() == 0


def started(desk: Desk, *steps: str) -> str:
    desk.write("drills/look.yaml", book(steps=f"[{', '.join(steps)}]"))
    return desk.start("run", "look", "--detach", "--attended").out.strip()


def test_words_that_are_typed_between_questions_steer_the_run(desk: Desk) -> None:
    with watching(desk, SOAK, LATER, DONE) as person:
        person.sees("1.1 Soak: 10:00 left. To end it now: cut 1.1 WHY")
        for line, seen in (
            ("help", "pause             Enter no new step; what runs goes on."),
            ("continue", "error: the run is not paused"),
            ("pause", "| paused by"),
            ("continue", "| goes on by"),
            ("note the disk is slow", ": the disk is slow"),
            ("mark detected", "MARK  detected by"),
            ("skip 1.2 not needed", ": not needed"),
            ("skip 1.1 it is up", "wait cut short by"),
        ):
            person.types(line)
            person.sees(seen)
        assert person.ends() == 1
    assert "echo later" not in person.said.partition("skip 1.2")[2]


def test_a_question_takes_words_that_are_none_of_its_answers(desk: Desk) -> None:
    with watching(desk, SURE, DONE) as person:
        for count, (line, seen) in enumerate(
            (
                ("help", "proceed (y)  Go on."),
                ("note half way", ": half way"),
                ("maybe", "Please answer with one of these."),
                ("y", "proceed by"),
            ),
            start=1,
        ):
            person.sees("[proceed/stop]", count)
            person.types(line)
            person.sees(seen)
        assert person.ends() == 0


def test_a_word_without_its_reason_is_asked_for_it(desk: Desk) -> None:
    with watching(desk, SURE, LATER, DONE) as person:
        person.sees("[proceed/stop]")
        person.types("skip 1.2")
        person.sees("Reason, goes on record: ")
        person.types("not needed")
        person.sees("[proceed/stop]", 2)
        person.types("yes")
        assert person.ends() == 1
    assert ": not needed" in person.said


def test_a_plain_no_stops_and_asks_why(desk: Desk) -> None:
    with watching(desk, SURE, DONE) as person:
        person.sees("[proceed/stop]")
        person.types("n")
        person.sees("Reason, goes on record: ")
        person.types("not today")
        assert person.ends() == 1
    assert "not today" in person.said


def test_a_question_that_is_answered_elsewhere_is_taken_back(desk: Desk) -> None:
    with watching(desk, SURE, SURE, DONE) as person:
        person.sees("[proceed/stop]")
        assert desk.ask("approve", "last", "--gate", "1.1#1").status == 0
        person.sees("Gate 1.1#1 waits no more: proceed by ")
        person.sees("[proceed/stop]", 2)
        person.types("halt wrong day")
        person.sees("HALT by")
        assert person.ends() == 1


def test_a_run_is_steered_from_another_terminal(desk: Desk) -> None:
    run = started(desk, SOAK, LATER, SOAK)
    desk.until(lambda: desk.ask("replay", run), lambda said: "1.1" in said.out)
    said = [
        desk.ask("tell", *words)
        for words in (
            (run[-4:], "pause"),
            (run[-4:], "continue"),
            ("look", "note", "the disk", "is slow"),
            ("last", "mark", "restored"),
            ("last", "skip", "1.2", "-m", "not needed"),
            ("last", "exclude", "localhost", "-m", "smoke"),
            ("last", "cut", "it", "is", "up"),
        )
    ]
    assert [(one.status, one.out) for one in said] == [(0, "")] * 7
    assert said[0].err == f"Told run {run}: pause. Watch it: runbook attach {run}\n"
    desk.until(lambda: desk.ask("replay", run), lambda said: "1.3" in said.out)
    assert desk.ask("tell", run, "undo", "-m", "wrong version").status == 0
    desk.start("attach", run, "--json")
    story = desk.ask("replay", run).out
    assert [
        words
        for words in (
            "paused by", "goes on by", ": the disk is slow", "MARK  service restored by", "not needed",
            "takes no further part by", "wait cut short by", "rolling back by",
        )
        if words not in story
    ] == []  # fmt: skip


def test_what_a_live_run_does_not_do_is_refused_with_the_next_command_in_full(desk: Desk) -> None:
    run = started(desk, SURE, DONE)
    desk.until(lambda: desk.ask("approve", run), lambda said: "1.1#1" in said.out)
    assert [
        desk.ask("tell", run, *words)
        for words in (("continue",), ("paus",), ("skip",), ("skip", "1.2"), ("pause", "now"))
    ] == [
        Said(5, "", f"error: the run is not paused\n  fix: The other way: runbook tell {run} pause\n"),
        Said(
            2,
            "",
            'error: no run knows the word "paus"\n'
            "  why: its words are pause, continue, skip, cut, note, mark, exclude, lift, undo, halt\n"
            f"  fix: Did you mean: runbook tell {run} pause\n",
        ),
        Said(2, "", f'error: "skip" lacks its STEP\n  fix: Write: runbook tell {run} skip STEP WHY\n'),
        Said(
            2,
            "",
            f'error: "skip" goes on record with a reason\n  fix: Say why: runbook tell {run} skip 1.2 -m "WHY"\n',
        ),
        Said(2, "", f'error: "pause" stands alone\n  fix: Write: runbook tell {run} pause\n'),
    ]


@pytest.mark.parametrize("words", [("tell", "last", "halt", "too late"), ("halt", "last", "-m", "too late")])
def test_a_run_that_has_just_ended_is_not_halted_and_says_how_it_ended(desk: Desk, words: tuple[str, ...]) -> None:
    desk.start("run", "look", "--line", "--auto")
    said = desk.ask(*words)
    run = json.loads(desk.ask("runs", "--json").out)[0]["id"]
    assert said.status == 5
    assert said.err.startswith(f"error: run {run} has ended: completed\n  why: it ended 20")
    assert said.err.endswith(f"  fix: Read it with: runbook replay {run}\n")


def test_the_words_are_listed_and_a_word_without_a_run_is_told_so(desk: Desk) -> None:
    assert "cut STEP WHY" in desk.ask("tell", "last", "help").out
    assert desk.ask("tell", "pause") == Said(
        2, "", "error: which run is told is not said\n  fix: Name it first: runbook tell last pause\n"
    )
