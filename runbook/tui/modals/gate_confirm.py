"""Gates that are answered with yes or no: confirm, the one before a changing step, approve, and a changed host key."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.events import Key
from textual.widgets import Button, Input

from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.keylock import Choice
from runbook.tui.modals.typed import TypedWord

_STOPS = "The run stops here: what runs is cancelled and the closing steps follow. It is not rolled back by itself."


class ConfirmGate(GateModal):
    """Go on, or stop the run. Where a word is asked for, going on is off until it is typed."""

    yes = "proceed"
    no = "stop"
    yes_label = "Go on"
    no_label = "Stop the run ..."

    def question(self) -> ComposeResult:
        """The typed word, where there is one."""
        if self.gate.opened.word:
            yield TypedWord(self.gate.opened.word)

    def choices(self) -> ComposeResult:
        """No before yes."""
        yield Choice(self.no_label, id=self.no)
        yield Choice(self.yes_label, id=self.yes)

    def may(self, answer: str) -> bool:
        """Yes needs the word."""
        return super().may(answer) and (answer != self.yes or self._typed == self.gate.opened.word)

    def on_key(self, event: Key) -> None:
        """A letter belongs to the word, wherever the keys are: nothing but the whole word, and then Enter, goes on."""
        fields = self.query(TypedWord)
        if fields and event.is_printable and event.character and not isinstance(self.focused, Input):
            event.stop()
            fields.first().take(event.character)

    @property
    def _typed(self) -> str:
        fields = self.query(TypedWord)
        return fields.first().typed if fields else ""

    @on(TypedWord.Changed)
    def _changed(self) -> None:
        self.judge()

    @on(TypedWord.Submitted)
    def _submitted(self) -> None:
        """Enter on the complete word goes to the button, which is a second act."""
        self.query_one(f"#{self.yes}", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == self.yes:
            self.answer(self.yes, typed=self._typed)
        elif event.button.id == self.no:
            self.decline()

    def decline(self) -> None:
        """Say no, with the reason that goes on record."""
        self.answer_with_reason(self.no, verb=self.no_label.removesuffix(" ..."), consequence=_STOPS)


class ApproveGate(ConfirmGate):
    """Other people decide; a rejection is an outcome of its own."""

    yes = "approve"
    no = "reject"
    yes_label = "Approve"
    no_label = "Reject ..."


class HostKeyGate(ConfirmGate):
    """Whether a machine that shows another key is still the one meant. No is the safe answer and needs no why."""

    yes = "accept"
    no = "refuse"
    yes_label = "Accept for this run"
    no_label = "Refuse"

    def decline(self) -> None:
        """The host counts as unreachable, as it would have without the question; what follows is the step's policy."""
        self.answer(self.no)
