"""The output of one host: following it, going to a line, a time or a match, and taking lines away by copying them.

Following is an explicit state: any move upwards ends it, and only a key (or the end of the list) begins it again,
because a view that runs away while somebody reads an error is worse than one that is behind. Searching goes on beside
the keys, a slice at a time. What is copied is what is shown, so nothing reaches a clipboard as a host wrote it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import ClassVar, Literal

from textual import events
from textual.binding import BindingType
from textual.reactive import reactive
from textual.worker import Worker, WorkerState

from runbook.feed.feed import Output
from runbook.tui.actions import bindings
from runbook.tui.messages import ProblemsMet, as_problems
from runbook.tui.search import Search
from runbook.tui.widgets.outputline import HEAD, cell_of, shown
from runbook.tui.widgets.outputwindow import OutputWindow
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.look.numbers import Wall
from runbook.view.sanitize import safe
from runbook.view.words import plural

SCAN = 2000
"""Lines read in one go while looking for an error; bounds how long a key can take."""
AHEAD = 8
"""Columns of one step sideways."""
MOST_COPIED = 1000
"""Lines that one key copies; more than that is in the record, and no terminal's clipboard takes it."""

_TOLD_EVERY = 16
"""Slices of a search between two headings that say how far it is."""


class OutputView(OutputWindow):
    """A window on a host's output."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("output")
    key = "3"
    follow: reactive[bool] = reactive(True, repaint=False)
    """The newest line is kept in sight."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin with nothing to show."""
        super().__init__(id=id)
        self._seen = 0
        """Lines there were when following ended."""
        self._started = ""

    def starts_at(self, started: str) -> None:
        """Tell at what wall time the run was opened."""
        if started != self._started:
            self._started, self._wall = started, Wall(started)

    def show(self, output: Output, host: str) -> None:
        """Show this host from now on, following it; what was searched for is searched for here as well."""
        wanted = self.search.wanted if self.search else ""
        self._output = output
        self.host = host
        self._known = self._seen = output.count(host) if host else 0
        self.search = self.marked = None
        self.follow = True
        self.offset_x = 0
        if wanted:
            self._begin(wanted, 0, goes=False)
        self.refresh_count()

    def refresh_count(self) -> None:
        """Ask how many lines there are now: the only thing that is asked when output arrives."""
        if self._output is None:
            return
        before = self._known
        self._window = (0, ())
        self._known = self._output.count(self.host) if self.host else 0
        self._measure()
        if self.follow:
            self._to_end()
        if self.search and self._known < before:  # a replay went back in time
            self._begin(self.search.wanted, 0, goes=False)
        elif self.search and before < self._known:
            self._look(goes=False)
        self._head()
        self.redraw_changed()

    def _cursor_cell(self, *, here: bool) -> Row:
        """While it follows and nobody reads, the newest line needs no mark."""
        return super()._cursor_cell(here=here and (self.has_focus or not self.follow))

    @property
    def unseen(self) -> int:
        """Lines that came since following ended."""
        return max(0, self._known - self._seen)

    def _head(self) -> None:
        if not self.host:
            self.heading("Output")
            return
        sign = Part("FOLLOW", "dim") if self.follow else Part("FOLLOW off", "slip", ("bold",))
        below = f"  {self.unseen:,} new below" if self.unseen and not self.follow else ""
        chosen = f"  {plural(len(self.selection), 'line')} selected, y copies" if self.marked is not None else ""
        said = (self._search_said(), below, chosen, "  wrap" if self.wraps else "")
        aside = (Part(f"{plural(self._known, 'line')}  ", "dim"), sign)
        self.heading(f"Output {self.host}", *said, aside=aside)

    # --- following ----------------------------------------------------------------------------------------------------

    def keep_in_sight(self) -> None:
        """Following goes on at the end, whatever the size."""
        if self.follow and not self.wraps:
            self._put_on_top(max(0, self._known - self._room))
        else:
            super().keep_in_sight()

    def _to_end(self) -> None:
        self._seen = self._known
        with self.prevent(Rows.Moved):
            self.cursor = max(0, self._known - 1)
        self.keep_in_sight()

    def watch_cursor(self, before: int, cursor: int) -> None:
        """A selection and the rank of a hit go with it."""
        super().watch_cursor(before, cursor)
        if self.search or self.marked is not None:
            self._head()

    def watch_follow(self) -> None:
        """Say it, and catch up."""
        if self.follow:
            self._to_end()
        self._head()
        self.refresh()

    def watch_wraps(self) -> None:
        """Break lines, or cut them; the line one is at stays in sight."""
        self._measure()
        self.keep_in_sight()
        self._head()

    def _release(self) -> None:
        if self.follow:
            self._seen = self._known
            self.follow = False

    def action_follow(self) -> None:
        """Follow, or stop following."""
        if self.follow:
            self._release()
        else:
            self.follow = True

    def action_wrap(self) -> None:
        """Break long lines, or cut them."""
        self.wraps = not self.wraps

    def action_up(self) -> None:
        """One line up; ends following."""
        self._release()
        super().action_up()

    def action_page_up(self) -> None:
        """One page up; ends following."""
        self._release()
        super().action_page_up()

    def action_first(self) -> None:
        """To the first line; ends following."""
        self._release()
        super().action_first()

    def action_last(self) -> None:
        """To the newest line, and follow; a selection only grows."""
        if self.marked is None:
            self.follow = True
        else:
            super().action_last()

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """The wheel upwards ends following; the scrolling itself is the widget's own."""
        self._release()

    def action_left(self) -> None:
        """Sideways."""
        self.offset_x = max(0, self.offset_x - AHEAD)

    def action_right(self) -> None:
        """Sideways."""
        self.offset_x += AHEAD

    # --- going somewhere ----------------------------------------------------------------------------------------------

    def go(self, line: int) -> None:
        """To a line, to read it; ends following."""
        self._release()
        self.cursor = line
        self.keep_in_sight()

    def go_to_time(self, at: float) -> None:
        """To the first line of a moment (seconds since the run was opened), at the top of the window."""
        if self._output is None or not self._known:
            return
        low, high = 0, self._known - 1
        while low < high:
            middle = (low + high) // 2
            found = self._output.lines(self.host, middle, 1)
            low, high = (low, middle) if not found or found[0].at >= at else (middle + 1, high)
        self.go(low)
        self._put_on_top(low)

    def action_next_fault(self) -> None:
        """To the next line of standard error."""
        self._find(1)

    def action_fault_before(self) -> None:
        """To the line of standard error before."""
        self._find(-1)

    def _find(self, direction: Literal[1, -1]) -> None:
        if self._output is None:
            return
        start = self.cursor + 1 if direction > 0 else max(0, self.cursor - SCAN)
        length = SCAN if direction > 0 else self.cursor - start
        hits = [line.number for line in self._output.lines(self.host, start, length) if line.stream == "err"]
        if hits:
            self.go(hits[0] if direction > 0 else hits[-1])

    # --- searching ----------------------------------------------------------------------------------------------------

    def look_for(self, wanted: str) -> None:
        """Search forwards from where one reads, and go to what is found; nothing wanted ends the search."""
        if wanted:
            self._begin(wanted, self.scroll_offset.y if self.follow else self.cursor, goes=True)
        else:
            self.clear()

    def clear(self) -> bool:
        """End a selection, else a search; False when there is neither."""
        had = self.marked is not None or self.search is not None
        if self.marked is not None:
            self.marked = None
        else:
            self.search = None
        self._head()
        self.refresh()
        return had

    def _begin(self, wanted: str, origin: int, *, goes: bool) -> None:
        if self._output is not None and self.host:
            self.search = Search(self._output, self.host, wanted, origin)
            self._look(goes=goes)

    def _look(self, *, goes: bool) -> None:
        search = self.search
        if search is not None and not search.is_done:
            looking: Callable[[], Coroutine[object, object, object]] = partial(self._looking, search, goes=goes)
            self.run_worker(looking, group="search", exclusive=True, exit_on_error=False)

    async def _looking(self, search: Search, *, goes: bool) -> None:
        """Search slice by slice for as long as it is wanted, with room for keys between two of them."""
        slices = 0
        while self.search is search and not search.is_done:
            search.look()
            slices += 1
            if goes and (line := search.first) is not None:
                self._go_to_hit(line)
                goes = False
            if slices % _TOLD_EVERY == 0:
                self._head()
            await asyncio.sleep(0)
        if self.search is search:
            if goes and (line := search.first) is not None:
                self._go_to_hit(line)
            self._head()
            self.refresh()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A record that cannot be read is told, like any refusal."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.search = None
            self.post_message(ProblemsMet(as_problems(error)))

    def _search_said(self) -> str:
        search = self.search
        if search is None:
            return ""
        rank = search.rank(self.cursor)
        share = "" if search.is_done else f", {100 * search.looked_at // max(1, self._known)}% searched, Esc stops"
        found = f"{search.count:,} lines" if search.count else "nothing found" if search.is_done else "nothing yet"
        return f"  /{safe(search.wanted)} {f'{rank:,} of ' if rank else ''}{found}{share}"

    def action_next_hit(self) -> None:
        """To the next line that matches, round the end."""
        if self.search and (line := self.search.following(self.cursor)) is not None:
            self._go_to_hit(line)

    def action_hit_before(self) -> None:
        """To the line before that matches, round the beginning."""
        if self.search and (line := self.search.preceding(self.cursor)) is not None:
            self._go_to_hit(line)

    def _go_to_hit(self, number: int) -> None:
        """To a line, and sideways to what was found in it."""
        self.go(number)
        line = self._line(number)
        spans = self._spans(line) if line else ()
        if line is None or not spans or self.wraps:
            return
        text = shown(line.data)
        start, end = (cell_of(text, position) for position in spans[0])
        room = max(AHEAD, self._width - HEAD)
        if start < self.offset_x or end > self.offset_x + room:
            self.offset_x = 0 if end <= room else max(0, start - room // 2)

    # --- copying ------------------------------------------------------------------------------------------------------

    def action_select(self) -> None:
        """Begin a selection at the cursor, or give it up."""
        self._release()
        self.marked = self.cursor if self.marked is None else None
        self._head()

    def action_copy(self) -> None:
        """Copy what is selected, as it is shown; else the line with the cursor."""
        chosen = self.selection[:MOST_COPIED]
        if self._output is None or not self._known:
            return
        lines = self._output.lines(self.host, chosen.start, len(chosen))
        left = len(self.selection) - len(lines)
        what = f"{plural(len(lines), 'line')} of {safe(self.host)}{f', {left:,} more left out' if left else ''}"
        self.marked = None
        self._head()
        self.post_message(self.Copied("\n".join(shown(line.data) for line in lines), what))
