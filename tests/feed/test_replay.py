"""Seeking, stepping and playing a record: every moment shown is the fold of the entries up to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived, ProbeSampled
from runbook.core.fold.evolve import fold, open_run
from runbook.core.intent import PauseRun
from runbook.core.planned.action import HttpAction
from runbook.core.planned.plan import PlannedProbe
from runbook.core.run import Run
from runbook.feed.replay import KEYFRAME, LONGEST_WAIT, RecordedReplay
from runbook.problem import Problems
from runbook.record.file_record import FileRecord
from runbook.record.files.journal import Journal
from runbook.record.files.output import OutputStore, Source
from tests.builders import Story, plan, step
from tests.steps.desk import FakeClock

PROBE = PlannedProbe(name="write-ok", action=HttpAction(url="http://app/health"), every=1.0)


def story(samples: int) -> Story:
    """A run with so many samples, one a second."""
    tale = Story(plan(step(), probes=(PROBE,)))
    for number in range(samples):
        tale.wait(1.0).add(ProbeSampled(probe="write-ok", ok=number % 7 != 0, took=0.1))
    return tale


def recorded(folder: Path, tale: Story) -> RecordedReplay:
    journal = Journal.create(folder)
    journal.append(*tale.entries)
    journal.commit()
    journal.close()
    return RecordedReplay(FileRecord(folder), FakeClock())


def folded(entries: list[Entry]) -> Run:
    run = open_run(entries[0])
    assert run is not None
    return fold(run, entries[1:])


def test_a_replay_opens_at_its_end(tmp_path: Path) -> None:
    tale = story(3)
    replay = recorded(tmp_path / "r", tale)
    assert (replay.run, replay.position, replay.length, replay.total) == (tale.run, 3.0, 3.0, 4)


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0, 499.0, 500.5, 501.0, 1200.0, 99_999.0, -5.0])
def test_any_moment_is_the_fold_of_the_entries_up_to_it(tmp_path: Path, at: float) -> None:
    tale = story(2 * KEYFRAME + 300)
    replay = recorded(tmp_path / "r", tale)
    shown = replay.seek(at)
    assert shown == folded([entry for entry in tale.entries if entry.at <= max(0.0, at)])
    assert replay.position == min(max(0.0, at), replay.length)


def test_stepping_there_and_back_shows_the_same(tmp_path: Path) -> None:
    replay = recorded(tmp_path / "r", story(KEYFRAME + 20))
    here = replay.seek(KEYFRAME + 1.0)
    replay.step(-10)
    assert replay.step(10) == here
    assert replay.step(-10 * KEYFRAME).seq == 0
    assert replay.step(10 * KEYFRAME).seq == KEYFRAME + 20


async def test_playing_takes_recorded_time_divided_by_the_speed(tmp_path: Path) -> None:
    replay = recorded(tmp_path / "r", story(4))
    replay.play(speed=4.0)
    seen = [(await replay.wait_changed()).seq for _ in range(4)]
    assert seen == [1, 2, 3, 4]
    assert replay._clock.slept == [0.25, 0.25, 0.25, 0.25]
    await replay.wait_changed()
    assert not replay.playing


async def test_a_long_silence_is_shortened_for_the_viewer_and_the_position_stays_true(tmp_path: Path) -> None:
    tale = story(1).wait(3600.0)
    tale.add(ProbeSampled(probe="write-ok", ok=True, took=0.1))
    replay = recorded(tmp_path / "r", tale)
    replay.seek(1.0)
    replay.play(speed=1.0)
    await replay.wait_changed()
    assert (replay._clock.slept, replay.position) == ([LONGEST_WAIT], 3601.0)


async def test_a_paused_replay_waits(tmp_path: Path) -> None:
    replay = recorded(tmp_path / "r", story(2))
    waiting = asyncio.create_task(replay.wait_changed())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_the_past_takes_no_commands(tmp_path: Path) -> None:
    refused = await recorded(tmp_path / "r", story(1)).send(PauseRun())
    assert refused is not None
    assert refused.what == "a recorded run takes no commands"


def test_a_cut_record_replays_up_to_the_cut_and_says_so(tmp_path: Path) -> None:
    tale = story(5)
    recorded(tmp_path / "r", tale)
    path = tmp_path / "r" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    replay = RecordedReplay(FileRecord(tmp_path / "r"), FakeClock())
    assert replay.run == folded(tale.entries[:-1])
    assert replay.damage is not None
    assert replay.damage.code == "journal-torn"


def test_an_empty_record_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    Journal.create(tmp_path / "r").close()
    with pytest.raises(Problems, match="the record is empty"):
        RecordedReplay(FileRecord(tmp_path / "r"), FakeClock())


def test_output_is_shown_as_it_was_at_the_moment(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    tale = Story(plan(step()))
    store = OutputStore(folder)
    for number in range(3):
        source = Source(step="1.1", host="db1", number=1, stream="out" if number < 2 else "err")
        arrived: tuple[OutputArrived, ...] = (*store.write(source, f"line {number}\n".encode()), *store.flush())
        tale.wait(1.0).add(*arrived)
    replay = recorded(folder, tale)
    assert [line.data for line in replay.output.lines("db1", 0, 10)] == [b"line 0", b"line 1", b"line 2"]
    replay.seek(2.0)
    assert (replay.output.hosts(), replay.output.count("db1")) == (("db1",), 2)
    shown = replay.output.lines("db1", 1, 10)
    assert [(line.number, line.data, line.stream, line.step, line.at) for line in shown] == [
        (1, b"line 1", "out", "1.1", 2.0)
    ]
    replay.seek(0.5)
    assert (replay.output.hosts(), replay.output.count("db1"), replay.output.lines("db1", 0, 5)) == ((), 0, ())
