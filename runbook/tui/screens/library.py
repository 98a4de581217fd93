"""Everything there is to run, and everything that was run.

What runs and waits, runbooks (or records in their place), the details of the row under the cursor, one filter over all.
What is wrong with a runbook is shown where the runbook stands: an unreadable file is a row with its problem, never a
missing row.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Input

from runbook.tui.actions import bindings
from runbook.tui.messages import ProblemsMet
from runbook.tui.screens.opening import opened_run
from runbook.tui.screens.place import PlaceScreen
from runbook.tui.screens.plan import PlanScreen
from runbook.tui.screens.tab import TabScreen
from runbook.tui.widgets.bars import Bar
from runbook.tui.widgets.booklist import SORTS, BookList, LiveList, RunList, book_details, matches, run_details
from runbook.tui.widgets.keybar import KeyBar
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Rows
from runbook.view.words import plural
from runbook.workspace.rows import RunRow

_MOST_LIVE = 6
"""Rows of what runs and waits before it scrolls."""


class LibraryScreen(TabScreen):
    """The first screen."""

    NAME = "Library"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tabs", "library")
    AUTO_FOCUS = "#books"
    """From the first frame on: a key that is typed early must not end up in the filter."""

    def compose(self) -> ComposeResult:
        """Where, what waits, the lists, details, keys."""
        yield Bar(id="place")
        yield Bar(id="wanted")
        with Container(id="lists"):
            yield LiveList(id="live")
            yield BookList(id="books")
            yield RunList(id="runs")
        yield Plain("reading ...", id="details")
        yield Input(placeholder="filter: words in any column", id="filter", compact=True, select_on_focus=False)
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin with the runbooks."""
        self.query_one("#filter", Input).display = False
        self._show_records(shown=False)
        self.query_one(BookList).focus()

    def _go(self, place: PlaceScreen) -> None:
        self.app.push_screen(place)

    def refill(self) -> None:
        """Show what was read and matches."""
        wanted = self.query_one("#filter", Input).value
        books = tuple(book for book in self.loaded.books if matches(book, wanted))
        runs = tuple(run for run in self.loaded.runs if matches(run, wanted))
        live, shelf = self.query_one(LiveList), self.query_one(BookList)
        live.me, live.now, shelf.now = self.workspace.whoami().name, self.wall, self.wall
        live.fill(runs)
        live.display = bool(live.count)
        live.styles.height = 2 + min(_MOST_LIVE, live.count)
        shelf.fill(books, self.loaded.runs)
        self.query_one(RunList).fill(runs)
        self._show_details()

    def ticked(self) -> None:
        """What has waited has waited longer."""
        live = self.query_one(LiveList)
        live.now = self.wall
        live.redraw_changed()

    def summary(self) -> str:
        """How much there is."""
        return f"{plural(len(self.loaded.books), 'runbook')}, {plural(len(self.loaded.runs), 'record')}."

    # --- the row under the cursor -------------------------------------------------------------------------------------

    @on(Rows.Moved)
    def _show_details(self) -> None:
        books, details = self.query_one(BookList), self.query_one("#details", Plain)
        run = self._run_here()
        if run is not None:
            details.say(*run_details(run))
        elif books.here is not None:
            details.say(*book_details(books.here, books.runs_of(books.here)))
        elif self.is_read:
            details.tell(
                "Nothing matches." if self.loaded.books else "There is no runbook here. Write one: runbook init"
            )

    def _run_here(self) -> RunRow | None:
        """The run whose row has the keys."""
        live, records = self.query_one(LiveList), self.query_one(RunList)
        return live.here if live.has_focus else records.here if records.has_focus else None

    def on_descendant_focus(self) -> None:
        """The other list has the keys: show its row."""
        self._show_details()

    @on(Rows.Opened, "#books")
    def _open_book(self) -> None:
        book = self.query_one(BookList).here
        if book is None:
            return
        if book.problem is None:
            self._go(PlanScreen(self.workspace, book))
        else:
            self.post_message(ProblemsMet((book.problem,)))

    @on(Rows.Opened, "#live")
    @on(Rows.Opened, "#runs")
    def _open_run(self) -> None:
        run = self._run_here()
        if run is not None:
            self.work(partial(self.enter, run), group="open")

    async def enter(self, run: RunRow) -> None:
        """Open a run: live, or its record."""
        self._go(await opened_run(self.workspace, run))

    # --- keys ---------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Go to the filter."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        if self.is_read:
            self.refill()

    def action_back(self) -> None:
        """From the filter to the list, and out of the filter; never further."""
        field = self.query_one("#filter", Input)
        if not field.has_focus:
            field.value = ""
        field.display = bool(field.value)
        self.action_books()

    @on(Input.Submitted, "#filter")
    def action_books(self) -> None:
        """Go to the runbooks."""
        self._show_records(shown=False)
        self.query_one(BookList).focus()

    def action_runs(self) -> None:
        """Go to the records."""
        self._show_records(shown=True)
        self.query_one(RunList).focus()

    def action_live(self) -> None:
        """Go to what runs and waits."""
        live = self.query_one(LiveList)
        if live.display:
            live.focus()
        else:
            self.tell("No run goes on, and none waits for anybody.")

    def action_sort(self) -> None:
        """Another order of the runbooks."""
        books = self.query_one(BookList)
        books.sort = SORTS[(SORTS.index(books.sort) + 1) % len(SORTS)]
        self.refill()

    def _show_records(self, *, shown: bool) -> None:
        """Records take the place of the runbooks, and give it back."""
        self.query_one(RunList).display = shown
        self.query_one(BookList).display = not shown
