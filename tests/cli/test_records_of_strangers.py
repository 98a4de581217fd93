"""Records with links, pipes, devices and worse in them: `verify` finds it, every other verb says it once, nothing hangs."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk

RUN = "20261123T041200Z-orders-restart-0001"
Damage = Callable[[Path], object]

MIB = 1024 * 1024
MOST_MEMORY = 400 * MIB
"""Bytes of address space beyond what a verb needs for a sound record, that it may take for a damaged one."""


def pipe(name: str) -> Damage:
    """In the place of a file."""
    return lambda record: ((record / name).unlink(missing_ok=True), os.mkfifo(record / name))


def link(name: str, target: str = "") -> Damage:
    """To the file itself, moved elsewhere, or to a target."""

    def put(record: Path) -> None:
        away = record.parent.parent / "away"
        if (record / name).exists():
            (record / name).rename(away)
        (record / name).symlink_to(target or away)

    return put


def folder(name: str) -> Damage:
    """In the place of a file."""
    return lambda record: ((record / name).unlink(), (record / name).mkdir())


def device(name: str) -> Damage:
    """One without an end, as a real node."""

    def put(record: Path) -> None:
        (record / name).unlink()
        try:
            os.mknod(record / name, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("only root makes devices, and not in every container")

    return put


def ends(data: bytes) -> Damage:
    """More bytes at the journal's end."""

    def put(record: Path) -> None:
        with (record / "journal.jsonl").open("ab") as journal:
            journal.write(data)

    return put


def sparse(name: str, size: int) -> Damage:
    """A file with a hole that no disk has room for."""
    return lambda record: os.truncate(record / name, size)


def holds(data: bytes) -> Damage:
    """Nothing but these bytes in the journal."""
    return lambda record: (record / "journal.jsonl").write_bytes(data)


def both(*damages: Damage) -> Damage:
    return lambda record: [damage(record) for damage in damages]


def deep(record: Path) -> None:
    """More folders in one another than a program may recurse."""
    for _ in range(1200):
        record /= "d"
        record.mkdir()


@pytest.fixture(autouse=True)
def _cleared(desk: Desk) -> Iterator[None]:
    """Nobody who tidies up afterwards is to meet these records."""
    yield
    subprocess.run(["rm", "-rf", str(desk.root / "recordings")], check=True)


JOURNAL, LOG, COPY = "journal.jsonl", "out/db1.log", "runbook.yaml"

IN_THE_JOURNAL: dict[str, tuple[Damage, str, str]] = {
    "a pipe": (pipe(JOURNAL), "altered", "journal.jsonl is a pipe"),
    "a link": (link(JOURNAL), "altered", "journal.jsonl is a link"),
    "a link to a device": (link(JOURNAL, "/dev/zero"), "altered", "journal.jsonl is a link"),
    "a device": (device(JOURNAL), "altered", "journal.jsonl is a device"),
    "a folder": (folder(JOURNAL), "altered", "journal.jsonl is a folder"),
    "nothing": (holds(b""), "incomplete", "the record is empty"),
    "a line feed": (holds(b"\n"), "altered", "This is not a line of a journal"),
    "zeros": (holds(bytes(5 * MIB)), "incomplete", "The line is cut off"),
    "a hole": (both(holds(b""), sparse(JOURNAL, 2**40)), "incomplete", "The line is cut off"),
}
"""Nothing of the run can be read: what is said, and the grade."""

BEHIND_IT: dict[str, tuple[Damage, str, str]] = {
    "depth": (ends(b"[" * 3_000_000), "altered", "This is not a line of a journal"),
    "depth in a line": (ends(b"[" * 3_000_000 + b"\n"), "altered", "This is not a line of a journal"),
    "a long line": (ends(b"a" * (100 * MIB)), "altered", "This is not a line of a journal"),
    "a long line that begins well": (
        ends(b'{"prev":"' + b"a" * (100 * MIB)),
        "altered",
        "This is not a line of a journal",
    ),
    "a hole": (sparse(JOURNAL, 2**40), "altered", "The line is cut off"),
}
"""The run is told as far as its journal is sound."""

