"""A list of rows with a cursor, drawn line by line: the ground that steps, hosts, plans and strips of time share.

It asks its owner for row *n* when row *n* is in sight and keeps nothing, so a list of a million rows costs what the
forty visible ones cost. Rows are made of `Part`s (`view/look`), which keeps every widget built on this free of styles,
and makes it the one place where text becomes cells. All text passes the sanitiser here once more: it is idempotent, and
no caller can forget it.

A title and the names of columns stand above the rows and do not scroll. What is drawn again is what has changed, down
to the cell: a second that ticks costs a terminal at the other end of a slow link a dozen bytes and not a screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from runbook.tui.actions import bindings
from runbook.tui.around import Around
from runbook.tui.widgets.laid import differences, fit, look, mark, noted, safe_cells, wrap
from runbook.view.look.glyphs import UNICODE, Glyphs
from runbook.view.look.part import PLACES, ROLES, Part, Row
from runbook.view.sanitize import safe

__all__ = ["Part", "Row", "Rows", "fit", "look", "mark", "safe_cells", "wrap"]

_COPIED_CELLS = 200
"""How wide a row is when it is copied: its columns are not cut to the window then."""


class Rows(ScrollView, can_focus=True):
    """Rows, a cursor, and the keys of lists. Subclasses say how many rows there are and what row *n* looks like."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"{kind}--{role}" for kind in ("role", "block") for role in ROLES),
        *(f"{kind}--{place}" for kind in ("place", "tint") for place in PLACES),
        "rows--here",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("lists")
    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the row that has the cursor; 0 when there is none."""

    key = ""
    """The digit that goes to this pane; it stands in the title where it is a key."""
    is_numbered = True
    """The digit is a key here."""
    is_fenced = False
    """A line at its left parts it from the pane beside it."""
    glyphs: Glyphs = UNICODE
    """The shapes to draw with; the app's, once it is on a screen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin without a title."""
        super().__init__(id=id)
        self._title: Row = ()
        self._aside: Row = ()
        self._drawn: dict[int, Row] = {}
        """What each line of the window shows now."""
        self._looks: dict[tuple[str, str, tuple[str, ...]], Style] = {}

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, rows: Rows, index: int) -> None:
            """Say whose cursor, and where it is now."""
            self.rows = rows
            self.index = index
            super().__init__()

        @property
        def control(self) -> Rows:
            """The list, for handlers that ask for one by id."""
            return self.rows

    class Opened(Message):
        """Enter was pressed on a row, or it was clicked when it already had the cursor."""

        def __init__(self, rows: Rows, index: int) -> None:
            """Say which row of which list."""
            self.rows = rows
            self.index = index
            super().__init__()

        @property
        def control(self) -> Rows:
            """The list, for handlers that ask for one by id."""
            return self.rows

    class Copied(Message):
        """Somebody wants something in the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            """Carry the text as it is shown, and what it is in a few words."""
            self.text = text
            self.what = what
            super().__init__()

    # --- for subclasses -----------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> Row:
        """Row `index` for so many cells; where there is a cursor, it stands in a cell of its own in front."""
        raise NotImplementedError

    def columns(self, width: int) -> Row:
        """The names of the columns; none by default."""
        del width
        return ()

    def heading(self, name: str, *said: str | Part, aside: Row = ()) -> None:
        """Name the pane in the rule above it, with what is to be known of it, and at the right what can be done."""
        parts = tuple(Part(piece, "dim") if isinstance(piece, str) else piece for piece in said)
        number = (Part(self.key, "live"), Part(" ")) if self.key and self.is_numbered else ()
        self._title, self._aside = (*number, Part(safe(name), "name"), *parts), aside

    def changed(self) -> None:
        """Draw what is different after rows came, went or changed. The cursor stays on its number."""
        height = self.count + self.front
        if self.virtual_size.height != height:
            self.virtual_size = Size(self.virtual_size.width, height)
        if self.cursor >= self.count:
            with self.prevent(self.Moved):
                self.cursor = max(0, self.count - 1)
        self.redraw_changed()

    def forget(self) -> None:
        """Know nothing of what was drawn: it stands elsewhere now."""
        self._drawn.clear()
        self.refresh()

    # --- drawing ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Take the shapes that this terminal can show."""
        self.glyphs = cast("Around", self.app).glyphs

    @property
    def front(self) -> int:
        """Rows above the list that do not scroll: the title, and the names of columns."""
        return int(bool(self._title)) + int(bool(self.columns(self._cells)))

    @property
    def _cells(self) -> int:
        return self.scrollable_content_region.width or self.size.width

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        row, here = self.line_at(y, self._cells)
        self._drawn[y] = noted(row, here=here)
        return self.strip(row, self._cells, here=here)

    def redraw_changed(self) -> None:
        """Ask for those cells that are not as they were drawn."""
        width = self._cells
        regions: list[Region] = []
        for y in range(self.size.height):
            row, here = self.line_at(y, width)
            spans = differences(self._drawn.get(y), noted(row, here=here), width)
            regions += [Region(start, y, end - start, 1) for start, end in spans]
        if regions:
            self.refresh(*regions)

    def line_at(self, y: int, width: int) -> tuple[Row, bool]:
        """What stands in a line of the window, and whether it is the row that has the cursor."""
        if y < self.front:
            row = self._titled(width) if y == 0 and self._title else (*self._fence(), *self.columns(width))
            return row, False
        index = self.index_at(y)
        if not 0 <= index < self.count:
            return self._fence(), False
        here = index == self.cursor and self.has_cursor
        fence = self._fence()
        return (
            *fence,
            *self._cursor_cell(here=here),
            *self.row(index, width - len(fence) - int(self.has_cursor)),
        ), here

    def _fence(self) -> Row:
        return (Part(self.glyphs.column, "faint"),) if self.is_fenced else ()

    def _cursor_cell(self, *, here: bool) -> Row:
        if not self.has_cursor:
            return ()
        return (Part(self.glyphs.cursor if here else " ", "live" if self.has_focus else "dim"),)

    def _titled(self, width: int) -> Row:
        """The rule above the pane: heavy and in the colour of the cursor where the keys go."""
        line, role = (self.glyphs.rule_here, "live") if self.has_focus else (self.glyphs.rule, "faint")
        named = ("strong", ("bold",)) if self.has_focus else ("text", ())
        title = [Part(part.text, *named) if part.role == "name" else part for part in self._title]
        used = sum(cell_len(safe_cells(part.text)) for part in (*title, *self._aside))
        gap = width - used - (6 if self._aside else 3)
        if gap < 1 and self._aside:
            return self._without_aside(width)
        end = (Part(" "), *self._aside, Part(f" {line}", role)) if self._aside else ()
        return (Part(f"{line} ", role), *title, Part(" "), Part(line * max(0, gap), role), *end)

    def _without_aside(self, width: int) -> Row:
        aside, self._aside = self._aside, ()
        row = self._titled(width)
        self._aside = aside
        return row

    @property
    def has_cursor(self) -> bool:
        """True when the row with the cursor is to be shown."""
        return True

    def strip(self, row: Iterable[Part], width: int, *, here: bool = False) -> Strip:
        """Parts as cells, exactly so wide."""
        ground = self.get_component_rich_style("rows--here") if here and self.has_focus else self.ground
        segments = [Segment(safe_cells(part.text), ground + self.style_of(part)) for part in row]
        return Strip(segments).adjust_cell_length(width, ground)

    @property
    def ground(self) -> Style:
        """What stands behind everything."""
        return self.rich_style

    def style_of(self, part: Part) -> Style:
        """The look of a part in the theme of the moment; only a block has a background of its own."""
        wanted = (self.app.theme, part.role, part.attributes)
        if wanted not in self._looks:
            self._looks[wanted] = self._look_of(part)
        return self._looks[wanted]

    def _look_of(self, part: Part) -> Style:
        role = part.role
        plain = Style.parse(" ".join(each for each in part.attributes if each != "pill"))
        if "pill" not in part.attributes:
            return self.get_component_rich_style(f"role--{role}", partial=True) + plain
        block = self.get_component_rich_style(role if role.startswith("place--") else f"block--{role}") + plain
        if block.bgcolor is not None and not block.bgcolor.is_default:
            return block
        # In the terminal's own colours a block is the letters' colour, turned round.
        letters = "role--text" if role.startswith("place--") else f"role--{role}"
        return self.get_component_rich_style(letters, partial=True) + plain + Style(reverse=True)

    # --- moving -------------------------------------------------------------------------------------------------------

    def on_focus(self) -> None:
        """The rule, and the row with the cursor, show where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """They show that the keys go elsewhere."""
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Keep it in sight and tell whoever shows the row's details."""
        self.keep_in_sight()
        self.redraw_changed()
        if before != cursor:
            self.post_message(self.Moved(self, cursor))

    def keep_in_sight(self) -> None:
        """Scroll so that the row with the cursor is seen."""
        room = max(1, self.size.height - self.front)
        top = max(self.cursor - room + 1, min(self.cursor, int(self.scroll_offset.y)))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """A pane that became smaller must not lose the row one is at."""
        self._drawn.clear()
        self.keep_in_sight()

    def action_up(self) -> None:
        """One row up."""
        self.cursor -= 1

    def action_down(self) -> None:
        """One row down."""
        self.cursor += 1

    def action_page_up(self) -> None:
        """One page up."""
        self.cursor -= max(1, self.size.height - 1)

    def action_page_down(self) -> None:
        """One page down."""
        self.cursor += max(1, self.size.height - 1)

    def action_first(self) -> None:
        """To the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """To the last row."""
        self.cursor = max(0, self.count - 1)

    def action_open(self) -> None:
        """Open the row that has the cursor."""
        if self.count:
            self.post_message(self.Opened(self, self.cursor))

    def action_copy(self) -> None:
        """Copy the row that has the cursor."""
        if self.count:
            row = self.row(self.cursor, _COPIED_CELLS)
            text = " ".join(safe("".join(part.text for part in row)).split())
            self.post_message(self.Copied(text, "this row"))

    def index_at(self, y: int) -> int:
        """The row that stands in line `y` of the window."""
        return y - self.front + int(self.scroll_offset.y)

    def on_click(self, event: events.Click) -> None:
        """First click moves the cursor, the next opens: a stray click does nothing."""
        index = self.index_at(event.y)
        if event.y < self.front or not 0 <= index < self.count:
            return
        if index == self.cursor:
            self.action_open()
        self.cursor = index
