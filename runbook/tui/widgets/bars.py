"""The rows that are never covered and never scrolled away: where one is, what is wanted, the situation, and the keys.

Each is rows of parts that the pure rooms make; these widgets only keep them and draw what has changed.
"""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from runbook.tui.widgets.rows import Rows
from runbook.view.look.part import Row


class Bar(Rows, can_focus=False):
    """Rows as they are given."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._tint = ""

    def say(self, *rows: Row, tint: str = "") -> None:
        """Show these; `tint` names the environment's colour to stand behind them."""
        if tint != self._tint:
            self._tint = tint
            self._drawn.clear()
        self._rows = rows
        self.changed()

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._rows)

    @property
    def has_cursor(self) -> bool:
        """It is no list."""
        return False

    def row(self, index: int, width: int) -> Row:
        """As it was given."""
        del width
        return self._rows[index]

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        return super().render_line(y) if y < self.count else Strip.blank(self.size.width, self.ground)

    @property
    def ground(self) -> Style:
        """The tint of the environment, where it has one."""
        return self.get_component_rich_style(f"tint--{self._tint}") if self._tint else self.rich_style
