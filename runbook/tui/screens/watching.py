"""The frame of a run on the screen: its bars and its panes, and where they stand for the size there is.

Places are computed (`view/situation/geometry.py`) and given to the panes as they are; nothing is left to a layout that
would move by itself. The bars at the top and the keys are outside the panes, so no size and no zoom can hide them.
"""

from __future__ import annotations

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Container

from runbook.core.actor import Actor
from runbook.feed.feed import Feed
from runbook.tui.screens.steering import Steering
from runbook.tui.widgets.bars import Bar
from runbook.tui.widgets.hostgrid import HostGrid
from runbook.tui.widgets.keybar import KeyBar
from runbook.tui.widgets.notes import Notes
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.promptline import PromptLine
from runbook.tui.widgets.rows import Row, Rows
from runbook.tui.widgets.steplist import StepList
from runbook.tui.widgets.timeline import Timeline
from runbook.view.situation.column import column_rows
from runbook.view.situation.drawn import situation
from runbook.view.situation.facts import Facts
from runbook.view.situation.geometry import FLAT, NARROW, Needs, Rect, arrange, axis_room
from runbook.view.situation.leases import fault_line
from runbook.view.situation.sheet import sheet_for
from runbook.view.situation.top import place_of, place_row
from runbook.view.situation.wanted import wanted_row

_PANES = ("steps", "hosts", "notes", "output", "timeline")


class Watching(Steering):
    """Bars and panes."""

    def __init__(self, feed: Feed, me: Actor) -> None:
        """Nothing has a place yet."""
        super().__init__(feed, me)
        self.zoomed = ""
        """The pane that has all the room; empty when all panes share it."""
        self._needs = Needs(situation=0, steps=0, hosts=0, notes=0)
        self._stands: dict[str, Rect] = {"": Rect(0, 0, 0, 0)}
        self._shows_timeline = False

    def compose(self) -> ComposeResult:
        """Where, what is wanted, the situation, panes, keys."""
        yield Bar(id="place")
        yield Bar(id="wanted")
        yield Bar(id="situation")
        yield Bar(id="column")
        with Container(id="panes"):
            yield StepList(id="steps")
            yield HostGrid(id="hosts")
            yield Notes(id="notes")
            yield OutputView(id="output")
            yield Timeline(id="timeline")
        yield Bar(id="faults")
        yield PromptLine(id="prompt")
        yield KeyBar(id="keys")

    @property
    def is_tiny(self) -> bool:
        """There is room for one column of facts and for nothing else."""
        return self.size.width < NARROW or self.size.height < FLAT

    def bar(self, name: str) -> Bar:
        """One of the bars."""
        return self.query_one(f"#{name}", Bar)

    def top_rows(self, facts: Facts) -> tuple[Row, Row]:
        """The first two rows."""
        width, glyphs = self.size.width, self.around.glyphs
        return place_row(facts, width, glyphs), wanted_row(facts, width, glyphs)

    def show(self, facts: Facts) -> None:
        """Everything of a run at one moment but the hosts of the chosen step."""
        place, wanted = self.top_rows(facts)
        self.bar("place").say(place, tint=place_of(facts.run.plan.environment))
        self.bar("wanted").say(wanted)
        self.query_one(StepList).show(facts)
        self.query_one(Notes).show(facts.run)
        self.query_one(Timeline).show(facts.run, facts.now)
        self._show_situation(facts)

    def _show_situation(self, facts: Facts) -> None:
        width, height, glyphs = *self.size, self.around.glyphs
        below: Row = ()
        if self.is_tiny:
            self.bar("column").say(*column_rows(facts, width - 2, glyphs))
            rows: tuple[Row, ...] = ()
        else:
            room = axis_room(width, height)
            rows = situation(sheet_for(facts, width, room, glyphs))
            below = fault_line(facts.faults, facts.now, facts.step) if room.faults == 0 else ()
        self.bar("situation").say(*rows)
        self.bar("faults").say(*((below,) if below else ()))
        self._needs = Needs(
            situation=len(rows),
            steps=self.query_one(StepList).count + 2,
            hosts=0,
            notes=self.query_one(Notes).count,
            below=int(bool(below)) + self.rows_below,
        )

    @property
    def rows_below(self) -> int:
        """Rows between the panes and the keys that are none of a run's."""
        return 0

    # --- places -------------------------------------------------------------------------------------------------------

    def put_panes(self) -> None:
        """Give every pane its place; those that have none are not shown."""
        needs, tiny = self._needs, self.is_tiny
        hosts = self.query_one(HostGrid).wanted_rows
        needs = replace(needs, hosts=hosts)
        stands = {} if tiny and not self.zoomed else arrange(*self.size, needs, zoomed=self.zoomed)
        if self._shows_timeline and "steps" in stands and not self.zoomed:
            stands["timeline"] = stands.pop("steps")
        if stands == self._stands:
            return
        self._stands = stands
        self._place(stands, needs)

    def _place(self, stands: dict[str, Rect], needs: Needs) -> None:
        top = 2 + needs.situation
        self.bar("situation").styles.height = needs.situation
        self.bar("situation").display = bool(needs.situation)
        self.bar("column").display = not stands
        self.query_one("#panes").display = bool(stands)
        self.bar("faults").display = bool(self.bar("faults").count)
        for name in _PANES:
            pane, rect = self.query_one(f"#{name}", Rows), stands.get(name)
            pane.display = rect is not None
            if rect is not None:
                pane.styles.offset = (rect.x, rect.y - top)
                pane.styles.width, pane.styles.height = rect.width, rect.height
                pane.is_fenced = rect.x > 0
                pane.forget()
        steps = stands.get("steps")
        self.query_one(StepList).is_at_edge = steps is not None and steps.width == self.size.width

    def on_resize(self) -> None:
        """Another size has other places."""
        self._stands = {}
        self.redraw()

    def redraw(self) -> None:
        """Draw everything; what follows a run says how."""
        raise NotImplementedError

    def to_pane(self, pane: str) -> None:
        """Give the keys to a pane; one without a place takes all of them."""
        if (self.zoomed and self.zoomed != pane) or pane not in self._stands:
            self.zoom_on(pane)
        self.query_one(f"#{pane}", Rows).focus()

    def zoom_on(self, pane: str) -> None:
        """One pane alone, or all of them again."""
        self.zoomed = pane
        self.redraw()

    def toggle_timeline(self) -> None:
        """The steps on the time axis, or as a list."""
        self._shows_timeline = not self._shows_timeline
        self.redraw()
        self.to_pane("timeline" if self._shows_timeline else "steps")
