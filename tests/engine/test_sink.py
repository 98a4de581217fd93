"""What is on record before a command leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptGraded, Event
from runbook.core.outcome import Grade
from runbook.engine.sink import RecordSink
from runbook.masking.masker import Masker
from runbook.record.files.output import OutputStore, Source


class Desk:
    """A sink, what it told, and a record that becomes durable when the test says so."""

    def __init__(self, root: Path, announced: str) -> None:
        self.told: list[Event] = []
        self.is_durable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.sink = RecordSink(
            source=Source(step="1.1", host="db1", number=1, stream="out"),
            output=OutputStore(root),
            masker=Masker.for_secrets(()),
            tell=self.told.append,
            room=lambda: asyncio.sleep(0),
            fail=lambda _wrong: None,
            announced=announced,
            durable=lambda: asyncio.shield(self.is_durable),
        )


def graded(place: str) -> AttemptGraded:
    return AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.SESSION, place=place)


@pytest.mark.parametrize("announced", ["", "id.1.boot"], ids=["nowhere yet", "in another visit"])
async def test_what_is_kept_where_it_was_announced_leaves_at_once(tmp_path: Path, announced: str) -> None:
    desk = Desk(tmp_path, announced)
    await asyncio.wait_for(desk.sink.reached(Grade.SESSION, "id.2.boot"), 1)
    assert desk.told == [graded("id.2.boot")]


@pytest.mark.parametrize("place", ["", "other.2.boot"], ids=["nowhere", "in another place"])
async def test_what_is_kept_elsewhere_does_not_leave_before_the_record_says_so_durably(
    tmp_path: Path, place: str
) -> None:
    desk = Desk(tmp_path, "id.1.boot")
    leaving = asyncio.create_task(desk.sink.reached(Grade.SESSION, place))
    await asyncio.sleep(0)
    assert (desk.told, leaving.done()) == ([graded(place)], False)
    desk.is_durable.set_result(True)
    await asyncio.wait_for(leaving, 1)


async def test_what_is_kept_elsewhere_never_leaves_a_runner_that_stops(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "id.1.boot")
    desk.is_durable.set_result(False)
    leaving = asyncio.create_task(desk.sink.reached(Grade.SESSION, "other.2.boot"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not leaving.done()
    leaving.cancel()
