"""A list of one-line rows with a cursor, drawn line by line: the ground that steps, hosts, plans and timelines share.

It asks its owner for row *n* when row *n* is in sight and keeps nothing, so a list of a million rows costs what the
forty visible ones cost. Rows are made of `Part`s (text, a colour's name, attributes), which keeps every widget built
on this free of styles, and makes it the one place where text becomes cells. All text passes the sanitiser here once
more: it is idempotent, and no caller can forget it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from runbook.tui.actions import bindings
from runbook.tui.theme import COLOURS
from runbook.view.sanitize import safe, safe_text
from runbook.view.words import MARKS, Status


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a row."""

    text: str
    colour: str = "plain"
    """One of `theme.COLOURS`."""
    attributes: tuple[str, ...] = ()
    """Of bold, dim, italic, reverse, underline."""


Row = tuple[Part, ...]

_COPIED_CELLS = 200
"""How wide a row is when it is copied: its columns are not cut to the window then."""


def mark(status: Status, width: int = 5) -> Part:
    """A status as its word, in a column that never shifts."""
    look = MARKS[status]
    return Part(look.word.ljust(width), look.colour, look.attributes)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly so many cells: padded, or cut with a `~` at its end."""
    text = safe(text)
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "~"[:width]
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def wrap(row: Row, width: int, *, hang: int = 0) -> tuple[Row, ...]:
    """A row broken at spaces into rows of at most so many cells; those after the first begin `hang` cells in."""
    lines: list[list[Part]] = [[]]
    used = 0
    for part in row:
        for word in re.findall(r"\s+|\S+", safe_cells(part.text)):
            for piece in _pieces(word, max(1, width - hang)):
                if used + cell_len(piece) > width and used > hang:
                    lines.append([Part(" " * hang)])
                    used = hang
                    piece = piece.lstrip()  # noqa: PLW2901 - the space at which it was broken
                lines[-1].append(Part(piece, part.colour, part.attributes))
                used += cell_len(piece)
    return tuple(tuple(line) for line in lines)


def _pieces(word: str, width: int) -> list[str]:
    """A word cut where it is longer than a line: what runs must be readable to its last letter."""
    return chop_cells(word, width) if cell_len(word) > width else [word]


class Rows(ScrollView, can_focus=True):
    """Rows, a cursor, and the keys of lists. Subclasses say how many rows there are and what row *n* looks like."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"colour--{name}" for name in COLOURS), "rows--here"}
    BINDINGS: ClassVar[list[BindingType]] = bindings("lists")
    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the row that has the cursor; 0 when there is none."""

    is_numbered = True
    """The digit at the beginning of the heading is a key; where it is not, it is left out."""

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
        """Row `index` for so many cells."""
        raise NotImplementedError

    def heading(self, *pieces: str | Part) -> None:
        """Write into the line above the pane; never read as markup."""
        parts = [Part(piece) if isinstance(piece, str) else piece for piece in pieces]
        if not self.is_numbered:
            parts[0] = Part(parts[0].text.lstrip("0123456789 "))
        looks = ((safe_cells(part.text), look(part) if part.attributes else "") for part in parts)
        self.border_title = Content.assemble(*looks)

    def changed(self) -> None:
        """Draw again after rows came, went or changed. The cursor stays on its number."""
        count = self.count
        if self.virtual_size.height != count:
            self.virtual_size = Size(self.virtual_size.width, count)
        if self.cursor >= count:
            with self.prevent(self.Moved):
                self.cursor = max(0, count - 1)
        self.refresh()

    # --- drawing ------------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        width = self.scrollable_content_region.width or self.size.width
        index = y + self.scroll_offset.y
        if not 0 <= index < self.count:
            return Strip.blank(width, self.rich_style)
        here = index == self.cursor and self.has_cursor
        return self.strip(self.row(index, width), width, here=here)

    @property
    def has_cursor(self) -> bool:
        """True when the row with the cursor is to be shown."""
        return True

    def strip(self, row: Iterable[Part], width: int, *, here: bool = False) -> Strip:
        """Parts as cells, exactly so wide."""
        ground = self.get_component_rich_style("rows--here") if here and self.has_focus else self.rich_style
        segments = [Segment(safe_cells(part.text), ground + self.style_of(part)) for part in row]
        return Strip(segments).adjust_cell_length(width, ground)

    def style_of(self, part: Part) -> Style:
        """The look of a part in the theme of the moment, without its background."""
        colour = self.get_component_rich_style(f"colour--{part.colour}", partial=True)
        return colour + Style.parse(" ".join(part.attributes)) if part.attributes else colour

    # --- moving -------------------------------------------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Keep it in sight and tell whoever shows the row's details."""
        self.refresh()
        self.keep_in_sight()
        if before != cursor:
            self.post_message(self.Moved(self, cursor))

    def keep_in_sight(self) -> None:
        """Scroll so that the row with the cursor is seen."""
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def on_resize(self) -> None:
        """A pane that became smaller must not lose the row one is at."""
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
        return y + self.scroll_offset.y

    def on_click(self, event: events.Click) -> None:
        """First click moves the cursor, the next opens: a stray click does nothing."""
        index = self.index_at(event.y - int(bool(self.styles.border_top[0])))
        if not 0 <= index < self.count:
            return
        if index == self.cursor:
            self.action_open()
        self.cursor = index


def look(part: Part) -> str:
    """A part's look as Textual's own words for it."""
    return " ".join((*part.attributes, f"$colour-{part.colour}"))


def safe_cells(text: str) -> str:
    """The sanitiser for text that is laid out already: its spaces are columns and stay."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")
