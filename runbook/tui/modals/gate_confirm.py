"""Gates that are answered with yes or no: confirm, the one before a changing step, approve, and a changed host key.

Which words these are, and which of them goes on record with a reason, is in the table of answers.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.events import Key
from textual.widgets import Button, Input

from runbook.core.answers import answer_of
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.typed import TypedWord


class YesNoGate(GateModal):
    """Yes or no. Where a word is asked for, yes is off until it is typed."""

    def question(self) -> ComposeResult:
        """The typed word, where there is one."""
        if self.gate.opened.word:
            yield TypedWord(self.gate.opened.word)

    def may(self, answer: str) -> bool:
        """Yes needs the word."""
        known = answer_of(self.gate.opened.kind, answer)
        return super().may(answer) and not (known and known.is_yes and self.typed() != self.gate.opened.word)

    def on_key(self, event: Key) -> None:
        """A letter belongs to the word, wherever the keys are: nothing but the whole word, and then Enter, goes on."""
        fields = self.query(TypedWord)
        if fields and event.is_printable and event.character and not isinstance(self.focused, Input):
            event.stop()
            fields.first().take(event.character)

    def typed(self) -> str:
        """What stands in the field."""
        fields = self.query(TypedWord)
        return fields.first().typed if fields else ""

    @on(TypedWord.Changed)
    def _changed(self) -> None:
        self.judge()

    @on(TypedWord.Submitted)
    def _submitted(self) -> None:
        """Enter on the complete word goes to the button, which is a second act."""
        self.query_one(f"#{self.offered[0].word}", Button).focus()
