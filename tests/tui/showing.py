"""What a screen shows, as lines of text: read from the public SVG export, so that a reviewer can read a difference."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape
from xml.etree import ElementTree as ET

from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Footer

from runbook.feed.feed import Feed
from runbook.tui.app import RunbookApp, StartOn
from runbook.tui.modals.keylock import KeyLock
from runbook.tui.widgets.keybar import KeyBar
from tests.tui.fakes import FakeWorkspace, StillClock

_CELL = 12.2
"""Width of one cell in Textual's SVG export, in its own units."""
_SPACE = "\u00a0"


def shown(app: RunbookApp) -> str:
    """The screen as text, a line for each row, without trailing spaces."""
    tree = ET.fromstring(app.export_screenshot(simplify=True))
    width, height = app.size
    rows = [[" "] * width for _ in range(height)]
    for text in tree.iter("{http://www.w3.org/2000/svg}text"):
        found = re.search(r"line-(\d+)\)", text.get("clip-path", ""))
        if found:
            _put(rows[int(found[1])], round(float(text.get("x", "0")) / _CELL), unescape(text.text or ""))
    return "\n".join("".join(row).rstrip() for row in rows)


def _put(row: list[str], column: int, text: str) -> None:
    for char in text.replace(_SPACE, " "):
        if column < len(row):
            row[column] = char
        for filler in range(column + 1, min(len(row), column + cell_len(char))):
            row[filler] = ""
        column += cell_len(char)


@asynccontextmanager
async def opened(
    workspace: FakeWorkspace | None = None,
    *,
    feed: Feed | None = None,
    start_on: StartOn = "library",
    size: tuple[int, int] = (80, 24),
    lock_seconds: float = 0.0,
    clock: StillClock | None = None,
) -> AsyncIterator[Pilot[None]]:
    """The app without a terminal; its questions take keys at once unless a test is about that."""
    app = RunbookApp(
        workspace or FakeWorkspace(),
        feed=feed,
        start_on=start_on,
        clock=clock or StillClock(),
        lock_seconds=lock_seconds,
    )
    async with app.run_test(size=size, tooltips=False, notifications=True) as pilot:
        await pilot.pause()
        yield pilot
        if pilot.app.is_running:
            await painted(pilot)  # a screen that is taken away while it is being made complains


async def until(pilot: Pilot[None], condition: Callable[[], object], *, turns: int = 200) -> None:
    """Let the app work until a condition holds."""
    for _ in range(turns):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"it never held; the screen was:\n{shown(pilot.app)}")


async def until_shown(pilot: Pilot[None], text: str) -> None:
    """Let the app work until a text is on the screen."""
    await until(pilot, lambda: text in shown(pilot.app))


async def painted(pilot: Pilot[None]) -> str:
    """The screen once nothing is on its way to it any more: the keys at its foot are there, and no frame changes it."""
    frames = [""]

    def is_still() -> bool:
        frames.append(shown(pilot.app))
        keys_are_there = all(foot.children for foot in pilot.app.screen.query(Footer)) and all(
            foot.count for foot in pilot.app.screen.query(KeyBar)
        )
        return not pilot.app.is_running or (keys_are_there and frames[-1] == frames[-2])

    await until(pilot, is_still)
    return frames[-1]


async def asked(pilot: Pilot[None], kind: type[KeyLock] = KeyLock) -> KeyLock:
    """Wait for a question that has been painted; with no lock it takes keys from then on."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.unlocks_at < float("inf"))
    await painted(pilot)
    return pilot.app.screen
