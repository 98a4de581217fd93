"""A peer's name becomes addresses when its step is entered; they are what is shown, and what is sent."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from runbook.core.effect import Enter
from runbook.core.events.event import StepEntered
from runbook.core.host import Host
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import pinned_as, read_back
from runbook.engine.clock import SystemClock
from runbook.engine.entering import Entering
from runbook.problem import Problems
from runbook.transport.local.look_up import addresses_of
from tests.builders import Story, plan, step

FOUND = {"db1.example": ["203.0.113.1", "fd00::1%eth0", "203.0.113.1"], "203.0.113.7": ["203.0.113.7"]}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(_loop: object, name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if name not in FOUND:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in FOUND[name]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def cut(*peers: str) -> FaultAction:
    return FaultAction(fault="partition", arguments={"peers": list(peers)}, duration=60.0)


async def entered(planned: PlannedStep, tmp_path: Path) -> StepEntered:
    hosts = (Host(name="web1"), Host(name="db1", address="db1.example"))
    story = Story(plan(planned, hosts=hosts)).start()
    entering = Entering((), str, SystemClock(), folder=tmp_path)
    answer = await entering.enter(story.run, Enter(step="1.1", visit=1))
    return answer(story.run)[0]


@pytest.mark.parametrize("name", ["db1.example", "db1"])
async def test_names_are_looked_up_and_their_addresses_shown_each_once(name: str, tmp_path: Path) -> None:
    event = await entered(step("1.1", cut(name, "203.0.113.7", "203.0.113.1"), hosts=("web1",)), tmp_path)
    [shown] = read_back(event.shown).values()
    assert shown.action == cut("203.0.113.1", "fd00::1", "203.0.113.7")


async def test_a_name_without_an_address_fails_its_step_in_words_and_nothing_is_sent(tmp_path: Path) -> None:
    planned = step("1.1", cut("nowhere.example"), hosts=("web1",))
    story = Story(plan(planned, hosts=(Host(name="web1"),))).start()
    answer = await Entering((), str, SystemClock(), folder=tmp_path).enter(story.run, Enter(step="1.1", visit=1))
    assert "no address is known for nowhere.example" in answer(story.run)[-1].detail


async def test_an_unknown_name_is_a_problem_that_says_what_to_write() -> None:
    with pytest.raises(Problems, match="give it one in the inventory: ansible_host"):
        await addresses_of("nowhere.example")


def test_what_is_sent_has_the_addresses_that_were_shown_and_no_others() -> None:
    shown = cut("203.0.113.1")
    assert pinned_as(cut("db1.example"), shown) == shown
    assert pinned_as(cut("203.0.113.9"), shown) == cut("203.0.113.9")
