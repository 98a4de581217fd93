"""The first two rows of the places that are no run: where one is, who one is, and what waits wherever it waits.

A question, a fault that may be live and a runner that is gone are said here in every place, because the person who is
wanted may be looking at something else.
"""

from __future__ import annotations

from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.part import Part, Row, pill, strong
from runbook.view.sanitize import safe

PLACES = (("L", "Library"), ("R", "Run"), ("P", "Replay"), ("D", "DR"), ("V", "Verify"))
"""The places with their keys."""


def tabs_row(here: str, who: str, clock: str, width: int) -> Row:
    """` LIBRARY  R Run  P Replay  D DR  V Verify      mira  03:16:12Z`."""
    parts: list[Part] = []
    for key, name in PLACES:
        if name == here:
            parts.append(Part(f" {name.upper()} ", "strong", ("pill", "bold")))
        else:
            parts += [Part(f" {key}", "live", ("bold",)), Part(f" {name} ", "dim")]
    canvas = Canvas(width).lay(0, *parts)
    used = sum(cells(part.text) for part in parts)
    end: Row = (Part(f"{safe(who)}  ", "dim"), strong(clock)) if clock else (Part(safe(who), "dim"),)
    if used + sum(cells(part.text) for part in end) + 2 <= width:
        canvas.right(width - 1, *end)
    return canvas.row()


def notice_row(said: Row, aside: Row, width: int, glyphs: Glyphs) -> Row:
    """The second row, cut where it is too long."""
    begin = 0 if said and "pill" in said[0].attributes else 1
    canvas = Canvas(width).lay(begin, *said)
    used = begin + sum(cells(part.text) for part in said)
    if aside and used + sum(cells(part.text) for part in aside) + 3 <= width:
        canvas.right(width - 1, *aside)
    elif used > width:
        canvas.put(width - 1, glyphs.cut, "dim")
    return canvas.row()


def quiet(text: str) -> Row:
    """Nothing is wanted; what there is to know instead."""
    return Part("NOTHING FOR YOU NOW", "dim"), Part(f"  {text}")


def waits(count: int, *said: Part) -> Row:
    """So many things wait for whoever looks."""
    return (pill("1 WAITS FOR YOU" if count == 1 else f"{count} WAIT FOR YOU", "you"), Part(" "), *said)
