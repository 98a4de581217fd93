"""What we touch of Textual that is not public, all of it, so that a new version is looked at in one place.

`cells_only`: an update of a few cells is written from the left edge of their widget on, because Textual crops such an
update only at its end. On a slow link that is most of what an idle screen sends, so it is cropped at both ends here.
Written for Textual 8.2; where the part is not there any more, updates are as large as Textual makes them.
"""

from __future__ import annotations

from typing import Any

from textual import _compositor


def cells_only() -> None:
    """Write of each update what has changed and nothing in front of it."""
    update: Any = getattr(_compositor, "ChopsUpdate", None)
    if update is not None and hasattr(update, "render_segments"):
        update.render_segments = _render_segments


def _render_segments(self: Any, console: Any) -> str:
    """The sequences for the changed cells: a move to the first of them, and they."""
    written: list[str] = []
    for y, first, last in self.spans:
        for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
            if strip is None or x >= last or end <= first:
                continue
            start = max(x, first)
            cells = strip.crop(start - x, min(end, last) - x)
            written.append(f"\x1b[{y + 1};{start + 1}H{cells.render(console)}")
    return "".join(written)
