"""Nothing stays broken: wherever a runner, its link or both die on the road of a fault, its host is whole again in time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.action import ConfirmAction
from runbook.core.event import AttemptStarted, Event
from runbook.core.fault_action import FaultAction
from runbook.core.fault_event import (
    FaultArmed,
    FaultArming,
    FaultEffect,
    FaultInjected,
    FaultReverted,
    LeaseRenewed,
    RevertAsked,
)
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AnswerGate, HaltRun, LiftFaults
from runbook.core.plan import Plan, PlannedStep
from runbook.feed.live import LiveFeed
from runbook.problem import Exit
from runbook.record.checking.verify import Judgement, verify
from tests.place import Place, ended, eventually, gone, plan, until
from tests.real.held_host import HeldHost, held_host
from tests.real.openssh import kill

pytestmark = [pytest.mark.real, pytest.mark.slow]

LEASE = 12.0
LATE = 5.0
"""Seconds after its lease by which a host has to be whole; a busy machine gets as many again."""


class Scene:
    """A host, a run that breaks something there, and whether it is broken now."""

    def __init__(self, place: Place, host: HeldHost) -> None:
        self.place, self.host = place, host
        self.feed: LiveFeed
        self.began = time.monotonic()

    @property
    def broken(self) -> Path:
        return self.host.at / "broken"

    def plan(self, *, slow: str = "", duration: float = 300.0, lease: float = LEASE) -> Plan:
        """Break it once somebody says so; then a question, during which it is held."""
        at = self.broken
        arguments = {
            "inject": f"{slow}\ntouch {at}",
            "effect": f"[ -e {at} ]",
            "revert": f"rm -f {at}",
            "present": f"if [ -e {at} ]; then echo there; else echo absent; fi",
        }
        action = FaultAction(fault="command", arguments=arguments, duration=duration, lease=lease)
        fault = PlannedStep(id="1.2", name="Break it", action=action, hosts=("here",), changes=True)
        host = msgspec.structs.replace(self.host.sshd.host, name="here")
        return plan(asks("1.1"), fault, asks("1.3"), hosts=(host,))

    async def breaks(self, **how: object) -> None:
        """The run begins to."""
        self.feed = await self.place.start(self.plan(**how))
        await self.answer("1.1#1")

    async def answer(self, gate: str) -> None:
        await until(self.feed, lambda run: gate in run.open_gates)
        assert await self.feed.send(AnswerGate(gate=gate, answer="proceed")) is None

    def events(self, kind: type[Event]) -> list[Event]:
        return [entry.event for entry in self.place.entries(self.feed.run.id) if isinstance(entry.event, kind)]

    async def has(self, kind: type[Event], step: str = "1.2") -> None:
        """It is on record."""
        await eventually(lambda: any(event.step == step for event in self.events(kind)))

    async def killed(self) -> None:
        """The runner is, with -9."""
        runner = self.place.runners(self.feed.run.id)[-1]
        kill(runner)
        await eventually(lambda: gone(runner) and not self.feed.is_live)

    async def resumed(self) -> None:
        await self.place.workspace.resume(self.feed.run.id)
        self.feed = await self.place.watch(self.feed.run.id)

    async def is_whole(self) -> None:
        """Nothing is broken, and no lease of ours is left that could still break it."""
        await eventually(lambda: not self.broken.exists())


def asks(number: str) -> PlannedStep:
    return PlannedStep(id=number, name="Go on?", action=ConfirmAction(message="Go on?"))


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


POINTS: list[type[Event]] = [AttemptStarted, FaultArming, FaultArmed, FaultInjected, FaultEffect, LeaseRenewed]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
@pytest.mark.parametrize("dies", ["runner", "link", "both"])
async def test_wherever_it_dies_its_host_is_whole_within_its_lease_and_the_record_says_who_did_it(
    scene: Scene, point: type[Event], dies: str
) -> None:
    await scene.breaks(slow="sleep 0.5")
    await scene.has(point)
    if dies != "runner":
        scene.host.sshd.cut()
    died = time.monotonic()
    if dies != "link":
        await scene.killed()
        await scene.is_whole()
        assert time.monotonic() - died < 2 * (LEASE + LATE)
        await scene.resumed()
    assert await scene.feed.send(HaltRun(reason="enough")) is None
    run = await ended(scene.feed)
    await scene.is_whole()
    assert verdicts(run).revert in {"verified", "none"}
    for fault in run.faults.values():
        assert fault.reverted_by in ({"runner"} if dies == "link" else {"lease", "runner", "sweep"})
    assert verify(scene.place.folder(run.id)).grade is Judgement.SOUND


async def test_a_runner_that_takes_over_holds_a_fault_that_is_still_live(scene: Scene) -> None:
    await scene.breaks(lease=120.0)
    await scene.has(FaultEffect)
    await scene.killed()
    await scene.resumed()
    await eventually(lambda: scene.events(LeaseRenewed))
    assert scene.broken.exists()
    assert not scene.events(FaultReverted)
    assert await scene.feed.send(HaltRun(reason="enough")) is None
    run = await ended(scene.feed)
    assert (verdicts(run).revert, scene.broken.exists()) == ("verified", False)


async def test_a_halt_from_any_terminal_makes_everything_whole_before_the_run_ends(scene: Scene) -> None:
    await scene.breaks()
    await scene.has(FaultEffect)
    assert await scene.feed.send(HaltRun(reason="the shop is down")) is None
    run = await ended(scene.feed)
    assert not scene.broken.exists()
    assert verdicts(run).exit is not Exit.FAULT_LIVE


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
