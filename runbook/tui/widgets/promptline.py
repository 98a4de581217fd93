"""The row above the keys: asks for a word (to search, to filter, to go to a time), and says what was just done.

Nothing that is typed here changes a run, so it is no question with a lock; Escape closes it and leaves things as they
are. What it says goes by itself; nothing that must be read stands here alone.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from runbook.tui.widgets.plain import Plain
from runbook.view.sanitize import safe

SAID = 8.0
"""Seconds for which something said stays."""


class PromptLine(Horizontal):
    """A label and a field, or a sentence; nothing at all for most of the time."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    class Given(Message):
        """Enter was pressed."""

        def __init__(self, about: str, text: str) -> None:
            """Say what was asked about, and what was typed."""
            self.about = about
            self.text = text
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Nothing is asked."""
        super().__init__(id=id)
        self._about = ""
        self._back: Widget | None = None
        self._going: Timer | None = None

    def compose(self) -> ComposeResult:
        """Both, hidden."""
        yield Plain(id="said")
        yield Input(id="given", compact=True, max_length=200, select_on_focus=True)

    def on_mount(self) -> None:
        """Out of the way."""
        self.display = False

    def ask(self, about: str, label: str, value: str = "") -> None:
        """Ask; the keys go back to where they were afterwards."""
        field = self.query_one("#given", Input)
        if not field.has_focus:
            self._back = self.screen.focused
        self._about = about
        self._stay()
        self.query_one("#said", Plain).tell(safe(label))
        self.display = field.display = True
        field.value = value
        field.focus()

    def tell(self, text: str) -> None:
        """Say something for a while."""
        if self.query_one("#given", Input).has_focus:
            return
        self._stay()
        self.query_one("#said", Plain).tell(safe(text))
        self.query_one("#given", Input).display = False
        self.display = True
        self._going = self.set_timer(SAID, self.action_close)

    def _stay(self) -> None:
        if self._going is not None:
            self._going.stop()
            self._going = None

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        about, text = self._about, event.value.strip()
        self.action_close()
        self.post_message(self.Given(about, text))

    def action_close(self) -> None:
        """Close it, nothing is done."""
        field = self.query_one("#given", Input)
        if field.has_focus and self._back is not None:
            self._back.focus()
        self.display = field.display = False
