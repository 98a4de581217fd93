"""Numbers three rows high: the one figure that must be read from across a room.

Drawn with line pieces, or with underscores and bars where a terminal has only letters. There the row below says the
number once more in ordinary letters, because segments of ASCII are easily misread.
"""

from __future__ import annotations

from runbook.view.look.glyphs import Glyphs

_BOXES = {
    "0": ("┏━┓", "┃ ┃", "┗━┛"),
    "1": ("╺┓ ", " ┃ ", "╺┻╸"),
    "2": ("╺━┓", "┏━┛", "┗━╸"),
    "3": ("╺━┓", "╺━┫", "╺━┛"),
    "4": ("╻ ╻", "┗━┫", "  ╹"),
    "5": ("┏━╸", "┗━┓", "╺━┛"),
    "6": ("┏━╸", "┣━┓", "┗━┛"),
    "7": ("╺━┓", "  ┃", "  ╹"),
    "8": ("┏━┓", "┣━┫", "┗━┛"),
    "9": ("┏━┓", "┗━┫", "╺━┛"),
    ":": ("▪", " ", "▪"),
}
_SEGMENTS = {
    "0": (" _ ", "| |", "|_|"),
    "1": ("   ", "  |", "  |"),
    "2": (" _ ", " _|", "|_ "),
    "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"),
    "5": (" _ ", "|_ ", " _|"),
    "6": (" _ ", "|_ ", "|_|"),
    "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"),
    "9": (" _ ", "|_|", " _|"),
    ":": (" ", ".", "."),
}


def big(text: str, glyphs: Glyphs) -> tuple[str, str, str]:
    """Digits and colons as three rows; any other character is a blank."""
    shapes = _BOXES if glyphs.digits == "boxes" else _SEGMENTS
    drawn = [shapes.get(char, ("   ",) * 3) for char in text]
    first, second, third = (" ".join(shape[row] for shape in drawn) for row in range(3))
    return first, second, third
