"""A question that cannot be answered by accident.

Somebody who types while a question opens must not answer it. So a question takes no key, click or paste that was made
before it had been painted for a second, also when such a key is still waiting in a queue: what counts is when it was
made, and terminals and tests alike stamp their events. The lock is the app's to enforce (`RunbookApp.on_event`), since
a screen cannot see the keys that its widgets take first.
"""

from __future__ import annotations

import math
from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, OptionList

from runbook.tui.messages import Seen
from runbook.view.sanitize import safe

LOCK = 1.0
"""Seconds: longer than a word in flight, shorter than reading the first line."""

_LOCKED = "keys are locked for a moment"
_TOO_EARLY = "what you typed before was not taken"

_FRAME = 4
"""Cells of a button beside its words: the pointer, and one at each side."""

Answer = TypeVar("Answer")


class KeyLock(ModalScreen[Answer]):
    """A modal whose keys are locked at first. Escape gives the safe answer: nothing changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "safe", "not now", tooltip="Close this. Nothing is answered."),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", show=False),
        Binding("pageup", "read(-1)", show=False),
        Binding("pagedown", "read(1)", show=False),
    ]
    unlocked: ClassVar[str] = "Tab moves, Enter presses"
    """What its keys do, once they do something."""
    lock_seconds: float = LOCK
    """Seconds. Set before it is shown."""

    def __init__(self) -> None:
        """Locked until it has been seen."""
        super().__init__()
        self.unlocks_at = math.inf
        self._was_early = False

    def takes(self, event: events.Event) -> bool:
        """True when the event was made after the lock ended."""
        return event.time >= self.unlocks_at

    def not_taken(self) -> None:
        """Something was typed too early. It did nothing, and nobody shall believe that it did."""
        self._was_early = True
        self._mark(f"{_LOCKED}: {_TOO_EARLY}")

    def on_screen_resume(self) -> None:
        """Shown, or shown again after a question of its own: the lock begins anew with the next frame."""
        self.unlocks_at = math.inf
        self._was_early = False
        self._mark(_LOCKED)
        self.call_after_refresh(self.post_message, Seen())

    def on_seen(self, message: Seen) -> None:
        """Painted: the second begins."""
        self.unlocks_at = message.time + self.lock_seconds
        if self.lock_seconds > 0:
            self.set_timer(self.lock_seconds, self._unlocked)
        else:
            self._unlocked()

    def _mark(self, text: str) -> None:
        for box in self.query(".box"):
            box.border_subtitle = Content(text)

    @staticmethod
    def frame(box: Widget, title: str) -> None:
        """A box's title, never read as markup; and from the first frame on, that it takes no keys yet."""
        box.border_title = Content(safe(title))
        box.border_subtitle = Content(_LOCKED)

    def _unlocked(self) -> None:
        self._mark(f"{_TOO_EARLY}: {self.unlocked}" if self._was_early else self.unlocked)

    def action_choose(self, direction: int) -> None:
        """To the list of a question, where there is one; else as for reading."""
        lists = self.query(OptionList)
        if lists:
            lists.first().focus()
        else:
            self.action_read(direction)

    def action_read(self, direction: int) -> None:
        """Scroll what is said above the question."""
        for said in self.query(".said"):
            said.scroll_relative(y=direction * max(1, said.size.height // 2), animate=False)

    def action_safe(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class Choice(Button):
    """A button of a question; one row high, its label never read as markup."""

    def __init__(self, label: str, *, id: str, off: bool = False) -> None:  # noqa: A002 - textual's own parameter
        """Say what pressing it does; an id names the answer."""
        super().__init__("", id=id, disabled=off, compact=True)
        self._said = Content()
        self.says(label)

    def says(self, label: str) -> None:
        """Say something else; the button is as wide as its words."""
        self._said = Content(safe(label))
        self.styles.width = self._said.cell_length + _FRAME
        self._point(here=self.has_focus)

    def on_focus(self) -> None:
        """Show by a shape, and not by colour alone, which button Enter would press."""
        self._point(here=True)

    def on_blur(self) -> None:
        """Another one has the keys."""
        self._point(here=False)

    def _point(self, *, here: bool) -> None:
        self.label = Content("> " if here else "  ") + self._said
