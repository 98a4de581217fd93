"""The screen as a program: which theme, which first screen, and the lock that keeps a stray key from answering.

The app holds a workspace and knows nothing of runs; each screen holds its own feed. It owns no truth and no timers of
a run, so it may be killed at any moment and the run goes on. It refuses to start without a terminal: deciding for the
line mode is the command line's business.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TextIO, assert_never, cast

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from runbook.engine.clock import SystemClock
from runbook.feed.feed import Feed, Replay
from runbook.problem import Problems
from runbook.tui._compat import cells_only
from runbook.tui.actions import DEEDS, LEAVING, bindings
from runbook.tui.messages import ProblemsMet, as_problems
from runbook.tui.modals.help import Help
from runbook.tui.modals.keylock import LOCK, KeyLock
from runbook.tui.moment import Clock
from runbook.tui.screens.dr import DrScreen
from runbook.tui.screens.library import LibraryScreen
from runbook.tui.screens.opening import most_wanted, newest_ended, opened_run
from runbook.tui.screens.place import Job, PlaceScreen
from runbook.tui.screens.replay import ReplayScreen
from runbook.tui.screens.run import RunScreen
from runbook.tui.screens.tab import TabScreen
from runbook.tui.screens.verify import VerifyScreen
from runbook.tui.theme import THEMES, choose
from runbook.view.look.glyphs import choose as choose_glyphs
from runbook.view.sanitize import safe_text
from runbook.view.situation.past import PastRun
from runbook.workspace.workspace import Workspace

StartOn = Literal["library", "run", "replay"]
_PLACES: dict[str, type[Screen[None]]] = {
    "library": LibraryScreen,
    "run": RunScreen,
    "replay": ReplayScreen,
    "dr": DrScreen,
    "verify": VerifyScreen,
}
"""The five places, each one key apart."""
_OF_THE_APP = tuple(deed.id for deed in DEEDS if deed.area == "everywhere" and deed.id not in LEAVING)
_LOCKED_OUT = (events.Key, events.Paste, events.MouseDown, events.MouseUp, events.Click)


class RunbookApp(App[None]):
    """The whole screen."""

    TITLE = "runbook"
    CSS_PATH = ["styles/app.tcss", "styles/run.tcss", "styles/modals.tcss"]  # noqa: RUF012 - as declared by textual
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere", only=_OF_THE_APP)
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-narrow"), (132, "-wide")]  # noqa: RUF012 - as declared by textual
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-low"), (36, "-tall")]  # noqa: RUF012 - as declared by textual

    def __init__(
        self,
        workspace: Workspace,
        *,
        feed: Feed | Replay | None = None,
        start_on: StartOn = "library",
        clock: Clock | None = None,
        lock_seconds: float = LOCK,
    ) -> None:
        """Prepare; nothing is read yet. `lock_seconds`: how long a question takes no keys."""
        cells_only()
        theme = choose(os.environ)
        super().__init__(ansi_color=True if theme.ansi else None)
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme.name
        self.workspace = workspace
        self.clock = clock or SystemClock()
        self.glyphs = choose_glyphs(os.environ, (_encoding(sys.__stdout__), _encoding(sys.__stderr__)))
        self.lock_seconds = lock_seconds
        self._first = _first_screen(workspace, feed, start_on)

    def on_mount(self) -> None:
        """Open the first screen."""
        self.push_screen(self._first)

    async def on_event(self, event: events.Event) -> None:
        """Drop what was typed, clicked or pasted before a question could have been read."""
        if isinstance(event, _LOCKED_OUT) and not event.is_forwarded:
            screen = self.screen
            if isinstance(screen, KeyLock) and not screen.takes(event):
                screen.not_taken()
                return
            if isinstance(screen, RunScreen) and isinstance(event, (events.Key, events.Paste)):
                screen.typed()
        await super().on_event(event)

    def action_help(self) -> None:
        """Show the keys that count here."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help())

    def action_interrupt(self) -> None:
        """Copy what is selected; nothing is stopped by this key."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
        else:
            self.notify("Ctrl+C stops nothing here. q leaves, x halts a run, Ctrl+Q closes.", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """The one way to a clipboard, whoever asks; what goes there will be pasted into a shell one day."""
        super().copy_to_clipboard(safe_text(text))

    def action_next_theme(self) -> None:
        """The next theme in the list."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.ansi_color = self.current_theme.ansi or None
        self.notify(f"Theme {self.theme.removeprefix('runbook-')}", markup=False)

    async def action_place(self, place: str) -> None:
        """Go to a place; one that is open below is gone back to."""
        kind = _PLACES[place]
        if type(self.screen) is kind:
            return
        if any(type(screen) is kind for screen in self.screen_stack):
            while type(self.screen) is not kind and isinstance(self.screen, PlaceScreen):
                self.screen.action_leave()
            return
        if place in {"run", "replay"}:
            job: Job = partial(self._open, place)
            self.run_worker(job, group="place", exclusive=True, exit_on_error=False)
        else:
            self.push_screen(_tab(place, self.workspace))

    async def _open(self, place: str) -> None:
        """The run that needs somebody most, or the newest that has ended."""
        screen = self.screen
        try:
            runs = await asyncio.to_thread(self.workspace.runs)
            run = most_wanted(runs, self.workspace.whoami().name) if place == "run" else newest_ended(runs)
            if run is not None:
                self.push_screen(await opened_run(self.workspace, run))
        except Exception as error:  # noqa: BLE001 - told like any refusal
            screen.post_message(ProblemsMet(as_problems(error)))
            return
        if run is None:
            said = "No run goes on. Enter on a runbook plans one." if place == "run" else "No run has ended here yet."
            self.notify(said, markup=False)

    async def past_of(self, runbook: str, run: str) -> tuple[PastRun, ...]:
        """What the latest runs of a runbook teach, without this one; nothing where they cannot be read."""
        try:
            return await asyncio.to_thread(partial(self.workspace.history, runbook, but=run))
        except Problems:
            return ()

    def action_picture(self) -> None:
        """Save the screen as it is, sanitised and masked as it is, as an SVG in the working directory."""
        self.notify(f"Saved {Path(self.save_screenshot()).name}", markup=False)

    def action_redraw(self) -> None:
        """Draw everything again."""
        self.refresh(layout=True)


def _tab(place: str, workspace: Workspace) -> Screen[None]:
    tabs: dict[str, type[TabScreen]] = {"library": LibraryScreen, "dr": DrScreen, "verify": VerifyScreen}
    return tabs[place](workspace)


def _encoding(stream: TextIO | None) -> str | None:
    return None if stream is None else stream.encoding


def _first_screen(workspace: Workspace, feed: Feed | Replay | None, start_on: StartOn) -> Screen[None]:
    match start_on:
        case "library":
            return LibraryScreen(workspace)
        case "run" | "replay" if feed is None:
            message = f"start_on {start_on!r} needs a feed"
            raise ValueError(message)
        case "run":
            return RunScreen(feed, workspace.whoami())
        case "replay":
            return ReplayScreen(cast("Replay", feed), workspace.whoami())  # by the caller's word
        case _:
            assert_never(start_on)
