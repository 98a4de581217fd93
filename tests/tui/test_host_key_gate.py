"""A changed host key as a box: both fingerprints, the safe answer first, and the name before anything is accepted."""

from __future__ import annotations

import pytest
from textual.widgets import Button

from runbook.core.events.event import GateOpened
from runbook.core.host_key import ChangedKey, HostKey
from runbook.core.intent import AnswerGate
from runbook.core.planned.action import CommandAction
from runbook.tui.modals.gate import GateModal
from tests.builders import Story, plan, step
from tests.tui.fakes import FakeFeed
from tests.tui.showing import asked, opened, shown

OLD = HostKey("ssh-ed25519", "SHA256:QExXzqTs5ZuE0bqUkzQ7mW8D4dVZ9xqUu3kXl0r0old")
NEW = HostKey("ssh-ed25519", "SHA256:u5UdvG3bJrXg6x2Yb8kYq0b1xYH3b9zqk7s1l4c2new")
CHANGED = ChangedKey(machine="db1", known=(OLD,), shown=NEW)


def changed() -> FakeFeed:
    """A run whose host shows another key."""
    tale = Story(plan(step("1.1", CommandAction(shell="promote"), name="Promote"))).start().enter("1.1")
    message = f"The key of db1 has changed, and nothing was sent to it.\nknown  {OLD}\nshown  {NEW}"
    gate = GateOpened(
        gate="1.1#1", step="1.1", kind="host_key", message=message, word="db1", choices=("accept", "refuse"),
        digest=CHANGED.digest, changed_key=CHANGED,
    )  # fmt: skip
    return FakeFeed(tale.add(gate))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_box_shows_both_keys_whole_and_the_step_that_waits(size: tuple[int, int]) -> None:
    async with opened(feed=changed(), start_on="run", size=size) as pilot:
        await asked(pilot, GateModal)
        screen = shown(pilot.app)
        for part in (str(OLD), str(NEW), "promote", "db1", "Accept for this run", "Refuse"):
            assert part in screen


async def test_the_safe_answer_has_the_keys_and_accepting_is_off_until_the_name_is_typed() -> None:
    feed = changed()
    async with opened(feed=feed, start_on="run") as pilot:
        box = await asked(pilot, GateModal)
        assert pilot.app.focused.id == "safe"
        assert box.query_one("#accept", Button).disabled
        await pilot.press("d", "b", "1")
        assert not box.query_one("#accept", Button).disabled
        await pilot.press("enter", "enter")
        await pilot.pause()
    assert feed.sent == [AnswerGate(gate="1.1#1", answer="accept", typed="db1", digest=CHANGED.digest)]


async def test_refusing_needs_neither_the_name_nor_a_reason() -> None:
    feed = changed()
    async with opened(feed=feed, start_on="run") as pilot:
        await asked(pilot, GateModal)
        for _ in range(12):
            if pilot.app.focused.id == "refuse":
                break
            await pilot.press("tab")
        await pilot.press("enter")
        await pilot.pause()
    assert feed.sent == [AnswerGate(gate="1.1#1", answer="refuse", digest=CHANGED.digest)]
