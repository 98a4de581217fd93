"""Everything there is to run, and everything that was run.

Two lists, the details of the row under the cursor, and one filter over both. What is wrong with a runbook is shown
where the runbook stands: an unreadable file is a row with its problem, never a missing row.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Footer, Input

from runbook.tui.actions import bindings
from runbook.tui.messages import Loaded, ProblemsMet
from runbook.tui.screens.place import PlaceScreen
from runbook.tui.screens.plan import PlanScreen
from runbook.tui.screens.replay import ReplayScreen
from runbook.tui.screens.run import RunScreen
from runbook.tui.widgets.booklist import BookList, RunList, book_details, matches, run_details
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Rows
from runbook.workspace.rows import RunRow
from runbook.workspace.workspace import Workspace


class LibraryScreen(PlaceScreen):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("library")
    AUTO_FOCUS = "#books"
    """From the first frame on: a key that is typed early must not end up in the filter."""

    def __init__(self, workspace: Workspace) -> None:
        """Nothing is read before it is shown."""
        super().__init__()
        self._workspace = workspace
        self._loaded = Loaded((), ())
        self._has_been_left = False

    def compose(self) -> ComposeResult:
        """Title, filter, two lists, details."""
        yield Plain("LIBRARY", id="title")
        yield Input(
            placeholder="filter: words in name, kind, owner, tags", id="filter", compact=True, select_on_focus=False
        )
        with Container(id="lists"):
            yield BookList(id="books")
            yield RunList(id="runs")
        yield Plain("reading ...", id="details")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Read the folders."""
        self.query_one(BookList).focus()
        self.action_reload()

    def on_screen_resume(self) -> None:
        """Back from a plan or a run: what is listed may have changed meanwhile."""
        if self._has_been_left:
            self._has_been_left = False
            self.action_reload()

    def _go(self, place: PlaceScreen) -> None:
        self._has_been_left = True
        self.app.push_screen(place)

    def action_reload(self) -> None:
        """Read the folders again, off the loop."""
        self.work(self._load, group="load")

    async def _load(self) -> None:
        books = await asyncio.to_thread(self._workspace.books)
        runs = await asyncio.to_thread(self._workspace.runs)
        self.post_message(Loaded(books, runs))

    def on_loaded(self, message: Loaded) -> None:
        """Show what was read."""
        self._loaded = message
        self._refill()

    @on(Input.Changed, "#filter")
    def _refill(self) -> None:
        wanted = self.query_one("#filter", Input).value
        books = tuple(book for book in self._loaded.books if matches(book, wanted))
        runs = tuple(run for run in self._loaded.runs if matches(run, wanted))
        self.query_one(BookList).fill(books)
        self.query_one(RunList).fill(runs)
        live = sum(run.live for run in self._loaded.runs)
        self.query_one("#title", Plain).say(
            (
                Part("LIBRARY", "sky", ("bold",)),
                Part(f"  {len(books)} of {len(self._loaded.books)} runbooks"),
                Part(f"  {len(runs)} of {len(self._loaded.runs)} runs"),
                Part(f"  {live} live" if live else "", "yellow", ("bold",)),
                Part(f"   {self._workspace.whoami().name}", "grey"),
            )
        )
        self._show_details()

    # --- the row under the cursor -------------------------------------------------------------------------------------

    @on(Rows.Moved)
    def _show_details(self) -> None:
        books, runs = self.query_one(BookList), self.query_one(RunList)
        details = self.query_one("#details", Plain)
        if runs.has_focus and runs.here is not None:
            details.say(*run_details(runs.here))
        elif books.here is not None:
            details.say(*book_details(books.here))
        else:
            details.tell(
                "Nothing matches." if self._loaded.books else "There is no runbook here. Write one: runbook init"
            )

    def on_descendant_focus(self) -> None:
        """The other list has the keys: show its row."""
        self._show_details()

    @on(Rows.Opened, "#books")
    def _open_book(self) -> None:
        book = self.query_one(BookList).here
        if book is None:
            return
        if book.problem is None:
            self._go(PlanScreen(self._workspace, book))
        else:
            self.post_message(ProblemsMet((book.problem,)))

    @on(Rows.Opened, "#runs")
    def _open_run(self) -> None:
        run = self.query_one(RunList).here
        if run is not None:
            self.work(partial(self._enter, run), group="open")

    async def _enter(self, run: RunRow) -> None:
        me = self._workspace.whoami()
        if run.live:
            self._go(RunScreen(await self._workspace.attach(run.id), me))
        else:
            self._go(ReplayScreen(await asyncio.to_thread(self._workspace.replay, run.id), me))

    # --- keys ---------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one("#filter", Input).focus()

    def action_back(self) -> None:
        """From the filter to the list, and out of the filter; never further."""
        field = self.query_one("#filter", Input)
        if not field.has_focus:
            field.value = ""
        self.query_one(BookList).focus()

    @on(Input.Submitted, "#filter")
    def action_books(self) -> None:
        """Go to the runbooks."""
        self.query_one(BookList).focus()

    def action_runs(self) -> None:
        """Go to the runs."""
        self.query_one(RunList).focus()
