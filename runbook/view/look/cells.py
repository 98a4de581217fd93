"""How many cells a text takes, and text made to fit: pure, so that a layout can be tested without a terminal.

Terminals disagree about emoji and joined letters; what is drawn from here is measured once more where it becomes a
strip, so a disagreement shifts a row and never breaks it.
"""

from __future__ import annotations

import unicodedata

from runbook.view.sanitize import safe


def cells(text: str) -> int:
    """The cells that a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def clipped(text: str, width: int) -> str:
    """As much of the beginning as fits into so many cells."""
    if cells(text) <= width:
        return text
    used, kept = 0, []
    for char in text:
        used += _width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept)


def fitted(text: str, width: int, cut: str = "~", *, right: bool = False) -> str:
    """Safe text in exactly so many cells: padded, or cut with a mark at its end."""
    text = safe(text)
    if cells(text) > width:
        text = f"{clipped(text, max(0, width - 1))}{cut}" if width > 0 else ""
    room = " " * (width - cells(text))
    return room + text if right else text + room
