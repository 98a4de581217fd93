"""A run that breaks something on a host, and dies in the middle of it, or its link does, or its host.

Where it dies is a point of the lease protocol: what stands last on the record then. All points under all deaths take an
hour, so `make test` tries a sample, and `RUNBOOK_DEATHS=all` everything.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

import msgspec
import pytest

from runbook.core.events.event import AttemptStarted, Event
from runbook.core.events.fault_event import (
    FaultArmed,
    FaultArming,
    FaultEffect,
    FaultInjected,
    FaultReverted,
    LeaseRenewed,
    RevertAsked,
)
from runbook.core.host import Host
from runbook.core.intent import AnswerGate, HaltRun, LiftFaults
from runbook.core.planned.action import ConfirmAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from tests.place import Place, eventually, gone, plan, until
from tests.real.openssh import kill

LEASE = 12.0
LATE = 5.0
"""Seconds after its lease by which a host has to be whole; a busy machine gets as many again."""

POINTS: tuple[type[Event], ...] = (
    AttemptStarted, FaultArming, FaultArmed, FaultInjected, FaultEffect, LeaseRenewed, RevertAsked, FaultReverted,
)  # fmt: skip
"""The road of a fault, by what stands on the record."""

LIVE: tuple[type[Event], ...] = (FaultInjected, FaultEffect, LeaseRenewed)
"""Points at which it is broken, and nobody has begun to lift it."""

PATIENCE = 120.0
"""Seconds for what waits for a host that restarts, or for a link that is given up."""


def tried(cases: Iterable[tuple[object, ...]], sample: frozenset[tuple[str, ...]]) -> list[object]:
    """Cases as parameters: the sample of them, by what they are called, or all."""
    named = [(case, tuple(getattr(each, "__name__", str(each)) for each in case)) for case in cases]
    whole = os.environ.get("RUNBOOK_DEATHS") == "all"
    assert sample <= {names for _, names in named}
    return [pytest.param(*case, id="-".join(names)) for case, names in named if whole or names in sample]


def asks(number: str) -> PlannedStep:
    """A question, during which what came before it stands."""
    return PlannedStep(id=number, name="Go on?", action=ConfirmAction(message="Go on?"))


def breaking(host: Host, action: FaultAction) -> Plan:
    """Break it once somebody says so; then a question, during which it is held."""
    fault = PlannedStep(id="1.2", name="Break it", action=action, hosts=("here",), changes=True)
    return plan(asks("1.1"), fault, asks("1.3"), hosts=(msgspec.structs.replace(host, name="here"),))


class Scene:
    """A run, its runners, and its record."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.feed: LiveFeed

    async def begin(self, of: Plan) -> None:
        """As far as the fault."""
        self.feed = await self.place.start(of)
        await self.answer("1.1#1")

    async def answer(self, gate: str) -> None:
        await until(self.feed, lambda run: gate in run.open_gates)
        assert await self.feed.send(AnswerGate(gate=gate, answer="proceed")) is None

    def events(self, kind: type[Event]) -> list[Event]:
        return [entry.event for entry in self.place.entries(self.feed.run.id) if isinstance(entry.event, kind)]

    async def has(self, kind: type[Event], step: str = "1.2") -> None:
        """It is on record."""
        await eventually(lambda: any(event.step == step for event in self.events(kind)))

    async def comes_to(self, point: type[Event]) -> None:
        """The run is there; for the way back, because a person wants it."""
        if point in (RevertAsked, FaultReverted):
            await until(self.feed, lambda run: "1.3#1" in run.open_gates)
            assert await self.feed.send(LiftFaults(reason="seen enough", faults=("1.2/here/1",))) is None
        await self.has(point)

    async def killed(self) -> None:
        """The runner is, with -9."""
        runner = self.place.runners(self.feed.run.id)[-1]
        kill(runner)
        await eventually(lambda: gone(runner) and not self.feed.is_live)

    async def resumed(self) -> None:
        """By another runner."""
        await self.place.workspace.resume(self.feed.run.id)
        self.feed = await self.place.watch(self.feed.run.id)

    async def over(self, reason: str = "enough") -> Run:
        """Halted, and ended: in order, and with nothing live beside it."""
        assert await self.feed.send(HaltRun(reason=reason)) is None
        async with asyncio.timeout(PATIENCE):
            while not self.feed.run.has_ended:
                await self.feed.wait_changed()
        return self.feed.run

    async def soon(self, holds: Callable[[], object], within: float) -> None:
        """Wait for something on the host, which is asked in a thread."""
        async with asyncio.timeout(within):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.1)
