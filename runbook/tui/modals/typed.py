"""A word that must be typed, letter for letter, with what still differs said at every letter."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row


class TypedWord(Vertical):
    """A field and how far it matches."""

    class Changed(Message):
        """The text matches now, or does not match any more."""

        def __init__(self, *, matches: bool) -> None:
            """Say which."""
            self.matches = matches
            super().__init__()

    class Submitted(Message):
        """Enter was pressed on a word that matches."""

    def __init__(self, word: str) -> None:
        """Ask for this word."""
        super().__init__()
        self.word = word

    # Coming back to a half-typed word by Tab must not select it, or the next letter would replace it.
    def compose(self) -> ComposeResult:
        """Prompt, field, comparison."""
        yield Plain(f'Type "{self.word}" letter for letter:', classes="prompt")
        yield Input(id="typed", compact=True, max_length=200, placeholder="type it here", select_on_focus=False)
        yield Plain(id="match")

    def on_mount(self) -> None:
        """Nothing typed yet."""
        self.query_one("#match", Plain).say(compared(self.word, ""))

    def take(self, letter: str) -> None:
        """A letter that was typed while something else had the keys: they go here, and it goes behind what is there."""
        field = self.query_one("#typed", Input)
        field.focus()
        field.value += letter
        field.cursor_position = len(field.value)

    @property
    def typed(self) -> str:
        """What stands in the field."""
        return self.query_one("#typed", Input).value

    @on(Input.Changed, "#typed")
    def _compare(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#match", Plain).say(compared(self.word, event.value))
        self.post_message(self.Changed(matches=event.value == self.word))

    @on(Input.Submitted, "#typed")
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self.word:
            self.post_message(self.Submitted())


def compared(word: str, typed: str) -> Row:
    """How far what was typed is the word: the letters that match, then where it stands."""
    good = 0
    while good < min(len(word), len(typed)) and word[good] == typed[good]:
        good += 1
    head = (Part(word[:good], "ok", ("bold",)), Part(word[good:], "dim"))
    if typed == word:
        return (*head, Part("  matches", "ok", ("bold",)))
    if good < len(typed):
        return (*head, Part(f'  differs at letter {good + 1}: "{typed[good]}"', "bad", ("bold",)))
    return (*head, Part(f"  {good} of {len(word)} letters" if good else "  no match yet", "dim"))
