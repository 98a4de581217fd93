"""The second row of a replay: the player. Which moment is shown, how it goes on, and what stands at that moment.

What is wanted of whoever looks is kept at its right end: watching the past hides nothing of the present.
"""

from __future__ import annotations

from runbook.core.milestone_name import Milestone
from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells, fitted
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import lasting
from runbook.view.look.part import Part, Row, pill, strong
from runbook.view.situation.facts import Facts


def player_row(facts: Facts, length: float, speed: float, said: Part, width: int, glyphs: Glyphs) -> Row:
    """` > x4  03:13:16.391Z  26:06 of 57:00, 17:51 after the outage   step 4.5 on app07 failed`; `speed` 0 stands."""
    state = pill(f"{glyphs.head} x{speed:g}", "live") if speed else pill("STANDS", "dim")
    outage = facts.moments.get(Milestone.OUTAGE)
    after = f", {lasting(facts.now - outage.latest)} after the outage" if outage and facts.now >= outage.latest else ""
    parts = (
        state,
        Part(" "),
        strong(f"{facts.wall.millis(facts.now)}Z"),
        Part(f"  {lasting(facts.now)} of {lasting(length)}{after}  ", "dim"),
    )
    used = sum(cells(part.text) for part in parts)
    canvas = Canvas(width).lay(0, *parts)
    if said.text and width - used > 12:  # noqa: PLR2004 - less says nothing
        canvas.lay(used + 1, said._replace(text=fitted(said.text, width - used - 2, glyphs.cut).rstrip()))
    return canvas.row()
