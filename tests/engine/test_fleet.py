"""One connection a host, opened once, announced once, and left alone for a while when it refuses."""

from __future__ import annotations

import asyncio

import pytest

from runbook.core.events.event import Event, SessionLost, SessionOpened
from runbook.core.host import Host
from runbook.core.planned.command import Command
from runbook.engine.fleet import FIRST_PAUSE, LONGEST_PAUSE, Fleet
from runbook.problem import Exit, Problems, problem
from runbook.transport.session import HostFacts, Session
from tests.steps.desk import FakeClock


class Door:
    """A connector that counts who knocks, and opens as the test says."""

    def __init__(self) -> None:
        self.knocks: list[str] = []
        self.looks: list[Command | None] = []
        self.shut = False
        self.sessions: list[Open] = []

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        self.knocks.append(host.name)
        self.looks.append(look)
        await asyncio.sleep(0)
        if self.shut:
            raise problem(f"{host.name} is shut", code="refused", exit=Exit.UNREACHABLE)
        self.sessions.append(Open())
        return self.sessions[-1]

    async def close(self) -> None:
        """Nothing is shared."""


class Open:
    """A session that is there until the test loses it."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.closed = False
        self.facts = HostFacts(address="192.0.2.1:22", host_key="SHA256:abc")

    async def wait_lost(self) -> str:
        await self.lost.wait()
        return "connection lost"

    async def close(self) -> None:
        self.closed = True


class Told(list[Event]):
    """What went on record."""

    def __call__(self, event: Event) -> None:
        self.append(event)


def fleet(door: Door) -> tuple[Fleet, Told, FakeClock]:
    told, clock = Told(), FakeClock()
    return Fleet({"db1": Host(name="db1")}, {"ssh": door, "local": door}, clock, told), told, clock


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_looked_at_first_leaves_with_the_opening_and_never_afterwards() -> None:
    door = Door()
    hosts, _, _ = fleet(door)
    look = Command(shell="df")
    first, second = await hosts.session("db1", look), await hosts.session("db1", look)
    assert (first is second, door.looks) == (True, [look])


async def test_everybody_who_needs_a_host_gets_the_same_session() -> None:
    door = Door()
    hosts, told, _ = fleet(door)
    got = await asyncio.gather(*(hosts.session("db1") for _ in range(5)))
    assert (len(set(map(id, got))), door.knocks) == (1, ["db1"])
    assert told == [SessionOpened(host="db1", address="192.0.2.1:22", host_key="SHA256:abc")]
    await hosts.close()


async def test_one_caller_that_gives_up_takes_the_session_from_nobody() -> None:
    door = Door()
    hosts, _, _ = fleet(door)
    impatient, patient = asyncio.create_task(hosts.session("db1")), asyncio.create_task(hosts.session("db1"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient is door.sessions[0]
    await hosts.close()


async def test_a_lost_link_is_told_once_and_opened_again_on_the_next_use() -> None:
    door = Door()
    hosts, told, _ = fleet(door)
    await hosts.session("db1")
    door.sessions[0].lost.set()
    await turns()
    assert hosts.opened("db1") is None
    assert await hosts.session("db1") is door.sessions[1]
    assert [type(event) for event in told] == [SessionOpened, SessionLost, SessionOpened]
    assert door.sessions[0].closed
    await hosts.close()


async def test_a_host_that_refuses_is_left_alone_for_a_pause_that_doubles() -> None:
    door = Door()
    door.shut = True
    hosts, _, clock = fleet(door)
    pauses = []
    for _ in range(7):
        with pytest.raises(Problems, match="db1 is shut"):
            await hosts.session("db1")
        knocked = len(door.knocks)
        began = clock.now
        while len(door.knocks) == knocked:
            clock.now += 0.25
            with pytest.raises(Problems, match="db1 is shut"):
                await hosts.session("db1")
        pauses.append(clock.now - began)
        door.knocks.pop()
        hosts._refused["db1"].until = 0.0
    assert pauses[0] == FIRST_PAUSE
    assert max(pauses) <= LONGEST_PAUSE
    await hosts.close()


async def test_a_host_that_is_tried_again_and_again_is_told_to_be_away_once_and_then_to_be_back() -> None:
    door = Door()
    door.shut = True
    hosts, told, clock = fleet(door)
    for _ in range(4):
        with pytest.raises(Problems, match="db1 is shut"):
            await hosts.session("db1")
        clock.now += LONGEST_PAUSE
    assert told == [SessionLost(host="db1", reason="db1 is shut")]
    door.shut = False
    await hosts.session("db1")
    assert [type(event) for event in told] == [SessionLost, SessionOpened]
    await hosts.close()


async def test_one_refusal_is_the_business_of_whoever_wanted_the_host() -> None:
    door = Door()
    door.shut = True
    hosts, told, _ = fleet(door)
    with pytest.raises(Problems, match="db1 is shut"):
        await hosts.session("db1")
    assert told == []
    await hosts.close()


async def test_the_controller_needs_no_inventory_and_is_on_record_as_every_host() -> None:
    door = Door()
    hosts, told, _ = fleet(door)
    await hosts.session("controller")
    assert (door.knocks, [event.host for event in told]) == (["controller"], ["controller"])
    await hosts.close()


async def test_closing_hangs_up_everywhere_and_may_be_done_twice() -> None:
    door = Door()
    hosts, _, _ = fleet(door)
    await hosts.session("db1")
    await hosts.close()
    await hosts.close()
    assert door.sessions[0].closed


async def test_a_host_that_the_plan_does_not_have_is_a_problem() -> None:
    hosts, _, _ = fleet(Door())
    with pytest.raises(Problems, match='the plan has no host "db9"'):
        await hosts.session("db9")
    await hosts.close()
