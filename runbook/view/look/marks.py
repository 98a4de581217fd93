"""The state of a row as one word of at most five letters, in a column that never shifts.

Words and not ticks: a word is read the same on a serial console, in a screen reader and by an eye that cannot tell red
from green. What is still ahead is a dot, so that the eye passes over it.
"""

from __future__ import annotations

from runbook.view.look.glyphs import Glyphs
from runbook.view.look.part import Part, Row
from runbook.view.words import MARKS, Status

WIDTH = 5


def state_mark(status: Status, glyphs: Glyphs, *, width: int = WIDTH) -> Row:
    """A status as pieces that take so many cells together; a block covers its letters and no more."""
    look = MARKS[status]
    word = glyphs.pending if status is Status.PENDING else look.word
    return Part(word, look.role, look.attributes), Part(" " * max(0, width - len(word)))