IN_THE_OUTPUT: dict[str, tuple[Damage, str, str]] = {
    "a pipe": (pipe(LOG), "out/db1.log is not a plain file", "db1.log is a pipe"),
    "a link": (link(LOG), "out/db1.log is not a plain file", "db1.log is a link"),
    "a link to a device": (link(LOG, "/dev/zero"), "out/db1.log is not a plain file", "db1.log is a link"),
    "a device": (device(LOG), "out/db1.log is not a plain file", "db1.log is a device"),
    "a folder": (folder(LOG), "out/db1.log is not a plain file", "db1.log is a folder"),
    "a link for all of it": (link("out"), "out is not a plain folder", "out is a link"),
}

NOTED: dict[str, tuple[Damage, str]] = {
    "names that drive a terminal": (
        lambda record: (
            (record / "out/a\n\033]0;owned\007b.log").touch(),
            (record / "x\n\033[2J").touch(),
        ),
        "2 are not named by the record",
    ),
    "links that lead nowhere": (
        both(link("zz", "/nonexistent"), link("loop", ".")),
        "2 are neither files nor folders",
    ),
    "a deep tree": (deep, "1200 are not named by the record"),
}


STATUS = {"altered": 1, "incomplete": 2}


def checks(desk: Desk) -> tuple[int, str, dict[str, tuple[str, str]]]:
    """Status, grade, and what each check that is not OK says, by `verify`."""
    said = desk.ask("verify", RUN, "--json")
    data = json.loads(said.out)
    found = {one["name"]: (one["finding"], one["detail"]) for one in data["checks"] if one["finding"] != "ok"}
    return said.status, data["grade"], found


@pytest.mark.parametrize("name", IN_THE_JOURNAL)
def test_what_stands_in_the_journals_place_is_a_finding_and_one_problem_for_every_verb(desk: Desk, name: str) -> None:
    damage, grade, words = IN_THE_JOURNAL[name]
    damage(desk.record(RUN))
    status, found, failed = checks(desk)
    assert (status, found, failed["plan"][0]) == (STATUS[grade], grade, "missing")
    for verb in (("replay", RUN, "--line"), ("report", RUN), ("attach", RUN), ("resume", RUN)):
        said = desk.ask(*verb)
        assert (said.status != 0, said.out) == (True, ""), verb
        assert said.err.count("error: ") == 1, said.err
    assert words in desk.ask("replay", RUN, "--line").err
    listed = desk.ask("runs")
    assert (listed.status, listed.err.count("error: "), words in listed.err) == (0, 1, True)
    assert " damaged " in listed.out


@pytest.mark.parametrize("name", BEHIND_IT)
def test_what_stands_behind_the_journals_lines_is_a_finding_and_the_run_is_told_up_to_there(
    desk: Desk, name: str
) -> None:
    damage, grade, words = BEHIND_IT[name]
    damage(desk.record(RUN))
    status, found, failed = checks(desk)
    assert (status, failed["chain"][1].startswith(words)) == (STATUS[found], True)
    assert found in {grade, "incomplete"}
    for verb in (("replay", RUN, "--line"), ("report", RUN), ("runs",)):
        said = desk.ask(*verb)
        assert (said.status, said.err.count("error: ") <= 1) == (0, True), said.err
    assert words in desk.ask("replay", RUN, "--line").err


@pytest.mark.parametrize("name", IN_THE_OUTPUT)
def test_what_stands_in_the_place_of_output_is_a_finding_and_the_run_is_told_without_it(desk: Desk, name: str) -> None:
    damage, finding, words = IN_THE_OUTPUT[name]
    damage(desk.record(RUN))
    status, grade, failed = checks(desk)
    assert (status, grade, failed["output"]) == (1, "altered", ("altered", finding))
    told = desk.ask("replay", RUN, "--line")
    assert (told.status, told.err.count("error: "), words in told.err) == (0, 1, True), told.err
    assert "completed" in told.out
    reported = desk.ask("report", RUN)
    assert (reported.status, reported.err, finding in reported.out) == (0, "", True)
    assert desk.ask("runs").err == ""


@pytest.mark.parametrize("damage", [pipe(COPY), link(COPY), link(COPY, "/dev/zero"), device(COPY), folder(COPY)])
def test_what_stands_in_the_place_of_a_copy_is_a_finding(desk: Desk, damage: Damage) -> None:
    damage(desk.record(RUN))
    assert checks(desk)[2]["copies"] == ("altered", "runbook.yaml is not a plain file")


