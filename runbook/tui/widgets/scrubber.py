"""The time axis of a replay: where it is, what is worth jumping to, how fast it runs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from textual import events
from textual.message import Message
from textual.strip import Strip

from runbook.engine.feed import Replay
from runbook.tui.widgets.rows import Part, Row, Rows, fit
from runbook.view.timeline import TimeMark, event_marks
from runbook.view.words import duration

_LETTERS = {"failure": "X", "halt": "H", "milestone": "M", "gate": "g", "answer": "A"}
"""The gravest first: where two marks share a cell, that one is drawn."""
_COLOURS = {"failure": "vermillion", "halt": "blue", "milestone": "green", "gate": "yellow", "answer": "yellow"}


class Scrubber(Rows, can_focus=False):
    """Two rows: words, and the bar. A click on the bar goes there."""

    class Sought(Message):
        """Somebody clicked on the bar."""

        def __init__(self, share: float) -> None:
            """Say where: 0 is the beginning, 1 the end."""
            self.share = share
            super().__init__()

    def __init__(self, replay: Replay, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Read the marks of the whole record once."""
        super().__init__(id=id)
        self._replay = replay
        self._marks = tuple(sorted(event_marks(replay.entries), key=lambda mark: mark.at))
        self._times = [mark.at for mark in self._marks]

    @property
    def count(self) -> int:
        """Two."""
        return 2

    @property
    def has_cursor(self) -> bool:
        """It is no list."""
        return False

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        width = self.size.width
        return self.strip(self.row(y, width), width) if y < self.count else Strip.blank(width, self.rich_style)

    def row(self, index: int, width: int) -> Row:
        """Words, then the bar."""
        return self._words(width) if index == 0 else self._bar(width)

    def _words(self, width: int) -> Row:
        replay = self._replay
        state = f"> x{replay.speed:g}" if replay.playing else "||"
        times = f"{duration(replay.position)} / {duration(replay.length)}"
        near = self.mark_near(replay.position)
        said = f"  {near.text}" if near else ""
        head = f" {state:<5} {times}   event {replay.run.seq + 1:,} of {replay.total:,} "
        colour = _COLOURS[near.kind] if near else "plain"
        return (Part(head, attributes=("bold",)), Part(fit(said, max(0, width - len(head))), colour))

    def _bar(self, width: int) -> Row:
        cells = max(4, width - 3)
        kinds: list[str] = [""] * cells
        for kind in reversed(_LETTERS):
            for mark in self._marks:
                if mark.kind == kind:
                    kinds[self._cell(mark.at, cells)] = kind
        here = self._cell(self._replay.position, cells)
        drawn = [Part(_LETTERS.get(kind, "-"), _COLOURS.get(kind, "grey")) for kind in kinds]
        drawn[here] = Part("o", "sky", ("bold", "reverse"))
        return (Part(" ["), *drawn, Part("]"))

    def _cell(self, at: float, cells: int) -> int:
        share = at / self._replay.length if self._replay.length > 0 else 0.0
        return max(0, min(cells - 1, int(share * cells)))

    # --- marks --------------------------------------------------------------------------------------------------------

    def mark_near(self, at: float) -> TimeMark | None:
        """The mark that stands exactly at a moment; None when none does."""
        index = bisect_left(self._times, at)
        return self._marks[index] if index < len(self._marks) and self._times[index] == at else None

    def mark_from(self, at: float, direction: int) -> float | None:
        """The moment of the next mark (or, with -1, of the one before); None when there is none."""
        index = bisect_right(self._times, at) if direction > 0 else bisect_left(self._times, at) - 1
        return self._times[index] if 0 <= index < len(self._times) else None

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was clicked."""
        event.stop()
        if event.y == 1 and self.size.width > 3:  # noqa: PLR2004 - the bar's own frame
            self.post_message(self.Sought(max(0.0, min(1.0, (event.x - 2) / (self.size.width - 3)))))
