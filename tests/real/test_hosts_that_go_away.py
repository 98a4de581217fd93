"""A host that is switched off on purpose: agreed to with its way back before, seen to go, and not called whole before it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runbook.core.events.event import Event, GateOpened
from runbook.core.events.fault_event import FaultEffect, FaultInjected, FaultReverted
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AnswerGate
from runbook.feed.live import LiveFeed
from runbook.record.checking.verify import Judgement, verify
from runbook.view.asking.gates import gate_view
from runbook.workspace.local import HowToRun
from runbook.workspace.prepare import Wish, prepare
from tests.hosts.systemd_host import SystemdHost
from tests.place import Place, until
from tests.real.faults.conftest import folder, host, network

__all__ = ["folder", "host", "network"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(400)]

BOOK = """\
version: 1
kind: drill
name: away-FAULT
title: It goes away
inventory: one
steady_state:
  - {name: ok, command: "true", on: controller, every: 1s}
sections:
  - name: Away
    on: here
    steps:
      - {name: Go, fault: {FAULT: {way_back: The test presses the button}}, duration: 10m, lease: 60s}
      - {name: Back, revert: Go}
"""
LIMIT = 180.0
"""Seconds for a host to go and to come back."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


async def begun(place: Place, host: SystemdHost, fault: str) -> LiveFeed:
    """A run that has been agreed to."""
    files = {
        "drills/away.yaml": BOOK.replace("FAULT", fault),
        "inventories/one/environment.yaml": "name: test\nconfirm: none\nauto: all\n",
        "inventories/one/hosts.yaml": (
            f"all: {{hosts: {{here: {{ansible_host: {host.address}, ansible_user: root, "
            f"ansible_ssh_private_key_file: {host.key}, ansible_ssh_common_args: "
            f'"-F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={place.root}/known"}}}}}}\n'
        ),
    }
    for name, text in files.items():
        (place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / name).write_text(text)
    prepared = prepare(place.workspace.settings, Wish(book="drills/away.yaml", inventory="one"), None)
    feed = await place.watch(await place.workspace.launch(prepared, HowToRun(attended=True)))
    run = await until(feed, lambda run: run.open_gates)
    gate = run.open_gates[0]
    assert "way_back=The test presses the button" in repr(gate_view(run, gate, 0.0))
    assert await feed.send(AnswerGate(gate=gate, answer="proceed", typed=f"away-{fault}")) is None
    return feed


def events(place: Place, feed: LiveFeed, kind: type[Event]) -> list[Event]:
    return [entry.event for entry in place.entries(feed.run.id) if isinstance(entry.event, kind)]


async def at_last(holds) -> None:
    async with asyncio.timeout(LIMIT):
        while not holds():
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("fault", ["poweroff", "reboot"])
async def test_it_is_agreed_to_seen_to_go_and_whole_when_it_is_back_as_another_boot(
    place: Place, host: SystemdHost, fault: str
) -> None:
    lives = len(host.ended)
    feed = await begun(place, host, fault)
    await at_last(lambda: events(place, feed, FaultEffect))
    await at_last(lambda: len(host.ended) > lives)
    if fault == "poweroff":
        assert events(place, feed, FaultReverted) == []
        host.power_on()
    await at_last(lambda: feed.run.has_ended or events(place, feed, FaultReverted))
    async with asyncio.timeout(LIMIT):
        while not feed.run.has_ended:
            await feed.wait_changed()
    assert host.ended[lives:] == [0 if fault == "poweroff" else 133]
    assert [(one.ok, len(events(place, feed, FaultInjected))) for one in events(place, feed, FaultEffect)] == [
        (True, 1)
    ]
    assert [one.by for one in events(place, feed, FaultReverted)] == ["reboot"]
    assert len(events(place, feed, GateOpened)) == 1
    assert (verdicts(feed.run).revert, verify(place.folder(feed.run.id)).grade) == ("verified", Judgement.SOUND)
    host.close()
    host.wait_for_login(60)
