"""The menu after a failed step. Every entry says what it does; nothing is done until one is chosen and confirmed."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from runbook.core.answers import Answer
from runbook.tui.modals.gate import GateModal, dots
from runbook.tui.modals.keylock import Choice


class FailureGate(GateModal):
    """A list, and a button that does what the list says."""

    def question(self) -> ComposeResult:
        """What is offered, in the runner's order."""
        yield OptionList(*(Option(_label(answer), id=answer.word) for answer in self.offered), id="menu", compact=True)

    def choices(self) -> ComposeResult:
        """One, which names what is chosen."""
        yield Choice("Do it", id="do")

    def may(self, answer: str) -> bool:
        """Something must be chosen."""
        return super().may(answer) and self._chosen is not None

    @property
    def _chosen(self) -> Answer | None:
        index = self.query_one("#menu", OptionList).highlighted
        return None if index is None else self.offered[index]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        if self._chosen:
            self.query_one("#do", Choice).says(f"{self._chosen.label}{dots(self._chosen)}")
        self.judge()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#do", Button).focus()

    @on(Button.Pressed, "#do")
    def _done(self) -> None:
        if self._chosen is not None:
            self.give(self._chosen)


def _label(answer: Answer) -> Content:
    return Content(f"{answer.label:<26}{answer.follows}{'; with a reason' if answer.needs_reason else ''}")
