"""`runs`, `verify`, `replay`, `report`: reading records, as an auditor would."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from runbook.core.planned.action import HttpAction
from runbook.core.planned.plan import Objectives, PlannedProbe
from runbook.record.files.output import OutputStore, Source
from tests.builders import Story, plan, step
from tests.cli.desk import Desk
from tests.record.samples import story, write_journal
from tests.stories import failover, stopped

SOUND = "20261123T041200Z-orders-restart-0001"


def test_without_a_run_the_list_says_how_to_begin(desk: Desk) -> None:
    said = desk.ask("runs")
    assert (said.status, said.out, said.err) == (0, "", "There is no run yet. Start one with: runbook run NAME\n")
    assert json.loads(desk.ask("runs", "--json").out) == []


def test_runs_are_listed_with_the_verdict_of_their_record(desk: Desk) -> None:
    desk.record()
    desk.told(failover())
    said = desk.ask("runs")
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "started (UTC)        verdict    recovery  objective     took  by    run\n"
        f"2026-11-23 04:12:00  completed  -         not measured  0:05  anna  {SOUND}\n"
        "2026-11-23 04:12:00  completed  0:19      met           0:32  anna  20261123T041200Z-orders-failover\n"
    )


def test_runs_as_data_have_numbers_and_no_words_for_what_was_not_measured(desk: Desk) -> None:
    desk.record()
    (row,) = json.loads(desk.ask("runs", "--json").out)
    assert row == {
        "id": SOUND,
        "runbook": "orders-restart",
        "kind": "operation",
        "started": "2026-11-23T04:12:00.000Z",
        "operator": "anna",
        "verdict": "completed",
        "rta": None,
        "objective": "not_measured",
        "live": False,
        "duration": 5.0,
        "rta_at_least": False,
        "reason": "",
        "environment": "lab",
        "colour": "",
        "promised": None,
        "waiting": {"step": 1, "steps": 2},
    }


def test_a_run_that_did_not_go_to_its_end_says_why_in_the_list(desk: Desk) -> None:
    desk.told(stopped())
    assert desk.ask("runs").out.splitlines()[1].endswith("  looked by hand, it is down")
    assert json.loads(desk.ask("runs", "--json").out)[0]["reason"] == "looked by hand, it is down"


def test_the_list_of_runs_can_be_narrowed(desk: Desk) -> None:
    desk.record()
    desk.told(failover())
    assert len(json.loads(desk.ask("runs", "--runbook", "orders-failover", "--json").out)) == 1
    assert len(json.loads(desk.ask("runs", "-n", "1", "--json").out)) == 1


def test_records_may_lie_elsewhere(desk: Desk) -> None:
    folder = desk.record()
    folder.parent.rename(desk.root / "archive")
    assert json.loads(desk.ask("runs", "--recordings", "archive", "--json").out)[0]["id"] == SOUND
    assert desk.ask("verify", "last", "--recordings", "archive").status == 0
    assert desk.ask("verify", f"archive/{SOUND}").status == 0


def test_a_sound_record_verifies(desk: Desk) -> None:
    folder = desk.record()
    said = desk.ask("verify")
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith("The record is sound: 11 good lines.\n")
    data = json.loads(desk.ask("verify", SOUND[:20], "--json").out)
    last = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)[-1]
    assert len(hashlib.sha256(last).hexdigest()) == 64
    assert (data["grade"], data["lines"], data["first_bad_line"], data["head"]) == ("sound", 11, 0, "DIGEST")
    assert {check["name"] for check in data["checks"] if check["finding"] != "ok"} == {"seal"}


@pytest.mark.parametrize("line", range(1, 12))
def test_verify_names_the_very_line_in_which_a_byte_was_flipped(desk: Desk, line: int) -> None:
    journal = desk.record() / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    middle = len(lines[line - 1]) // 2
    lines[line - 1] = lines[line - 1][:middle] + bytes([lines[line - 1][middle] ^ 1]) + lines[line - 1][middle + 1 :]
    journal.write_bytes(b"".join(lines))
    data = json.loads(desk.ask("verify", "--json").out)
    assert (data["grade"], data["first_bad_line"], data["lines"]) == ("altered", line, line - 1)


def test_output_that_was_changed_is_found(desk: Desk) -> None:
    (log,) = (desk.record() / "out").glob("*.log")
    log.write_bytes(log.read_bytes().replace(b"done", b"gone"))
    said = desk.ask("verify")
    assert said.status == 1
    assert "output       ALTERED" in said.out


def test_a_replay_in_lines_tells_the_run_on_standard_output(desk: Desk, snapshot: object) -> None:
    desk.told(failover())
    said = desk.ask("replay", "--line")
    assert (said.status, said.err) == (0, "")
    assert said.out == snapshot


def test_without_a_terminal_a_replay_is_told_in_lines(desk: Desk) -> None:
    desk.told(stopped())
    assert desk.ask("replay").out == desk.ask("replay", "--line").out


def test_a_replay_as_data_gives_every_entry_on_a_line(desk: Desk) -> None:
    tale = stopped()
    desk.told(tale)
    entries = [json.loads(line) for line in desk.ask("replay", "--json").out.splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(len(tale.entries)))


def test_a_fast_replay_takes_its_time_and_tells_the_same(desk: Desk) -> None:
    desk.record()
    assert desk.ask("replay", "--speed", "100").out == desk.ask("replay").out


def test_a_line_that_came_in_two_pieces_is_told_in_two_and_not_twice(desk: Desk) -> None:
    """What a host printed without a line end is shown when it comes, not when the rest does."""
    folder = desk.root / "recordings" / "r1"
    folder.mkdir(parents=True)
    store = OutputStore(folder)
    source = Source(step="1.2", host="db1", number=1, stream="out")
    pieces = (b"waiting...", b" ready\n", b"done\n")
    chunks = tuple(event for piece in pieces for event in (*store.write(source, piece), *store.flush()))
    write_journal(folder, *story(chunks))
    told = [line.rpartition("| ")[2] for line in desk.ask("replay", "r1").out.splitlines() if " db1  1.2 " in line]
    assert told == ["  waiting...", "   ready", "  done"]


def test_output_cannot_drive_the_terminal_of_whoever_replays_it(desk: Desk) -> None:
    folder = desk.record()
    (log,) = (folder / "out").glob("*.log")
    log.write_bytes(b"\x1b[2J\x1b]0;x\x07\xe2\x80\xae" + b"x" * (log.stat().st_size - 14))
    said = desk.ask("replay")
    assert said.status == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)


def test_a_report_is_markdown_on_standard_output(desk: Desk) -> None:
    desk.told(failover())
    said = desk.ask("report")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("# Fail orders over\n")


@pytest.mark.parametrize(
    ("name", "begins"), [("r.md", "# Fail orders over\n"), ("r.html", "<!doctype html>"), ("r.json", '{\n  "schema"')]
)
def test_a_report_goes_into_a_file_in_the_format_that_its_name_says(desk: Desk, name: str, begins: str) -> None:
    desk.told(failover())
    said = desk.ask("report", "-o", name)
    assert (said.status, said.out, said.err) == (0, "", f"Written: {name}\n")
    assert (desk.root / name).stat().st_mode & 0o777 == 0o600
    assert (desk.root / name).read_text().lower().startswith(begins.lower())
    assert [path.name for path in desk.root.iterdir() if path.name.startswith(".")] == []


def test_a_report_says_what_verifying_the_record_gave(desk: Desk) -> None:
    desk.record()
    integrity = json.loads(desk.ask("report", "--format", "json").out)["integrity"]
    assert integrity == {"head": "DIGEST", "lines": 11, "grade": "sound", "findings": []}


def test_a_damaged_record_is_reported_as_far_as_it_is_sound_and_says_so(desk: Desk) -> None:
    journal = desk.record() / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    said = desk.ask("report", "--json")
    report = json.loads(said.out)
    assert said.status == 0
    assert (report["integrity"]["grade"], report["verdicts"]["run"]) == ("incomplete", "interrupted")
    assert "journal.jsonl:11: error: The line is cut off" in said.err


def test_a_report_that_cannot_be_written_leaves_nothing_half_done(desk: Desk) -> None:
    desk.record()
    said = desk.ask("report", "-o", "gone/r.md")
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        "gone/r.md: error: the report cannot be written\n"
        "  why: No such file or directory\n"
        "  fix: Choose another file: -o FILE\n"
    )


def test_a_second_report_takes_the_place_of_the_first(desk: Desk) -> None:
    desk.record()
    desk.write("r.md", "old")
    assert desk.ask("report", "-o", "r.md").status == 0
    assert (desk.root / "r.md").read_text().startswith("# Restart orders\n")


def test_a_report_goes_into_a_pipe_without_taking_its_place(desk: Desk) -> None:
    desk.record()
    os.mkfifo(desk.root / "pipe")
    reader = os.open(desk.root / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert desk.ask("report", "-o", "pipe").status == 0
        assert os.read(reader, 2) == b"# "
    finally:
        os.close(reader)
    assert (desk.root / "pipe").is_fifo()


def test_a_recovery_whose_beginning_nobody_saw_is_a_lower_bound_wherever_it_is_shown(desk: Desk) -> None:
    probe = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5)
    tale = Story(plan(step("1.1"), probes=(probe,), objectives=Objectives(rto=60.0))).start()
    desk.told(tale.sample("write-ok", False, False, True, True).ran("1.1").finish())
    assert "  ≥ 490 ms  " in desk.ask("runs").out
    assert "| recovery time | 1:00 | ≥ 0.5 s | **not measured** |" in desk.ask("report").out
    assert "recovery time ≥ 0.5 s from outage" in desk.ask("replay").out


def test_a_terminal_that_cannot_write_a_character_gets_it_spelled_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.told(Story(plan(step("1.1", name="Prüfen"))).start().ran("1.1").finish())
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    said = desk.start("attach", "--line")
    assert said.status == 0
    assert "Pr\\xfcfen" in said.out