def test_a_copy_larger_than_any_is_not_read_to_its_end(desk: Desk) -> None:
    sparse(COPY, 2**40)(desk.record(RUN))
    assert checks(desk)[2]["copies"] == ("altered", "runbook.yaml is not what the run was made from")


@pytest.mark.parametrize("damage", [pipe("torn-1"), both(link("torn-1", "/dev/zero"), link("torn-2", "/nonexistent"))])
def test_what_stands_in_the_place_of_a_torn_end_is_a_finding_and_is_not_continued(desk: Desk, damage: Damage) -> None:
    record = desk.record(RUN)
    damage(record)
    assert checks(desk)[2]["torn"] == ("altered", "torn-1 is not a plain file")
    (record / JOURNAL).write_bytes((record / JOURNAL).read_bytes()[:-5])
    (record / "inventory.json").unlink()
    said = desk.ask("resume", RUN)
    assert (said.status != 0, "torn-1 is a " in said.err, said.err.count("error: ")) == (True, True, 1)


@pytest.mark.parametrize("name", NOTED)
def test_what_the_record_does_not_name_is_noted_and_cannot_drive_a_terminal(desk: Desk, name: str) -> None:
    damage, words = NOTED[name]
    damage(desk.record(RUN))
    status, grade, found = checks(desk)
    assert (status, grade, found["access"][0], words in found["access"][1]) == (0, "sound", "note", True)
    for verb in ("verify", "replay", "report"):
        said = desk.ask(verb, RUN)
        assert (said.status, {"\033", "\007"} & set(said.out + said.err)) == (0, set())


@pytest.mark.parametrize(
    ("name", "check", "detail"),
    [
        (JOURNAL, "chain", "journal.jsonl cannot be read: Permission denied"),
        (LOG, "output", "out/db1.log cannot be read: Permission denied"),
        (COPY, "copies", "runbook.yaml cannot be read: Permission denied"),
    ],
)
def test_what_we_may_not_read_is_missing_and_said_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, check: str, detail: str
) -> None:
    """The system's refusal is played, because it refuses root nothing."""
    desk.record(RUN)
    opened = os.open

    def refusing(path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == Path(name).name and dir_fd is not None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    status, grade, found = checks(desk)
    assert (status, grade, found[check]) == (2, "incomplete", ("missing", detail))
    said = desk.ask("replay", RUN, "--line")
    assert (said.err.count("error: "), "cannot be read" in said.err) == ((0, False) if name == COPY else (1, True))
    listed = desk.ask("runs")
    assert (" damaged " in listed.out, listed.err.count("error: ")) == ((True, 1) if name == JOURNAL else (False, 0))


def test_a_chunk_that_no_file_can_hold_is_a_finding(desk: Desk) -> None:
    from runbook.core.events.event import OutputArrived
    from tests.record.samples import story

    place = {"file": LOG, "offset": -5, "length": 2**60, "sha256": "0" * 64}
    desk.record(RUN, *story((OutputArrived(step="1.2", host="db1", number=1, stream="out", **place),)))
    assert checks(desk)[2]["output"] == ("altered", "out/db1.log: no chunk can lie at -5, 1152921504606846976 long")
    for verb in ("replay", "report", "runs"):
        assert desk.ask(verb).status == 0


LIMITED = """
import resource, sys
from runbook.cli.main import main
sys.argv = ["runbook", *sys.argv[2:]]
import runbook.feed.replay, runbook.record.address, runbook.workspace.local
resource.setrlimit(resource.RLIMIT_AS, (MOST, resource.RLIM_INFINITY))
main()
"""


@pytest.mark.parametrize("damage", [ends(b"a" * (300 * MIB)), ends(b'{"prev":"' + b"a" * (300 * MIB))])
@pytest.mark.parametrize("verb", ["verify", "replay", "report", "runs"])
def test_a_line_without_an_end_costs_no_more_than_the_longest_that_is_one(
    desk: Desk, verb: str, damage: Damage
) -> None:
    damage(desk.record(RUN))
    code = LIMITED.replace("MOST", str(MOST_MEMORY))
    said = subprocess.run(
        [sys.executable, "-c", code, "-", verb], cwd=desk.root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (said.returncode in {0, 1}, "Traceback" in said.stderr) == (True, False), said.stderr
