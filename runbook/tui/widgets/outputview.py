"""The output of one host, read from the record line by line as it comes into sight. No text is kept here.

Memory and speed therefore do not depend on how much a host says: the widget knows a host's name and how many lines
there are, and asks the feed for the forty that the window shows. Following is an explicit state: any move upwards ends
it, and only a key (or the end of the list) begins it again, because a view that runs away while somebody reads an
error is worse than one that is behind. What was written is shown sanitised; the record keeps the bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from runbook.engine.feed import Output, OutputLine
from runbook.tui.actions import bindings
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.sanitize import safe, safe_row
from runbook.view.words import plural

SCAN = 2000
"""Lines read in one go while looking for an error; bounds how long a key can take."""
AHEAD = 8
"""Columns of one step sideways."""


class OutputView(Rows):
    """A window on a host's output."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("output")
    follow: reactive[bool] = reactive(True, repaint=False)
    """The newest line is kept in sight."""
    offset_x: reactive[int] = reactive(0)
    """Cells scrolled sideways."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin with nothing to show."""
        super().__init__(id=id)
        self.host = ""
        self._output: Output | None = None
        self._known = 0
        self._seen = 0
        self._window: tuple[int, tuple[OutputLine, ...]] = (0, ())
        """First number and lines of what is in sight, read once for a frame and forgotten when output arrives."""

    def show(self, output: Output, host: str) -> None:
        """Show this host from now on, following it."""
        self._output = output
        self.host = host
        self._known = self._seen = output.count(host) if host else 0
        self.follow = True
        self.offset_x = 0
        self.refresh_count()

    def refresh_count(self) -> None:
        """Ask how many lines there are now: the only thing that is asked when output arrives."""
        if self._output is None:
            return
        self._window = (0, ())
        self._known = self._output.count(self.host) if self.host else 0
        if self.virtual_size.height != self._known:
            self.virtual_size = Size(0, self._known)
        if self.follow:
            self._to_end()
        self._head()
        self.refresh()

    @property
    def count(self) -> int:
        """Lines known."""
        return self._known

    @property
    def unseen(self) -> int:
        """Lines that came since following ended."""
        return max(0, self._known - self._seen)

    def row(self, index: int, width: int) -> Row:
        """Line `index`, cut to the window."""
        line = self._line(index)
        return self._parts(line, width) if line else (Part("(not readable)", "grey"),)

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        if self._known == 0 and y == 0:
            said = f"nothing from {self.host} yet" if self.host else "no host chosen"
            return self.strip((Part(f"  {said}", "grey"),), self.size.width)
        return super().render_line(y)

    def _line(self, index: int) -> OutputLine | None:
        """Read the whole window once for all its lines; None where the record cannot be read."""
        start, lines = self._window
        if self._output and not start <= index < start + len(lines):
            height = max(1, self.size.height)
            start = max(self.scroll_offset.y, index - height + 1) if index >= self.scroll_offset.y else index
            lines = self._output.lines(self.host, start, height)
            self._window = (start, lines)
        return lines[index - start] if 0 <= index - start < len(lines) else None

    def _parts(self, line: OutputLine, width: int) -> Row:
        is_error = line.stream == "err"
        head = f"{stamp(line.at):>8} {'ERR' if is_error else 'out'} "
        text = shown(line.data)
        body = _cut(_from_cell(text, self.offset_x), max(0, width - len(head) - 1))
        look = Part(body, "vermillion") if is_error else Part(body)
        return (Part(head, "vermillion" if is_error else "grey", ("bold",) if is_error else ()), Part(" "), look)

    def _head(self) -> None:
        state = "FOLLOW" if self.follow else f"FOLLOW off - {self.unseen:,} new below"
        self.heading(
            f"3 Output {safe(self.host)} - {plural(self._known, 'line')} - {state}" if self.host else "3 Output"
        )

    # --- following ----------------------------------------------------------------------------------------------------

    def keep_in_sight(self) -> None:
        """Following goes on at the end, whatever the size."""
        if self.follow:
            end = max(0, self._known - self.scrollable_content_region.height)
            # Forced, because a list that has just outgrown its window has no scrollbar yet.
            self.scroll_to(y=end, animate=False, immediate=True, force=True)
        else:
            super().keep_in_sight()

    def _to_end(self) -> None:
        self._seen = self._known
        with self.prevent(Rows.Moved):
            self.cursor = max(0, self._known - 1)
        self.keep_in_sight()

    def watch_follow(self) -> None:
        """Say it, and catch up."""
        if self.follow:
            self._to_end()
        self._head()
        self.refresh()

    def _release(self) -> None:
        if self.follow:
            self._seen = self._known
            self.follow = False

    def action_follow(self) -> None:
        """Follow, or stop following."""
        if self.follow:
            self._release()
        else:
            self.follow = True

    def action_up(self) -> None:
        """One line up; ends following."""
        self._release()
        super().action_up()

    def action_page_up(self) -> None:
        """One page up; ends following."""
        self._release()
        super().action_page_up()

    def action_first(self) -> None:
        """To the first line; ends following."""
        self._release()
        super().action_first()

    def action_last(self) -> None:
        """To the newest line, and follow."""
        self.follow = True

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """The wheel upwards ends following; the scrolling itself is the widget's own."""
        self._release()

    def action_left(self) -> None:
        """Sideways."""
        self.offset_x = max(0, self.offset_x - AHEAD)

    def action_right(self) -> None:
        """Sideways."""
        self.offset_x += AHEAD

    # --- errors -------------------------------------------------------------------------------------------------------

    def action_next_fault(self) -> None:
        """To the next line of standard error."""
        self._find(1)

    def action_fault_before(self) -> None:
        """To the line of standard error before."""
        self._find(-1)

    def _find(self, direction: Literal[1, -1]) -> None:
        if self._output is None:
            return
        start = self.cursor + 1 if direction > 0 else max(0, self.cursor - SCAN)
        length = SCAN if direction > 0 else self.cursor - start
        hits = [line.number for line in self._output.lines(self.host, start, length) if line.stream == "err"]
        if hits:
            self._release()
            self.cursor = hits[0] if direction > 0 else hits[-1]


@lru_cache(maxsize=512)
def shown(data: bytes) -> str:
    """A line's bytes as text for a terminal. The cache holds a few screens, so repainting costs no sanitising."""
    return safe_row(data)


def stamp(at: float) -> str:
    """Seconds since the run was opened as `1:02.3`; a run of hours has minutes above 60."""
    minutes, seconds = divmod(max(0.0, at), 60)
    return f"{int(minutes)}:{seconds:04.1f}"


def _from_cell(text: str, start: int) -> str:
    """Text from a cell on; a wide character that is cut in half leaves a space."""
    if start <= 0:
        return text
    if text.isascii():
        return text[start:]
    passed = 0
    for position, char in enumerate(text):
        if passed >= start:
            return " " * (passed - start) + text[position:]
        passed += cell_len(char)
    return ""


def _cut(text: str, cells: int) -> str:
    """The first so many cells of text."""
    if text.isascii():
        return text[:cells]
    used = 0
    for position, char in enumerate(text):
        used += cell_len(char)
        if used > cells:
            return text[:position]
    return text
