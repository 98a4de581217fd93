"""A place that is no run: the library, the state of recovery, the checks of records. One frame and one reading for all.

What waits for somebody is read with everything else and said in the second row of each of them. Reading is done beside
the keys; what was read last stays until something newer is there.
"""

from __future__ import annotations

import asyncio
from functools import partial

from runbook.tui.messages import Loaded
from runbook.tui.screens.place import PlaceScreen
from runbook.tui.widgets.bars import Bar
from runbook.tui.widgets.booklist import seconds_since
from runbook.view.look.numbers import lasting
from runbook.view.look.part import Part, Row, pill, strong
from runbook.view.sanitize import safe
from runbook.view.situation.places import notice_row, quiet, tabs_row, waits
from runbook.workspace.rows import RunRow
from runbook.workspace.workspace import Workspace

TICK = 1.0
"""Seconds between two looks at the clock."""
_REREAD = 10
"""Ticks between two readings of what is there while nobody asks for one."""


class TabScreen(PlaceScreen):
    """A tab."""

    NAME = ""

    def __init__(self, workspace: Workspace) -> None:
        """Nothing is read before it is shown."""
        super().__init__()
        self.workspace = workspace
        self.loaded = Loaded((), ())
        self.is_read = False
        self._ticks = 0

    def on_mount(self) -> None:
        """Read, and look at the clock."""
        self.set_interval(TICK, self._tick)
        self.action_reload()
        self.say_top()

    def on_screen_resume(self) -> None:
        """Back from elsewhere: what is listed may have changed meanwhile."""
        if self.is_read:
            self.action_reload()

    def action_reload(self) -> None:
        """Read again, off the loop."""
        self.work(self._load, group="load")

    async def _load(self) -> None:
        books = await asyncio.to_thread(self.workspace.books)
        runs = await asyncio.to_thread(self.workspace.runs)
        self.post_message(Loaded(books, runs))

    def on_loaded(self, message: Loaded) -> None:
        """Show what was read."""
        self.loaded, self.is_read = message, True
        self.refill()
        self.say_top()

    def refill(self) -> None:
        """Show what was read; each tab its own part of it."""

    @property
    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.around.clock.wall()

    def _tick(self) -> None:
        self._ticks += 1
        if self.app.screen is not self:
            return
        if self._ticks % _REREAD == 0 and any(run.live for run in self.loaded.runs):
            self.action_reload()
        self.say_top()
        self.ticked()

    def ticked(self) -> None:
        """A second has passed."""

    # --- the first two rows -------------------------------------------------------------------------------------------

    def say_top(self) -> None:
        """Where one is, and what waits."""
        width, me = self.size.width, self.workspace.whoami().name
        said, aside = self.noticed(me)
        self.query_one("#place", Bar).say(tabs_row(self.NAME, me, _clock(self.wall), width))
        self.query_one("#wanted", Bar).say(notice_row(said, aside, width, self.around.glyphs))

    def noticed(self, me: str) -> tuple[Row, Row]:
        """What waits for whoever looks; else what is gone, what may be live, what others are asked, and nothing."""
        runs = self.loaded.runs
        mine = [run for run in runs if run.live and run.waiting.is_for(me)]
        opens = (Part("a", "live"), Part(" opens it"))
        if mine:
            return waits(
                len(mine), *self._named(mine[0]), Part(f" {mine[0].waiting.what}"), *self._left(mine[0])
            ), opens
        lost = [run for run in runs if run.verdict == "interrupted" and run.faults_live]
        if lost:
            return (
                pill("FAULT", "bad"),
                Part(" "),
                *self._named(lost[0]),
                Part(f" has no runner: {lost[0].waiting.faults[0]}" if lost[0].waiting.faults else ""),
            ), ()
        broken = [run for run in runs if run.faults_live]
        if broken:
            fault = broken[0].waiting.faults[0] if broken[0].waiting.faults else ""
            return (Part("FAULT", "slip", ("bold",)), Part("  "), *self._named(broken[0]), Part(f" {fault}")), ()
        others = [run for run in runs if run.live and run.waiting.what]
        if others:
            whom = safe(others[0].waiting.whom)
            return (
                Part("OTHERS DECIDE", "you", ("bold",)),
                Part("  "),
                *self._named(others[0]),
                Part(f" {others[0].waiting.what}; {whom} may"),
            ), ()
        return quiet(self.summary() if self.is_read else "reading ..."), ()

    def _named(self, run: RunRow) -> Row:
        return (strong(safe(run.runbook)),)

    def _left(self, run: RunRow) -> Row:
        since = seconds_since(run.waiting.since, self.wall)
        over = seconds_since(run.waiting.limit, self.wall) if run.waiting.limit else None
        ago = (Part(", asked "), strong(lasting(since)), Part(" ago")) if since is not None else ()
        left = (Part(", "), strong(lasting(-over)), Part(" of RTO left")) if over is not None and over < 0 else ()
        return (*ago, *left)

    def summary(self) -> str:
        """What there is, in a few words."""
        return ""

    def action_waiting(self) -> None:
        """Open the run that waits for whoever looks, or any that waits."""
        me = self.workspace.whoami().name
        asked = [run for run in self.loaded.runs if run.live and run.waiting.what]
        mine = [run for run in asked if run.waiting.is_for(me)]
        if asked:
            self.work(partial(self.enter, (mine or asked)[0]), group="open")
        else:
            self.tell("No run waits for anybody.")

    async def enter(self, run: RunRow) -> None:
        """Open a run: live, or its record."""
        raise NotImplementedError


def _clock(wall: float) -> str:
    whole = int(wall) % 86400
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"
