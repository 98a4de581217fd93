"""Nothing stays broken: wherever a runner, its link or both die on the road of a fault, its host is whole again in time.

Here by two watchers on a host without systemd; the other guarantees are `faults/test_death_by_guarantee.py`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runbook.core.events.event import Event
from runbook.core.events.fault_event import FaultEffect, FaultReverted, LeaseRenewed, RevertAsked
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import LiftFaults
from runbook.core.planned.fault_action import FaultAction
from runbook.problem import Exit
from runbook.record.checking.judgement import Judgement
from runbook.record.checking.verify import verify
from tests.place import Place, eventually, until
from tests.real import dying
from tests.real.dying import LATE, LEASE, LIVE, POINTS, breaking, tried
from tests.real.held_host import HeldHost, held_host

pytestmark = [pytest.mark.real, pytest.mark.slow]


class Scene(dying.Scene):
    """What is broken is a file that lies there."""

    def __init__(self, place: Place, host: HeldHost) -> None:
        super().__init__(place)
        self.host = host

    @property
    def broken(self) -> Path:
        return self.host.at / "broken"

    async def breaks(self, *, slow: str = "", duration: float = 300.0, lease: float = LEASE, effect: str = "") -> None:
        """The run begins to."""
        at = self.broken
        arguments = {
            "inject": f"{slow}\ntouch {at}",
            "effect": effect or f"[ -e {at} ]",
            "revert": f"rm -f {at}",
            "present": f"if [ -e {at} ]; then echo there; else echo absent; fi",
        }
        action = FaultAction(fault="command", arguments=arguments, duration=duration, lease=lease)
        await self.begin(breaking(self.host.sshd.host, action))

    async def is_whole(self) -> None:
        """Nothing is broken, and no lease of ours is left that could still break it."""
        await eventually(lambda: not self.broken.exists())


@pytest.fixture
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HeldHost]:
    async with held_host(tmp_path_factory) as held:
        yield held


@pytest.fixture
async def scene(tmp_path: Path, host: HeldHost) -> AsyncIterator[Scene]:
    place = Place(tmp_path)
    host.at.joinpath("broken").unlink(missing_ok=True)
    yield Scene(place, host)
    await place.close()


CASES = tried(
    itertools.product(POINTS, ("runner", "link", "both")),
    frozenset({("FaultInjected", "both"), ("FaultArmed", "link")}),
)


@pytest.mark.parametrize(("point", "dies"), CASES)
async def test_wherever_it_dies_its_host_is_whole_within_its_lease_and_the_record_says_who_did_it(
    scene: Scene, point: type[Event], dies: str
) -> None:
    await scene.breaks(slow="sleep 0.5")
    await scene.comes_to(point)
    if dies != "runner":
        scene.host.sshd.cut()
    died = time.monotonic()
    if dies != "link":
        await scene.killed()
        await scene.is_whole()
        assert time.monotonic() - died < LEASE + 2 * LATE
        await scene.resumed()
    run = await scene.over()
    await scene.is_whole()
    assert verdicts(run).revert in {"verified", "none"}
    if point in LIVE:
        assert [fault.reverted_by for fault in run.faults.values()] == ["runner" if dies == "link" else "lease"]
    for fault in run.faults.values():
        assert fault.reverted_by is not None
    assert verify(scene.place.folder(run.id)).grade is Judgement.SOUND


async def test_a_runner_that_takes_over_holds_a_fault_that_is_still_live(scene: Scene) -> None:
    await scene.breaks(lease=120.0)
    await scene.has(FaultEffect)
    await scene.killed()
    await scene.resumed()
    await eventually(lambda: scene.events(LeaseRenewed))
    assert scene.broken.exists()
    assert not scene.events(FaultReverted)
    run = await scene.over()
    assert (verdicts(run).revert, scene.broken.exists()) == ("verified", False)


async def test_a_halt_from_any_terminal_makes_everything_whole_before_the_run_ends(scene: Scene) -> None:
    await scene.breaks()
    await scene.has(FaultEffect)
    run = await scene.over("the shop is down")
    assert not scene.broken.exists()
    assert verdicts(run).exit is not Exit.FAULT_LIVE


async def test_a_fault_that_did_nothing_is_lifted_and_makes_the_drill_inconclusive(scene: Scene) -> None:
    await scene.breaks(effect="false")
    await scene.has(FaultReverted)
    run = await scene.over()
    told = verdicts(run)
    assert (scene.broken.exists(), told.revert, told.steady_state) == (False, "verified", "inconclusive")
    assert (told.is_green, told.exit) == (False, Exit.FAILED)


async def test_a_person_lifts_a_fault_by_name_while_the_run_goes_on(scene: Scene) -> None:
    await scene.breaks()
    await until(scene.feed, lambda run: "1.3#1" in run.open_gates)
    assert await scene.feed.send(LiftFaults(reason="seen enough", faults=("1.2/here/1",))) is None
    run = await until(scene.feed, lambda run: run.faults["1.2/here/1"].reverted_by is not None)
    assert (run.faults["1.2/here/1"].reverted_by, scene.broken.exists()) == ("operator", False)
    assert [event.reason for event in scene.events(RevertAsked)] == ["seen enough"]


async def test_a_fault_is_lifted_when_its_time_is_over(scene: Scene) -> None:
    await scene.breaks(duration=8.0)
    await scene.has(FaultReverted)
    assert not scene.broken.exists()
    assert [event.by for event in scene.events(FaultReverted)] == ["runner"]
