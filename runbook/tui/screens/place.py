"""What every screen of ours shares: it can be left, it says what was refused, and its workers cannot take it down.

Work that waits (reading folders, compiling, asking a runner) is done in workers, so that a key never waits for a disk.
A worker that fails is told to the person like any refusal; nothing here re-raises into Textual.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from runbook.tui.actions import LEAVING, bindings
from runbook.tui.around import Around
from runbook.tui.messages import ProblemsMet, as_problems
from runbook.tui.modals.refusal import Refusal
from runbook.tui.widgets.rows import Rows, fit
from runbook.view.words import plural

Job = Callable[[], Coroutine[object, object, object]]
"""An async function, or a partial of one."""


class PlaceScreen(Screen[None]):
    """A screen that one can be at."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere", only=LEAVING)

    @property
    def around(self) -> Around:
        """The program around this screen."""
        return cast("Around", self.app)

    def action_back(self) -> None:
        """Back one level. Here: to the screen before, where there is one."""
        if len(self.app.screen_stack) > self._floor:
            self.action_leave()

    def action_leave(self) -> None:
        """Leave this screen; the first one ends the program. Runs go on."""
        if len(self.app.screen_stack) > self._floor:
            self.app.pop_screen()
        else:
            self.app.exit()

    @property
    def _floor(self) -> int:
        # Textual keeps a blank screen of its own below our first one.
        return 2

    # --- work ---------------------------------------------------------------------------------------------------------

    def work(self, job: Job, *, group: str, all_of_them: bool = False) -> None:
        """Do something that waits. A newer job of a group ends the older one, unless all of them are wanted."""
        self.run_worker(job, group=group, exclusive=not all_of_them, exit_on_error=False)

    def outlive(self, job: Job, *, group: str) -> None:
        """Do something that must not end with this screen."""
        self.app.run_worker(job, group=group, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell of a worker that failed; it ends nothing."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.post_message(ProblemsMet(as_problems(error)))

    def on_problems_met(self, message: ProblemsMet) -> None:
        """Say what was refused until somebody has read it."""
        message.stop()
        self.app.push_screen(Refusal(message.problems))

    # --- copying ------------------------------------------------------------------------------------------------------

    def on_rows_copied(self, message: Rows.Copied) -> None:
        """Hand it to the terminal's clipboard and say what it was: nobody can see whether the terminal took it."""
        message.stop()
        self.app.copy_to_clipboard(message.text)
        self.tell(f"Copied {message.what}, {plural(len(message.text), 'character')}: {message.text}")

    def tell(self, text: str) -> None:
        """Say something in passing."""
        self.notify(fit(text, 200).rstrip(), markup=False)
