"""A row of a screen as values: pieces of text, each with the role that it plays.

A role is a meaning and never a colour, so that a row is the same on a dark screen, on paper and on a console of
letters; which colour a role has is a theme's business. Whoever makes rows lays them out in cells; whoever draws them
adds nothing but looks. This is what keeps everything that decides what stands where free of the terminal.
"""

from __future__ import annotations

from typing import NamedTuple

ROLES = ("text", "strong", "dim", "faint", "ok", "bad", "you", "slip", "live", "unk")
"""What a piece can be.

`text` is words, `strong` names and the numbers that matter, `dim` labels and what is over or ahead, `faint` rules and
empty cells. `ok` holds, `bad` does not, `you` is what a person is wanted for and nothing else, `slip` is near or past a
limit, `live` is now, the cursor and the keys one can press, `unk` is not known.
"""

PLACES = ("red", "orange", "yellow", "green", "blue")
"""Colours that an environment can have; a part in one of them plays the role `place--red`, and is a block."""


class Part(NamedTuple):
    """A piece of a row."""

    text: str
    role: str = "text"
    """One of `ROLES`."""
    attributes: tuple[str, ...] = ()
    """Of bold, dim, italic, reverse, underline, and `pill`: a block in the colour of its role that says "look"."""


Row = tuple[Part, ...]


def strong(text: str) -> Part:
    """A name, or a number that matters."""
    return Part(text, "strong", ("bold",))


def pill(text: str, role: str) -> Part:
    """A word in a block of its role's colour, one blank on each side."""
    return Part(f" {text} ", role, ("pill", "bold"))


def text_of(row: Row) -> str:
    """What a row says, without looks."""
    return "".join(part.text for part in row)
