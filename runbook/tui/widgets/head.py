"""The rows on top of every question about a run: where this is, what is wanted, how much time is left.

A question has rows of its own instead of letting those below shine through: a terminal without colours has nothing that
is half transparent, and a window that is small has nothing beside the question. So the situation is never covered: the
clock, the service and the faults stand above the box, as much of them as leaves room for it.
"""

from __future__ import annotations

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Vertical

from runbook.core.actor import Actor
from runbook.core.run import Run
from runbook.tui.around import around
from runbook.tui.widgets.bars import Bar
from runbook.view.look.part import Row
from runbook.view.situation.column import column_rows
from runbook.view.situation.drawn import situation
from runbook.view.situation.facts import Facts, facts_of
from runbook.view.situation.geometry import FLAT, NARROW, axis_room
from runbook.view.situation.past import Past
from runbook.view.situation.sheet import sheet_for
from runbook.view.situation.top import place_of, place_row
from runbook.view.situation.wanted import wanted_row

_BOX = 16
"""Rows that a question should have."""


class Head(Vertical):
    """Place, what is wanted, the situation."""

    past: Past = ()
    """What earlier runs teach, for the estimate."""

    def __init__(self) -> None:
        """Begin with nothing to show."""
        super().__init__()
        self._facts: Facts | None = None

    def compose(self) -> ComposeResult:
        """A row each, and as many of the situation as there is room for."""
        yield Bar(id="place")
        yield Bar(id="wanted")
        yield Bar(id="situation")

    def on_mount(self) -> None:
        """What was to be shown before there were rows for it."""
        self._draw()

    def show(self, run: Run, now: float, *, me: Actor | None) -> None:
        """The run at `now`, in seconds since it was opened, for `me`."""
        self._facts = facts_of(run, now, me=me, past=self.past)
        if self.query("#situation"):
            self._draw()

    def on_resize(self) -> None:
        """Another size has room for other rows."""
        self._draw()

    def _draw(self) -> None:
        facts = self._facts
        if facts is None:
            return
        width, height, glyphs = self.size.width or self.app.size.width, self.app.size.height, around(self).glyphs
        rows = self._situation(facts, width, height)
        self.query_one("#place", Bar).say(place_row(facts, width, glyphs), tint=place_of(facts.run.plan.environment))
        self.query_one("#wanted", Bar).say(wanted_row(facts, width, glyphs))
        bar = self.query_one("#situation", Bar)
        bar.styles.height = len(rows)
        bar.say(*rows)

    def _situation(self, facts: Facts, width: int, height: int) -> tuple[Row, ...]:
        glyphs = around(self).glyphs
        if width < NARROW or height < FLAT:
            return tuple(
                (row[0]._replace(text=f" {row[0].text}"), *row[1:]) for row in column_rows(facts, width - 2, glyphs)[:1]
            )
        room = axis_room(width, height)
        room = replace(room, sections=0, legend=False, probes=room.probes if room.size == "large" else 1)
        return situation(sheet_for(facts, width, room, glyphs))[: max(1, height - 2 - _BOX)]
