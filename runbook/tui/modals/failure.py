"""The menu after a failed step. Every entry says what it does; the first decides nothing."""

from __future__ import annotations

from typing import Literal, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from runbook.core.intent import ResolveFailure
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.keylock import Choice
from runbook.tui.modals.reason import Reason

ChoiceId = Literal["retry", "retry_failed", "accept", "skip", "exclude", "rollback", "abort"]

SAYS: dict[str, tuple[str, str]] = {
    "retry": ("Retry", "run the step again on all of its hosts"),
    "retry_failed": ("Retry the failed hosts", "run it again only where it did not succeed"),
    "accept": ("Accept as done", "you looked: it did happen; with a reason"),
    "skip": ("Go on without it", "it stays failed, the run goes on; with a reason"),
    "exclude": ("Exclude the failed hosts", "they take no further part; with a reason"),
    "rollback": ("Roll back", "undo what ran, in reverse order; with a reason"),
    "abort": ("Abort the run", "only the closing steps follow; with a reason"),
}
"""For each choice its name and what follows."""

_AT_ONCE = frozenset({"retry", "retry_failed"})
"""Choices that need no reason: they only try again."""


class FailureGate(GateModal):
    """A list, and a button that does what the list says."""

    def question(self) -> ComposeResult:
        """What is offered, in the runner's order."""
        yield OptionList(*(Option(_label(choice), id=choice) for choice in self._offered), id="menu", compact=True)

    @property
    def _offered(self) -> tuple[str, ...]:
        return tuple(choice for choice in self.gate.opened.choices if choice in SAYS)

    def choices(self) -> ComposeResult:
        """One, which names what is chosen."""
        yield Choice("Do it", id="do")

    def may(self, answer: str) -> bool:
        """Something must be chosen."""
        return super().may(answer) and self._chosen is not None

    @property
    def _chosen(self) -> str | None:
        index = self.query_one("#menu", OptionList).highlighted
        return None if index is None else self._offered[index]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        if self._chosen:
            dots = "" if self._chosen in _AT_ONCE else " ..."
            self.query_one("#do", Choice).says(f"{SAYS[self._chosen][0]}{dots}")
        self.judge()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#do", Button).focus()

    @on(Button.Pressed, "#do")
    def _pressed(self) -> None:
        choice = self._chosen
        if choice in _AT_ONCE:
            self._resolve(choice, "")
        elif choice is not None:
            name, follows = SAYS[choice]
            question = Reason(name, f"{name}: {follows.removesuffix('; with a reason')}.", verb=name)
            question.lock_seconds = self.lock_seconds
            self.app.push_screen(question, lambda reason: self._resolve(choice, reason) if reason else None)

    def _resolve(self, choice: str, reason: str) -> None:
        step = self.gate.opened.step
        self.send(ResolveFailure(step=step, choice=cast("ChoiceId", choice), reason=reason))


def _label(choice: str) -> Content:
    name, follows = SAYS[choice]
    return Content(f"{name:<26}{follows}")
