"""A new kind of effect is its class, its row and whoever does it: nothing of the loop is touched.

Made up here: holding a host, which stands beside the run and outlives the runner, and a revert that comes before all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, get_args

import msgspec
import pytest

from runbook.core.effect import Attempt, Conclude, Effect, Urgency, WakeAt
from runbook.core.events.event import AttemptEnded, AttemptStarted, Event, NoteAdded
from runbook.core.intent import AddNote
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan
from runbook.core.rules.due import due
from runbook.core.rules.urgency import pressing
from runbook.core.run import Run
from runbook.engine import executor
from runbook.engine.workers import Kind, Outlives, kinds_of
from runbook.transport.scripted import ScriptedConnector
from tests.builders import plan, step
from tests.engine.stage import Live, Stage
from tests.engine.test_executor import Hands, Synced, does


class Hold(msgspec.Struct, frozen=True):
    """Hold a host while this is named."""

    urgency: ClassVar = Urgency.STANDING
    host: str


class Revert(msgspec.Struct, frozen=True):
    """Give a host back, before anything else."""

    urgency: ClassVar = Urgency.REVERT
    host: str


def said(run: Run, text: str) -> bool:
    return any(note.text == text for note in run.notes)


def is_held(run: Run, effect: Hold) -> bool:
    return said(run, f"holding {effect.host}") and not said(run, f"let go of {effect.host}")


def held(run: Run) -> Iterable[Hold]:
    return (effect for effect in (Hold("db1"),) if is_held(run, effect))


def holding(run: Run, now: float) -> tuple[Effect, ...]:
    """What is due, and db1 held until somebody says "enough"."""
    effects = due(run, now)
    return effects if said(run, "enough") else pressing(run, (Hold("db1"), *effects))


class Holders:
    """Whoever does it."""

    def __init__(self, live: Live) -> None:
        self._tell = live.executor.tell
        self.asked: Counter[str] = Counter()
        self.crashes = False

    async def hold(self, _effect: Hold) -> None:
        await self._held("hold")

    async def resume(self, _effect: Hold) -> None:
        await self._held("resume")

    async def stop(self, effect: Hold) -> None:
        self.asked["stop"] += 1
        self._tell(NoteAdded(text=f"let go of {effect.host}"))

    async def _held(self, how: str) -> None:
        self.asked[how] += 1
        if self.crashes:
            raise RuntimeError
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self._tell(NoteAdded(text="let go of db1"))


def crashed(effect: Hold, why: str) -> tuple[Event, ...]:
    return (NoteAdded(text=f"{why}; whether {effect.host} is held is not known"),)


def with_holders(live: Live) -> Holders:
    """The runner's own kinds, and the new one."""
    holders, hands = Holders(live), Hands(live)
    lives_on = Outlives(
        announced=lambda _run, effect: NoteAdded(text=f"holding {effect.host}"),
        is_begun=is_held,
        left=held,
        resume=holders.resume,
        stop=holders.stop,
    )
    row = Kind(begin=holders.hold, crashed=crashed, is_standing=True, outlives=lives_on)
    hands.kinds = {**kinds_of(hands), Hold: row}
    live.workers = hands
    return holders


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(executor, "due", holding)
    return Stage(tmp_path, ScriptedConnector({}))


async def test_every_kind_of_effect_is_work_with_a_row_or_is_none(tmp_path: Path) -> None:
    live = Stage(tmp_path, ScriptedConnector({})).open(plan(step("1.1")))
    assert live.workers.kinds.keys() == set(get_args(Effect)) - {Conclude, WakeAt}
    await live.recorder.close()


def two() -> Plan:
    return plan(does("1.1"), does("1.2"))


