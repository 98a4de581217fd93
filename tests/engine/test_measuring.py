"""Reading positions and restored sets in a live run: when they are asked, what counts as an answer, and when it is given up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runbook.core.events.point_event import BackupRead, PositionRead
from runbook.core.host import Host
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import CommandAction, ConfirmAction
from runbook.core.planned.plan import PlannedBackup, PlannedWatermark
from runbook.engine.measuring import moment
from runbook.transport.scripted import Hangs, Reply, Says, ScriptedConnector
from tests.builders import plan, step
from tests.engine.stage import Stage

QUESTION = step("1.1", ConfirmAction(message="Go on?"))
HOSTS = (Host(name="db1"), Host(name="db2"))
WATERMARK = PlannedWatermark(
    source=CommandAction(shell="position"),
    source_on="db1",
    recovered=CommandAction(shell="reached"),
    recovered_on="db2",
    every=0.02,
    timeout=0.2,
)
BACKUP = PlannedBackup(read=CommandAction(shell="newest"), read_on="db2", clock="db1", every=0.01)
RESTORED = step("1.1", CommandAction(shell="restore"), hosts=("db2",), sets=Milestone.SERVICE_RESTORED)


async def test_both_sides_are_read_all_the_time_and_one_that_hangs_does_not_hide_the_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"position": Hangs(), "reached": Says(b"4711\n")}))
    live = stage.open(plan(QUESTION, watermark=WATERMARK, hosts=HOSTS))
    run = await live.until(lambda run: "source" in run.point.silent and 4711 in run.point.recovered)
    await live.stop()
    assert dict(run.point.source) == {}
    first = next(event for event in stage.events(PositionRead) if event.side == "source")
    assert first.detail in {"no answer within 0.2 s", "ended at its limit of 0.2 s"}


async def test_what_is_no_whole_number_is_no_position(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"position": Says(b"0/16B3748\n"), "reached": Says(b"7\n")}))
    live = stage.open(plan(QUESTION, watermark=WATERMARK, hosts=HOSTS))
    await live.until(lambda run: "source" in run.point.silent)
    await live.stop()
    assert {event.detail for event in stage.events(PositionRead) if not event.ok} == {'no position: "0/16B3748"'}


async def test_a_restored_set_is_asked_once_it_is_restored_and_the_run_does_not_end_before_it_has_answered(
    tmp_path: Path,
) -> None:
    written = time.time() - 90
    answers = iter([Says(err=b"it starts\n", code=1), Says(b"%.3f\n" % written)])
    asked: list[str] = []

    def answer(_host: object, command: object) -> Reply:
        asked.append(command.shell)
        return next(answers) if command.shell == "newest" else Says()

    stage = Stage(tmp_path, ScriptedConnector(answer))
    live = stage.open(plan(RESTORED, backup=BACKUP, hosts=HOSTS))
    run = await live.until(lambda run: run.has_ended)
    assert [word for word in asked if word in {"restore", "newest"}] == ["restore", "newest", "newest"]
    assert [event.ok for event in stage.events(BackupRead)] == [False, True]
    assert stage.events(BackupRead)[-1].age == pytest.approx(90, abs=20)
    assert run.point.newest is not None


async def test_a_restored_set_that_never_says_how_old_it_is_keeps_no_run_from_ending(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"restore": Says(), "newest": Says(b"yesterday\n")}))
    live = stage.open(plan(RESTORED, backup=BACKUP, hosts=HOSTS))
    run = await live.until(lambda run: run.has_ended)
    assert [event.detail for event in stage.events(BackupRead)] == ['no time: "yesterday"'] * 5
    assert run.point.newest is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("1795817400.5", 1795817400.5),
        ("2026-11-27T22:10:00.5+00:00", 1795817400.5),
        ("2026-11-27 23:10:00.5+01", 1795817400.5),
        ("2026-11-27 22:10:00", None),
        ("", None),
        ("-5", None),
    ],
)
def test_a_time_says_its_zone_or_counts_seconds(said: str, seconds: float | None) -> None:
    assert moment(said) == seconds
