"""A host on which another run has left something live is changed and broken by nobody else, until that is lifted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import Checked
from runbook.core.events.fault_event import FaultArming, FaultEffect
from runbook.core.intent import HaltRun
from runbook.core.outcome import Outcome
from runbook.core.planned.action import ConfirmAction, PreflightAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.feed.live import LiveFeed
from tests.place import Place, ended, eventually, plan
from tests.real.openssh import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServer]:
    made = RealServer(tmp_path_factory.mktemp("sshd"))
    await made.start()
    yield made
    await made.stop()


def breaks(server: RealServer, at: Path, *, looks: bool) -> Plan:
    """Break something harmless, and wait for a person; with the look in front, or without."""
    arguments = {
        "inject": f"touch {at}",
        "effect": f"[ -e {at} ]",
        "revert": f"rm -f {at}",
        "present": f"if [ -e {at} ]; then echo there; else echo absent; fi",
    }
    action = FaultAction(fault="command", arguments=arguments, duration=120.0, lease=30.0)
    steps = (
        PlannedStep(id="1.2", name="Break it", action=action, hosts=("here",), changes=True),
        PlannedStep(id="1.3", name="Go on?", action=ConfirmAction(message="Go on?")),
    )
    look = PlannedStep(id="1.1", name="Look", action=PreflightAction(refuses_broken=True), hosts=("here",))
    host = msgspec.structs.replace(server.host, name="here")
    return plan(*((look,) if looks else ()), *steps, hosts=(host,), runbook=f"practice-{at.name}")


def events(place: Place, feed: LiveFeed, kind: type) -> list:
    return [entry.event for entry in place.entries(feed.run.id) if isinstance(entry.event, kind)]


async def broken(place: Place, server: RealServer, at: Path) -> LiveFeed:
    """A run that has broken it and holds it broken."""
    feed = await place.start(breaks(server, at, looks=True))
    await eventually(lambda: events(place, feed, FaultEffect))
    return feed


@pytest.mark.parametrize("looks", [True, False])
async def test_another_run_is_refused_before_anything_with_what_it_is_whose_and_how_to_lift_it(
    place: Place, server: RealServer, tmp_path: Path, looks: bool
) -> None:
    first = await broken(place, server, tmp_path / "first")
    second = await place.start(breaks(server, tmp_path / "second", looks=looks), attended=False)
    run = await ended(second)
    step = run.steps["1.1" if looks else "1.2"]
    assert step.outcome is Outcome.FAILED
    assert f"command of run {first.run.id} is injected there since" in step.attempts["here"].detail
    assert f'"runbook tell {first.run.id} lift"' in step.attempts["here"].detail
    assert '"runbook sweep here"' in step.attempts["here"].detail
    assert (events(place, second, FaultArming), (tmp_path / "second").exists()) == ([], False)

    assert await first.send(HaltRun(reason="enough")) is None
    await ended(first)
    third = await broken(place, server, tmp_path / "third")
    assert [one.ok for one in events(place, third, Checked) if one.check == "other runs"] == []
    assert await third.send(HaltRun(reason="enough")) is None
    await ended(third)


async def test_hosts_of_a_laboratory_on_one_machine_are_not_in_each_other_s_way(
    place: Place, server: RealServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = RealServer(tmp_path_factory.mktemp("other"))
    await other.start()
    try:
        first = await broken(place, server, tmp_path / "first")
        second = await broken(place, other, tmp_path / "second")
        for feed in (first, second):
            assert await feed.send(HaltRun(reason="enough")) is None
            await ended(feed)
    finally:
        await other.stop()
