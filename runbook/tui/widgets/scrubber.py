"""The time axis of a replay: where it is, what is worth jumping to, how fast it runs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from textual import events
from textual.message import Message
from textual.strip import Strip

from runbook.core.events.event import StepEntered
from runbook.feed.feed import Replay
from runbook.tui.widgets.rows import Part, Row, Rows, fit
from runbook.view.sanitize import safe
from runbook.view.timeline import TimeMark, event_marks
from runbook.view.words import duration

_LETTERS = {"failure": "X", "halt": "H", "milestone": "M", "gate": "g", "answer": "A"}
"""The gravest first: where two marks share a cell, that one is drawn."""
_COLOURS = {"failure": "bad", "halt": "unk", "milestone": "ok", "gate": "you", "answer": "you"}


_TROUBLE = ("gate", "failure", "halt")
"""Marks that one goes to by a key; the others are seen, and told when one stands on them."""
_FRONT = 2
"""Cells in front of the bar."""
_COPIED = 200
"""Cells of the words when they are copied."""
_NUDGE = 5.0
"""Seconds of one turn of the wheel, or of a key up or down."""


class Scrubber(Rows):
    """The bar. A click on it goes there, dragging takes the moment along."""

    class Sought(Message):
        """Somebody asks for another moment."""

        def __init__(self, at: float) -> None:
            """Say which, in seconds since the run was opened."""
            self.at = at
            super().__init__()

        def can_replace(self, message: Message) -> bool:
            """Only where the mouse is now is of interest."""
            return isinstance(message, Scrubber.Sought)

    def __init__(self, replay: Replay, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Read the marks of the whole record once."""
        super().__init__(id=id)
        self._replay = replay
        self._marks = tuple(sorted(event_marks(replay.entries), key=lambda mark: mark.at))
        self._times = [mark.at for mark in self._marks]
        self._trouble = [mark.at for mark in self._marks if mark.kind in _TROUBLE]
        self._steps = [entry.at for entry in replay.entries if isinstance(entry.event, StepEntered)]
        self._is_dragged = False

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def has_cursor(self) -> bool:
        """It is no list."""
        return False

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        width = self.size.width
        return self.strip(self.row(y, width), width) if y < self.count else Strip.blank(width, self.rich_style)

    def row(self, index: int, width: int) -> Row:
        """The bar."""
        del index
        return self._bar(width)

    def said_here(self) -> Part:
        """What is marked at this moment, or shortly before it."""
        near = self.mark_near(self._replay.position)
        return Part(near.text, _COLOURS[near.kind]) if near else Part("")

    def _words(self, width: int) -> Row:
        replay = self._replay
        state = f"> x{replay.speed:g}" if replay.playing else "||"
        times = f"{duration(replay.position)} / {duration(replay.length)}"
        near = self.mark_near(replay.position)
        said = f"  {near.text}" if near else ""
        head = f" {state:<5} {times}   event {replay.run.seq + 1:,} of {replay.total:,} "
        colour = _COLOURS[near.kind] if near else "text"
        return (Part(head, attributes=("bold",)), Part(fit(said, max(0, width - len(head))), colour))

    def _bar(self, width: int) -> Row:
        cells = self._bar_cells(width)
        kinds: list[str] = [""] * cells
        for kind in reversed(_LETTERS):
            for mark in self._marks:
                if mark.kind == kind:
                    kinds[self._cell(mark.at, cells)] = kind
        here = self._cell(self._replay.position, cells)
        drawn = [Part(_LETTERS.get(kind, "-"), _COLOURS.get(kind, "dim")) for kind in kinds]
        drawn[here] = Part("o", "live", ("bold", "reverse"))
        # Focus is shown by the frame of the bar: it has no heading that could show it.
        look = ("live", ("bold", "reverse")) if self.has_focus else ("text", ())
        return (Part(" [", *look), *drawn, Part("]", *look))

    @staticmethod
    def _bar_cells(width: int) -> int:
        return max(4, width - _FRONT - 1)

    def _cell(self, at: float, cells: int) -> int:
        share = at / self._replay.length if self._replay.length > 0 else 0.0
        return max(0, min(cells - 1, int(share * cells)))

    # --- marks --------------------------------------------------------------------------------------------------------

    def mark_near(self, at: float) -> TimeMark | None:
        """The mark that stands exactly at a moment; None when none does."""
        index = bisect_left(self._times, at)
        return self._marks[index] if index < len(self._marks) and self._times[index] == at else None

    def trouble_from(self, at: float, direction: int) -> float | None:
        """The moment of the next gate or failure (or, with -1, of the one before); None when there is none."""
        return _next(self._trouble, at, direction)

    def step_from(self, at: float, direction: int) -> float | None:
        """The moment in which the next step begins (or, with -1, in which one before began)."""
        return _next(self._steps, at, direction)

    # --- keys and mouse -----------------------------------------------------------------------------------------------

    def action_up(self) -> None:
        """A little back."""
        self._seek(self._replay.position - _NUDGE)

    def action_down(self) -> None:
        """A little on."""
        self._seek(self._replay.position + _NUDGE)

    def action_page_up(self) -> None:
        """A tenth back."""
        self._seek(self._replay.position - self._replay.length / 10)

    def action_page_down(self) -> None:
        """A tenth on."""
        self._seek(self._replay.position + self._replay.length / 10)

    def action_first(self) -> None:
        """To the beginning."""
        self._seek(0.0)

    def action_last(self) -> None:
        """To the end."""
        self._seek(self._replay.length)

    def action_open(self) -> None:
        """Nothing is behind it."""

    def action_copy(self) -> None:
        """Copy what stands there in words."""
        self.post_message(self.Copied(safe("".join(part.text for part in self._words(_COPIED))), "this moment"))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go where the bar is touched, and along with the mouse from there."""
        if event.y == 0:
            self._is_dragged = True
            self.capture_mouse()
            self._touched(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Along with the mouse."""
        if self._is_dragged:
            self._touched(event.x)

    def on_mouse_up(self) -> None:
        """Stay there."""
        self._is_dragged = False
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """A little back."""
        event.stop()
        self.action_up()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """A little on."""
        event.stop()
        self.action_down()

    def on_click(self, event: events.Click) -> None:
        """The press has done it."""
        event.stop()

    def _touched(self, x: int) -> None:
        cells = self._bar_cells(self.size.width)
        share = max(0.0, min(1.0, (x - _FRONT) / max(1, cells - 1)))
        self._seek(share * self._replay.length)

    def _seek(self, at: float) -> None:
        self.post_message(self.Sought(at))


def _next(times: list[float], at: float, direction: int) -> float | None:
    index = bisect_right(times, at) if direction > 0 else bisect_left(times, at) - 1
    return times[index] if 0 <= index < len(times) else None
