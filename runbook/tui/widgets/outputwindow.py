"""What is in sight of one host's output: lines read as they come into the window, cut to it or broken. No text is kept.

Memory and speed therefore do not depend on how much a host says: the widget knows a host's name and how many lines
there are, and asks the feed for the forty that the window shows. What was written is shown sanitised; the record keeps
the bytes. Where the window goes is `outputview.py`'s business.

Scrolling counts lines, never rows, also when long lines are broken: how many rows a million lines take at some width
need not be known to show the twenty of them that are in sight.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import reactive

from runbook.feed.feed import Output, OutputLine
from runbook.tui.search import Search
from runbook.tui.widgets.outputline import Spans, cut_line, rows_of, run_time, shown, wrapped_line
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.look.numbers import Wall


class OutputWindow(Rows):
    """Lines of a host's output."""

    offset_x: reactive[int] = reactive(0)
    """Cells scrolled sideways; of no effect while long lines are broken."""
    wraps: reactive[bool] = reactive(False)
    """Long lines go on in the next row."""
    marked: reactive[int | None] = reactive(None)
    """Where a selection began; it reaches to the cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin with nothing to show."""
        super().__init__(id=id)
        self.host = ""
        self.shows_wall = True
        """Lines carry their wall time, in UTC; otherwise the time since the run was opened."""
        self._wall = Wall("")
        self.search: Search | None = None
        """What stands out in the lines."""
        self._output: Output | None = None
        self._known = 0
        self._window: tuple[int, tuple[OutputLine, ...]] = (0, ())
        """First number and lines of what is in sight, read once for a frame and forgotten when output arrives."""
        self._broken: tuple[object, tuple[tuple[int, Row], ...]] = (None, ())
        """The rows in sight with the numbers of their lines, and what they were made for."""

    @property
    def count(self) -> int:
        """Lines known."""
        return self._known

    @property
    def selection(self) -> range:
        """Numbers of the lines that are selected; without a selection the one with the cursor."""
        marked = self.cursor if self.marked is None else self.marked
        return range(min(marked, self.cursor), max(marked, self.cursor) + 1)

    # --- drawing ------------------------------------------------------------------------------------------------------

    def row(self, index: int, width: int) -> Row:
        """Line `index`, cut to the window."""
        line = self._line(index)
        if line is None:
            return (Part("(not readable)", "dim"),)
        row = cut_line(line, self._spans(line), width, start=self.offset_x, stamp=self.stamp)
        return self._chosen(index, row)

    def stamp(self, at: float) -> str:
        """A moment as it stands in front of a line."""
        return self._wall.millis(at) if self.shows_wall else run_time(at)

    def line_at(self, y: int, width: int) -> tuple[Row, bool]:
        """What stands in a line of the window; a line that is broken takes several."""
        if self._known == 0 and y == self.front:
            said = f"nothing from {self.host} yet" if self.host else "no host chosen"
            return (*self._fence(), Part(f"  {said}", "dim")), False
        if not self.wraps or y < self.front:
            return super().line_at(y, width)
        rows = self._rows_in_sight()
        if y - self.front >= len(rows):
            return self._fence(), False
        index, row = rows[y - self.front]
        here = index == self.cursor
        return (*self._fence(), *self._cursor_cell(here=here), *row), here

    def _rows_in_sight(self) -> tuple[tuple[int, Row], ...]:
        """Broken lines from the top of the window on; made once for a frame."""
        top, height = int(self.scroll_offset.y), self._room
        wanted = self.search.wanted if self.search else ""
        made_for = (top, height, self._width, self._window, wanted, self.marked, self.cursor)
        if self._broken[0] != made_for:
            rows: list[tuple[int, Row]] = []
            index = top
            while len(rows) < height and (line := self._line(index)):
                broken = wrapped_line(line, self._spans(line), self._width, self.stamp)
                rows += [(index, self._chosen(index, row)) for row in broken]
                index += 1
            made_for = (*made_for[:3], self._window, *made_for[4:])
            self._broken = (made_for, tuple(rows[:height]))
        return self._broken[1]

    def _line(self, index: int) -> OutputLine | None:
        """Read the whole window once for all its lines; None where the record cannot be read."""
        start, lines = self._window
        if self._output and not start <= index < start + len(lines):
            height, top = max(1, self._room), int(self.scroll_offset.y)
            start = max(top, index - height + 1) if index >= top else index
            lines = self._output.lines(self.host, start, height)
            self._window = (start, lines)
        return lines[index - start] if 0 <= index - start < len(lines) else None

    def _spans(self, line: OutputLine) -> Spans:
        return self.search.spans(shown(line.data)) if self.search else ()

    def _chosen(self, index: int, row: Row) -> Row:
        """A line of the selection has its time reversed."""
        if self.marked is None or index not in self.selection:
            return row
        return (Part(row[0].text, "live", ("reverse",)), *row[1:])

    # --- scrolling ----------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        """Say how far one can scroll. Broken lines need room below, so that the last one can stand at the top."""
        height = self._room
        below = height - 1 if self.wraps and self._known > self._fitting(height) else 0
        size = Size(0, self._known + self.front + max(0, below))
        if self.virtual_size != size:
            self.virtual_size = size

    def _fitting(self, height: int) -> int:
        """How many lines fit when they are all in sight; 0 when they are not."""
        if self._known > height or self._output is None:
            return 0
        used = sum(rows_of(line, self._width) for line in self._output.lines(self.host, 0, self._known))
        return self._known if used <= height else 0

    @property
    def _width(self) -> int:
        """Cells of a line, without the fence and the cursor."""
        return self._cells - int(self.is_fenced) - 1

    @property
    def _room(self) -> int:
        """Lines that are in sight."""
        return max(0, self.size.height - self.front)

    def keep_in_sight(self) -> None:
        """Scroll as little as it takes."""
        if self.wraps:
            self._put_on_top(self._top_for(self.cursor))
        else:
            super().keep_in_sight()

    def _put_on_top(self, top: int) -> None:
        # Forced, because a list that has just outgrown its window has no scrollbar yet.
        self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def _top_for(self, line: int) -> int:
        """The line to stand at the top so that broken `line` is in sight: the present one if that will do."""
        top, height = int(self.scroll_offset.y), self._room
        if line < top or self._output is None:
            return line
        first = max(0, line - height + 1)
        used = 0
        for each in reversed(self._output.lines(self.host, first, line - first + 1)):
            used += rows_of(each, self._width)
            if used > height:
                return max(top, min(line, each.number + 1))
        return max(top, first)

    def index_at(self, y: int) -> int:
        """The line in a row of the window."""
        rows = self._rows_in_sight() if self.wraps else ()
        return rows[y - self.front][0] if 0 <= y - self.front < len(rows) else super().index_at(y)

    def on_resize(self) -> None:
        """Other widths break lines elsewhere."""
        self._measure()
        super().on_resize()
