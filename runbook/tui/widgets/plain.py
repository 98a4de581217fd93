"""Text that is shown as it is: sanitised, never read as markup, coloured only through parts.

Every sentence on the screen that is no list goes through here, because a host name such as `[red]db1` must stay a
host name whatever widget it lands in.
"""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from runbook.tui.widgets.rows import Row, look, safe_cells, wrap
from runbook.view.sanitize import safe_text


class Plain(Static):
    """Lines of text."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin with this text."""
        super().__init__(Content(safe_text(text)), id=id, classes=classes, markup=False)
        self._rows: tuple[Row, ...] = ()
        self._hang = 0

    def tell(self, text: str) -> None:
        """Show other text."""
        self.update(Content(safe_text(text)))

    def say(self, *rows: Row, hang: int = 0) -> None:
        """Show rows of parts; with `hang`, what does not fit goes on so many cells in."""
        self._rows, self._hang = rows, hang
        self._fill()

    def on_resize(self) -> None:
        """Break the rows anew."""
        if self._hang:
            self._fill()

    def _fill(self) -> None:
        width = self.content_size.width
        fits = self._hang and width > self._hang
        rows = [line for row in self._rows for line in wrap(row, width, hang=self._hang)] if fits else self._rows
        self.update(Content("\n").join(content(row) for row in rows))


def content(row: Row) -> Content:
    """A row of parts as Textual's own text."""
    return Content.assemble(*((safe_cells(part.text), look(part)) for part in row))
