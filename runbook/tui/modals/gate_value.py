"""Gates that are answered with a value: ask a person for it, or let them choose one of several."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, OptionList

from runbook.core.host import Json
from runbook.core.planned.action import AskAction, ChooseAction
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.keylock import Choice
from runbook.view.sanitize import safe


class AskGate(GateModal):
    """A value for `register`."""

    def question(self) -> ComposeResult:
        """The field, with the author's default in it."""
        default = self.action.default if isinstance(self.action, AskAction) else ""
        yield Input(value=safe(default), id="value", compact=True, max_length=1000, select_on_focus=False)

    def choices(self) -> ComposeResult:
        """One; the field has the answer's word for its own id."""
        yield Choice(self.offered[0].label, id="value-given")

    def may(self, answer: str) -> bool:
        """An empty field is no value."""
        return super().may(answer) and bool(self.query_one("#value", Input).value.strip())

    @on(Input.Changed, "#value")
    def _changed(self) -> None:
        self.judge()

    @on(Input.Submitted, "#value")
    def _submitted(self) -> None:
        self.query_one("#value-given", Button).focus()

    @on(Button.Pressed, "#value-given")
    def _given(self) -> None:
        self.give(self.offered[0])

    def value(self) -> Json:
        """What stands in the field."""
        return self.query_one("#value", Input).value.strip()


class ChooseGate(GateModal):
    """One of several ways. Enter in the list goes to the button that says which."""

    def question(self) -> ComposeResult:
        """The ways."""
        yield OptionList(*(Content(safe(label)) for label in self._labels), id="ways", compact=True)

    @property
    def _labels(self) -> tuple[str, ...]:
        return tuple(option.label for option in self.action.options) if isinstance(self.action, ChooseAction) else ()

    def choices(self) -> ComposeResult:
        """One, which names what is chosen."""
        yield Choice(self.offered[0].label, id="chosen")

    @property
    def _index(self) -> int | None:
        return self.query_one("#ways", OptionList).highlighted

    def may(self, answer: str) -> bool:
        """Something must be chosen."""
        return super().may(answer) and self._index is not None

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        if self._index is not None:
            self.query_one("#chosen", Choice).says(f"{self.offered[0].label}: {self._labels[self._index]}")
        self.judge()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#chosen", Button).focus()

    @on(Button.Pressed, "#chosen")
    def _given(self) -> None:
        if self._index is not None:
            self.give(self.offered[0])

    def value(self) -> Json:
        """The label under the cursor."""
        return None if self._index is None else self._labels[self._index]
