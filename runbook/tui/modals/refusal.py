"""What was refused, or went wrong: all of it, until it has been read. A toast would be gone before anybody looks."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from runbook.problem import Problem
from runbook.tui.modals.keylock import Choice, KeyLock
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.problem_rows import problem_rows


class Refusal(KeyLock[None]):
    """A box with problems and one button."""

    lock_seconds = 0.0

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Show these."""
        super().__init__()
        self._problems = problems

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box") as box:
            self.frame(box, "Not done")
            with VerticalScroll(classes="said"):
                yield Plain(id="problems")
            yield Choice("Close (Esc)", id="close")

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one("#problems", Plain).say(*(row for problem in self._problems for row in problem_rows(problem)))
        self.query_one("#close").focus()

    def on_button_pressed(self) -> None:
        """Close."""
        self.action_safe()
