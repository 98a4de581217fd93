"""A recorded run on its own time axis: the run screen over the past, with a scrubber.

There is no second code path for an auditor: every pane shows the fold of the events up to the moment chosen, exactly
as the operator saw it. Nothing can be asked of the past, so the keys that ask are not there.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import AttemptEnded
from runbook.core.run import Run
from runbook.feed.feed import Replay
from runbook.tui.actions import bindings
from runbook.tui.messages import RunAdvanced
from runbook.tui.screens.run import RunScreen
from runbook.tui.screens.steering import ASKING
from runbook.tui.widgets.hostgrid import HostGrid
from runbook.tui.widgets.keybar import KeyBar
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.rows import Row, Rows
from runbook.tui.widgets.scrubber import Scrubber
from runbook.tui.widgets.steplist import StepList
from runbook.tui.widgets.timeline import Timeline
from runbook.view.situation.facts import Facts
from runbook.view.situation.player import player_row
from runbook.view.situation.top import place_row

_SLOWEST, _FASTEST = 0.25, 256.0
_NEAR = 4096
"""Entries of one moment among which a failure is looked for."""


def culprit(entries: tuple[Entry, ...], at: float) -> tuple[str, str] | None:
    """The step and the host of what failed at that moment; None where no host did."""
    behind = bisect_right(entries, at, key=lambda entry: entry.at)
    for entry in reversed(entries[max(0, behind - _NEAR) : behind]):
        event = entry.event
        if entry.at == at and isinstance(event, AttemptEnded) and event.outcome.is_error:
            return event.step, event.host
    return None


class ReplayScreen(RunScreen):
    """One record."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("replay")

    def __init__(self, replay: Replay, me: Actor) -> None:
        """Begin at the record's beginning."""
        super().__init__(replay, me)
        self.replay = replay
        self._speed = 1.0
        self.run_now = replay.seek(0.0)

    def compose(self) -> ComposeResult:
        """The run's panes, and the scrubber above the keys."""
        for widget in super().compose():
            if isinstance(widget, KeyBar):
                yield Scrubber(self.replay, id="scrubber")
            yield widget

    def on_mount(self) -> None:
        """Digits are not for panes here."""
        for rows in self.query(Rows):
            rows.is_numbered = False  # digits are tenths of the record here

    @property
    def rows_below(self) -> int:
        """The scrubber."""
        return 1

    def top_rows(self, facts: Facts) -> tuple[Row, Row]:
        """The first row says that this is the past, the second is the player."""
        width, glyphs = self.size.width, self.around.glyphs
        speed = self._speed if self.replay.playing else 0.0
        said = self.query_one(Scrubber).said_here()
        player = player_row(facts, self.replay.length, speed, said, width, glyphs)
        return place_row(facts, width, glyphs, prefix="REPLAY"), player

    @property
    def now(self) -> float:
        """The moment chosen."""
        return self.replay.position

    async def follow(self) -> None:
        """Pass on what playing shows; the end of the record is no end of watching."""
        while True:
            self.post_message(RunAdvanced(await self.replay.wait_changed()))

    def attend(self) -> None:
        """Nobody is asked anything by the past."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that ask a runner for something are not there."""
        return False if action in ASKING else super().check_action(action, parameters)

    def redraw(self) -> None:
        """The panes, and where on the axis they are."""
        super().redraw()
        self.query_one(Timeline).show(self.run_now, self.now, length=self.replay.length)
        self.query_one(Scrubber).refresh()

    # --- moving in time -----------------------------------------------------------------------------------------------

    def _show(self, run: Run) -> None:
        self.run_now = run
        self.query_one(StepList).stays = True
        self.query_one(HostGrid).refresh()
        self.redraw()

    def watch_from(self, at: float) -> None:
        """Show the moment `at`, in seconds since the run was opened."""
        self._show(self.replay.seek(at))

    def action_play(self) -> None:
        """Let time run, or stop it."""
        if self.replay.playing:
            self.replay.pause()
        else:
            self.replay.play(speed=self._speed)
        self._show(self.replay.run)

    def action_jump(self, seconds: int) -> None:
        """So many seconds on, or back."""
        self.watch_from(self.replay.position + seconds)

    def action_tenth(self, tenth: int) -> None:
        """To so many tenths of the record."""
        self.watch_from(tenth * self.replay.length / 10)

    def action_event(self, count: int) -> None:
        """One event on, or back; stops time."""
        self.replay.pause()
        self._show(self.replay.step(count))

    def action_step(self, direction: int) -> None:
        """To the moment in which the next step begins, or the one before."""
        self._go_to(self.query_one(Scrubber).step_from(self.replay.position, direction), "step", direction)

    def action_mark(self, direction: int) -> None:
        """To the next gate or failure, or the one before."""
        at = self.query_one(Scrubber).trouble_from(self.replay.position, direction)
        self._go_to(at, "gate or failure", direction)
        if at is not None:
            self._show_culprit(at)

    def _show_culprit(self, at: float) -> None:
        """Of a failure: the step, the host that failed, and the last that it said on standard error."""
        found = culprit(self.replay.entries, at)
        if found is None:
            return
        step, host = found
        self.query_one(StepList).go_to(step)
        self._show_hosts()
        self.query_one(HostGrid).go_to(host)
        output = self.query_one(OutputView)
        output.show(self.replay.output, host)
        output.action_fault_before()

    def _go_to(self, at: float | None, what: str, direction: int) -> None:
        if at is None:
            self.tell(f"No {what} {'follows' if direction > 0 else 'stands before'}.")
        else:
            self.watch_from(at)

    def action_speed(self, direction: int) -> None:
        """Twice as fast, or half."""
        self._speed = max(_SLOWEST, min(_FASTEST, self._speed * (2.0 if direction > 0 else 0.5)))
        if self.replay.playing:
            self.replay.play(speed=self._speed)
        self.tell(f"Speed x{self._speed:g}{'' if self.replay.playing else ', Space plays'}")
        self._show(self.replay.run)

    @on(Scrubber.Sought)
    def _sought(self, message: Scrubber.Sought) -> None:
        self.watch_from(message.at)
