"""The rows on top of a run, and of every question about it: where this is, what is wanted, how much time is left.

A question has rows of its own instead of letting those below shine through: a terminal without colours has nothing that
is half transparent, and a window that is small has nothing beside the question. So the clock is never covered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from runbook.core.actor import Actor
from runbook.core.run import Run
from runbook.problem import Problem
from runbook.tui.widgets.gatebar import GateBar
from runbook.tui.widgets.recoveryclock import PlaceRow, RecoveryClock


class Head(Vertical):
    """Place, what is wanted, clock."""

    def __init__(self) -> None:
        """Begin with nothing to show."""
        super().__init__()
        self._shown: Callable[[], None] | None = None
        """Draws the newest state; None before there is one."""

    def compose(self) -> ComposeResult:
        """A row each; of what is wanted as many as there are."""
        yield PlaceRow()
        yield GateBar()
        yield RecoveryClock()

    def on_mount(self) -> None:
        """What was to be shown before there were rows for it."""
        if self._shown is not None:
            self._shown()

    def show(self, run: Run, now: float, *, me: Actor | None, gone: Problem | None = None) -> None:
        """The run at `now`, in seconds since it was opened, for `me`; `gone` says why nothing more will come."""
        self._shown = partial(self._draw, run, now, me, gone)
        if self.query(RecoveryClock):
            self._shown()

    def _draw(self, run: Run, now: float, me: Actor | None, gone: Problem | None) -> None:
        self.query_one(PlaceRow).show(run, now)
        self.query_one(GateBar).show(run, now, me=me, gone=gone)
        self.query_one(RecoveryClock).show(run, now)
