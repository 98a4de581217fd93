"""Asks for the reason that goes on record, and for a typed word where the deed is hard to undo."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from runbook.tui.modals.keylock import Choice, KeyLock
from runbook.tui.modals.typed import TypedWord
from runbook.tui.widgets.plain import Plain


class Reason(KeyLock[str | None]):
    """Gives the reason, or None when the person thought better of it; an empty one only where none is required."""

    def __init__(self, title: str, consequence: str, *, verb: str, word: str = "", required: bool = True) -> None:
        """Say what the deed does, in `consequence`; `verb` labels the button that does it."""
        super().__init__()
        self._title = title
        self._consequence = consequence
        self._verb = verb
        self._word = word
        self._required = required

    def compose(self) -> ComposeResult:
        """What will happen, the word, the reason, the buttons."""
        with Vertical(classes="box") as box:
            self.frame(box, self._title)
            yield Plain(self._consequence, classes="said")
            if self._word:
                yield TypedWord(self._word)
            asked = "Reason, goes on record:" if self._required else "Reason, goes on record if you give one:"
            yield Plain(asked, classes="prompt")
            yield Input(id="reason", compact=True, max_length=500, placeholder="type it here", select_on_focus=False)
            with Horizontal(classes="buttons"):
                yield Choice("Not now (Esc)", id="safe")
                yield Choice(self._verb, id="go", off=self._required or bool(self._word))

    def on_mount(self) -> None:
        """Begin where something has to be written; nothing is done by Enter there."""
        self.query_one("#typed" if self._word else "#reason", Input).focus()

    @property
    def _complete(self) -> bool:
        typed = not self._word or self.query_one(TypedWord).typed == self._word
        return typed and (not self._required or bool(self.query_one("#reason", Input).value.strip()))

    @on(TypedWord.Changed)
    @on(Input.Changed)
    def _judge(self) -> None:
        self.query_one("#go", Button).disabled = not self._complete

    @on(TypedWord.Submitted)
    def _to_reason(self) -> None:
        self.query_one("#reason", Input).focus()

    @on(Input.Submitted, "#reason")
    def _to_buttons(self) -> None:
        """Enter in a field moves on; only the button does it."""
        self.query_one("#go" if self._complete else "#safe", Button).focus()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(self.query_one("#reason", Input).value.strip())

    @on(Button.Pressed, "#safe")
    def action_safe(self) -> None:
        """Close; nothing is done."""
        self.dismiss(None)
