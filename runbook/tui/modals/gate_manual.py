"""Gates for what people do with their own hands: one deed, or a list of items."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, OptionList

from runbook.core.host import Json
from runbook.core.planned.action import ChecklistAction
from runbook.core.run import Run
from runbook.tui.modals.gate import GateModal
from runbook.view.sanitize import safe


class ManualGate(GateModal):
    """Somebody did it, could not, or will not. Done comes last: it is the one that goes on."""


class ChecklistGate(GateModal):
    """Items, ticked or waived one by one. The cursor goes on to the next open item after each."""

    def question(self) -> ComposeResult:
        """The items."""
        yield OptionList(*self._rows(), id="items", compact=True)

    def show(self, run: Run, now: float) -> None:
        """Draw who ticked what."""
        super().show(run, now)
        if self.query("#items") and self.gate.is_open:
            items = self.query_one("#items", OptionList)
            for number, row in enumerate(self._rows()):
                items.replace_option_prompt_at_index(number, row)
            if items.highlighted is None or self._is_answered(items.highlighted):
                items.highlighted = next((n for n in range(items.option_count) if not self._is_answered(n)), 0)

    def may(self, answer: str) -> bool:
        """Only an item that is still open."""
        number = self._number
        return super().may(answer) and number is not None and not self._is_answered(number)

    @property
    def _number(self) -> int | None:
        return self.query_one("#items", OptionList).highlighted

    def _is_answered(self, number: int) -> bool:
        return any(answer.given.value == number for answer in self.gate.answers)

    def _rows(self) -> list[Content]:
        if not isinstance(self.action, ChecklistAction):
            return []
        given = {answer.given.value: answer.given for answer in self.gate.answers}
        rows = []
        for number, item in enumerate(self.action.items):
            answer = given.get(number)
            box = "[ ]" if answer is None else "[x]" if answer.answer == "tick" else "[-]"
            who = f"  {answer.answer} by {answer.by.name}" if answer else f"  ({item.owner})" if item.owner else ""
            rows.append(Content(safe(f"{box} {item.item}{who}")))
        return rows

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self.judge()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#tick", Button).focus()

    def value(self) -> Json:
        """The item under the cursor."""
        return self._number
