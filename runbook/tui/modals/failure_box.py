"""The menu of a failed step as one widget that takes every key itself, in the order in which they were pressed.

Nothing moves the focus from one widget to another between two keys, because what was typed fast would then arrive at
the wrong one. The first Enter only unfolds what a choice would reach; an Enter that was pressed before that had been
read does nothing and says so, while letters go where they were meant to go. Nothing here sends: whoever holds this box
is told.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from runbook.feed.feed import OutputLine
from runbook.tui.actions import bindings
from runbook.tui.messages import Seen
from runbook.tui.modals.failure_rows import Line, Stand, lines, moved, needed
from runbook.tui.widgets.rows import Row, Rows
from runbook.view.asking.failure import FailureMenu
from runbook.view.asking.ways import Way

_KEYS = 1
"""Rows of the keys at the foot."""
_LONGEST = 500
"""Characters of a reason."""
_TOO_SOON = "That Enter came before this could be read: press it again."


class FailureBox(Rows):
    """Who failed, what they said, and the choices."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("decide")
    ALLOW_SELECT: ClassVar[bool] = False
    """A click moves; Textual would begin a selection in a box that the same click has drawn anew."""

    class Chosen(Message):
        """Somebody has done the second act of a way."""

        def __init__(self, way: Way, reason: str) -> None:
            """Say which, and why they did; the reason is empty where none was given."""
            self.way = way
            self.reason = reason
            super().__init__()

    class Closed(Message):
        """Not now."""

    class Asked(Message):
        """Somebody wants to see what is sent, or what another host said."""

        def __init__(self, what: str) -> None:
            """`commands` or `next`."""
            self.what = what
            super().__init__()

    def __init__(self, menu: FailureMenu, *, pause: float) -> None:
        """`pause`: seconds for which an unfolded choice must have been seen before Enter does it."""
        super().__init__()
        self.menu = menu
        self.stand = Stand()
        self._pause = pause
        self._takes_enter_at = math.inf
        self._is_sent = False

    # --- what is shown ------------------------------------------------------------------------------------------------

    def show(self, menu: FailureMenu, *, speaker: str, spoken: tuple[OutputLine, ...], sent: tuple[Row, ...]) -> None:
        """The menu as it is now; whoever stands somewhere in it stays there."""
        self.menu = menu
        self.stand = replace(self.stand, speaker=speaker, spoken=spoken, sent=sent)
        self._fit()

    def refused(self, text: str) -> None:
        """It was not granted; or, with no text, it was, and the box will close."""
        self._is_sent = not text
        self.stand = replace(self.stand, notice=text)
        self._fit()

    def _fit(self) -> None:
        """As tall as it needs to be, and no taller than its window."""
        room = self._room
        rows = max(1, min(room, needed(self.menu, self.stand, self.size.width)))
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
        self.refresh()

    @property
    def _room(self) -> int:
        below = self.parent.gutter.bottom if isinstance(self.parent, Widget) else 0
        # After a resize it may stand above the window's top, too tall for it: that is no room.
        return max(1, self.screen.size.height - max(0, self.region.y) - below - _KEYS)

    def on_resize(self) -> None:
        """Another window has other room."""
        self._fit()

    @property
    def count(self) -> int:
        """Rows in sight."""
        return self.size.height

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        drawn = self._laid
        if y >= len(drawn):
            return Strip.blank(self.size.width, self.rich_style)
        return self.strip(drawn[y].row, self.size.width, here=drawn[y].way == self.stand.cursor)

    @property
    def _laid(self) -> tuple[Line, ...]:
        return lines(self.menu, self.stand, self.size.width, self.size.height)

    # --- keys ---------------------------------------------------------------------------------------------------------

    @property
    def way(self) -> Way | None:
        """The chosen one; None at "not now"."""
        return self.menu.ways[self.stand.cursor - 1] if self.stand.cursor else None

    @property
    def is_writing(self) -> bool:
        """Letters are text now."""
        return self.stand.is_open and self.way is not None and bool(self.way.needs_reason or self.way.word)

    @property
    def takes_enter(self) -> bool:
        """The unfolded choice has been painted; when its pause is over, Enter does it."""
        return self.stand.is_open and self._takes_enter_at < math.inf

    def on_key(self, event: events.Key) -> None:
        """Every key that means something here goes no further."""
        if self._is_sent:
            event.stop()  # what was chosen is on its way
        elif (self.is_writing and self._write(event)) or self._steer(event):
            event.stop()
            self._fit()

    def on_paste(self, event: events.Paste) -> None:
        """Into the field, where there is one."""
        event.stop()
        if self.is_writing:
            self._put(" ".join(event.text.split()))
            self._fit()

    def _write(self, event: events.Key) -> bool:
        match event.key:
            case "backspace":
                self._type(self.stand.typed[:-1])
            case "ctrl+u":
                self._type("")
            case "ctrl+w":
                self._type(self.stand.typed.rstrip().rpartition(" ")[0])
            case _ if event.is_printable and event.character:
                self._put(event.character)
            case _:
                return False
        return True

    def _put(self, text: str) -> None:
        self._type((self.stand.typed + text)[:_LONGEST])

    def _type(self, text: str) -> None:
        self.stand = replace(self.stand, typed=text, notice="")

    def _steer(self, event: events.Key) -> bool:
        last = len(self.menu.ways)
        match event.key:
            case "up" | "k":
                self._go(max(0, self.stand.cursor - 1))
            case "down" | "j":
                self._go(min(last, self.stand.cursor + 1))
            case "home" | "g":
                self._go(0)
            case "end" | "G":
                self._go(last)
            case "enter":
                self.action_enter(event.time)
            case "escape":
                self._escape()
            case "v":
                self.action_commands()
            case "tab" | "shift+tab":
                self.action_next_host()
            case key if key.isdecimal():
                self.action_choose(int(key))
            case _:
                return False
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What other lists do with their keys is not done here."""
        del parameters
        return action in {"choose", "enter", "next_host", "commands"}

    def action_choose(self, number: int = 0) -> None:
        """To a way, by its number from 1; there may be none of it."""
        if 1 <= number <= len(self.menu.ways):
            self._go(number)

    def action_commands(self) -> None:
        """Ask for what was sent."""
        self.post_message(self.Asked("commands"))

    def action_next_host(self) -> None:
        """Ask for what another host said."""
        self.post_message(self.Asked("next"))

    def _go(self, cursor: int) -> None:
        if cursor != self.stand.cursor:
            self.stand = moved(self.stand, cursor)

    def _escape(self) -> None:
        if self.stand.is_open:
            self.stand = moved(self.stand, self.stand.cursor)
        else:
            self.post_message(self.Closed())

    def action_enter(self, at: float = 0.0) -> None:
        """Unfold the choice, or do it; `at` is when the key was pressed."""
        way = self.way
        if way is None:
            self.post_message(self.Closed())
        elif not self.stand.is_open:
            self._unfold()
        elif lacking := _lacking(way, self.stand.typed):
            self.stand = replace(self.stand, notice=lacking)
        elif at < self._takes_enter_at:
            self.stand = replace(self.stand, notice=_TOO_SOON)
        else:
            self._is_sent = True
            self.stand = replace(self.stand, notice="")
            self.post_message(self.Chosen(way, _reason(way, self.stand.typed)))

    def _unfold(self) -> None:
        self.stand = replace(self.stand, is_open=True, typed="", notice="")
        self._takes_enter_at = math.inf
        self.call_after_refresh(self._was_seen)

    def _was_seen(self) -> None:
        """Painted: from here it is read."""
        self._takes_enter_at = Seen().time + self._pause

    def on_click(self, event: events.Click) -> None:
        """A click moves and never answers; what `Rows` would do with it is of other rows than these."""
        event.prevent_default()
        event.stop()
        drawn = self._laid
        if event.y < len(drawn) and drawn[event.y].way >= 0 and not self._is_sent:
            self._go(drawn[event.y].way)
            self._fit()


def _lacking(way: Way, typed: str) -> str:
    """What is still missing before it may be done; empty when nothing is."""
    if way.needs_reason:
        return "" if typed.strip() else "It goes on record with a reason: type it."
    word = way.word
    return "" if not word or typed == word or typed.startswith(f"{word} ") else f'Type "{word}" letter for letter.'


def _reason(way: Way, typed: str) -> str:
    """A reason may be written behind the word."""
    return (typed.removeprefix(way.word) if way.word else typed).strip()
