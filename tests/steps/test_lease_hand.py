"""Whoever speaks to a lease and is wanted no more stops, and takes that for no answer of the host's."""

from __future__ import annotations

import asyncio

import pytest

from runbook.core.host import Host
from runbook.steps.lease_hand import LeaseHand
from runbook.transport.scripted import Hangs, ScriptedConnector
from runbook.transport.session import Session


async def test_a_question_that_is_wanted_no_more_ends_as_cancelled() -> None:
    """A renewal that went on behind a revert would find its lease gone, and tell of a sweep that never was."""
    world = ScriptedConnector(lambda _host, _command: Hangs())

    async def opened() -> Session:
        return await world.connect(Host(name="db1"))

    hand = LeaseHand(open_session=opened, directory="/run/runbook", own="runbook-r-1")
    asked = asyncio.create_task(hand.ask("renew"))
    while not world.sent:
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