async def test_it_is_announced_before_it_begins_stands_while_it_is_named_and_ends_when_it_is_not(stage: Stage) -> None:
    live = stage.open(two())
    holders, synced = with_holders(live), Synced(live, stage)
    await live.until(lambda _run: holders.asked["hold"])
    assert NoteAdded(text="holding db1") in synced.durable()
    assert await live.ask(AddNote(text="meanwhile")) is None
    assert await live.ask(AddNote(text="enough")) is None
    run = await live.until(lambda run: said(run, "let go of db1"))
    assert (holders.asked, dict(run.steps["1.1"].running)) == ({"hold": 1}, {"db1": 1})
    await live.stop()


async def test_a_crash_of_it_says_what_its_row_says_and_it_is_not_begun_again(stage: Stage) -> None:
    live = stage.open(two())
    holders = with_holders(live)
    holders.crashes = True
    text = "runbook itself failed (RuntimeError); whether db1 is held is not known"
    await live.until(lambda run: said(run, text))
    assert await live.ask(AddNote(text="meanwhile")) is None
    assert holders.asked == {"hold": 1}
    assert await live.ask(AddNote(text="enough")) is None
    await live.stop()


async def test_what_has_crashed_is_begun_again_once_it_was_no_longer_named_for_a_while(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unless_away(run: Run, now: float) -> tuple[Effect, ...]:
        return holding(run, now) if not said(run, "away") or said(run, "back") else due(run, now)

    monkeypatch.setattr(executor, "due", unless_away)
    live = stage.open(two())
    holders = with_holders(live)
    live.workers.kinds = {**live.workers.kinds, Hold: Kind(begin=holders.hold, crashed=crashed, is_standing=True)}
    holders.crashes = True
    await live.until(lambda _run: holders.asked["hold"])
    for text, begun in (("away", 1), ("back", 2)):
        assert await live.ask(AddNote(text=text)) is None
        await live.until(lambda _run, begun=begun: holders.asked["hold"] == begun)
    await live.stop()


@pytest.mark.parametrize(("last", "how"), [("still needed", "resume"), ("enough", "stop")])
async def test_the_next_runner_follows_it_or_ends_it_and_never_begins_it(stage: Stage, last: str, how: str) -> None:
    live = stage.open(two())
    holders = with_holders(live)
    await live.until(lambda _run: holders.asked["hold"])
    live.recorder.record(NoteAdded(text=last))
    await live.recorder.commit()
    await live.crash()
    later = stage.resume()
    holders = with_holders(later)
    await later.until(lambda _run: holders.asked[how])
    assert holders.asked == {how: 1}
    await later.stop()


async def test_a_revert_is_begun_before_anything_that_acts_and_what_has_begun_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reverting(run: Run, now: float) -> tuple[Effect, ...]:
        is_due = said(run, "broken") and not said(run, "given back")
        return pressing(run, (*due(run, now), *((Revert("db1"),) if is_due else ())))

    monkeypatch.setattr(executor, "due", reverting)
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(does("1.1", hosts=("db1", "db2"), concurrency=1)))
    hands, given_back = Hands(live), asyncio.Event()

    async def revert(_effect: Revert) -> None:
        await given_back.wait()
        live.executor.tell(NoteAdded(text="given back"))

    hands.kinds = {**kinds_of(hands), Revert: Kind(begin=revert, crashed=crashed)}
    live.workers = hands
    await live.until(lambda run: run.steps["1.1"].running)
    assert await live.ask(AddNote(text="broken")) is None
    first, second = Attempt("1.1", "db1", 1), Attempt("1.1", "db2", 1)
    assert hands.cancelled == []
    live.executor.tell(AttemptEnded(step=first.step, host=first.host, number=1, outcome=Outcome.SUCCEEDED))
    assert await live.ask(AddNote(text="meanwhile")) is None
    assert hands.asked == {("start", first): 1}
    given_back.set()
    await live.until(lambda _run: hands.asked["start", second])
    order = [getattr(event, "host", "") or event.text for event in stage.events(AttemptStarted, NoteAdded)]
    assert order == ["db1", "broken", "meanwhile", "given back", "db2"]
    assert hands.asked["start", second] == 1
    await live.stop()
