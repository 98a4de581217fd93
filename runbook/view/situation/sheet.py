"""One row of the time axis at a time: a label, cells, facts, and the moments that run through all rows.

Apart from what is drawn, so that clock, strips, faults and sections each know only their own cells.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from runbook.core.milestone_name import Milestone
from runbook.view.look.canvas import Canvas
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.part import Row
from runbook.view.situation.axis import Axis, axis_for
from runbook.view.situation.facts import Facts
from runbook.view.situation.geometry import AxisRoom

Draw = Callable[[Canvas], None]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What every row is drawn with."""

    facts: Facts
    axis: Axis
    room: AxisRoom
    width: int
    glyphs: Glyphs
    cursor: float | None = None
    """`at` of a replay's cursor, which stands in place of now."""

    def row(self, label: Row, draw: Draw, facts: Row) -> Row:
        """One row of the axis, with the lines of the moments on what is left blank."""
        canvas = Canvas(self.width)
        draw(canvas)
        self.lines(canvas)
        canvas.lay(1, *label)
        canvas.lay(self.width - self.room.facts, *facts)
        return canvas.row()

    def lines(self, canvas: Canvas) -> None:
        """The outage, now and the limit, where nothing stands."""
        moments = self.facts.moments
        outage = moments[Milestone.OUTAGE].earliest if Milestone.OUTAGE in moments else None
        now = None if self.facts.run.has_ended and self.cursor is None else self.facts.now
        for at, glyph, role in (
            (outage, self.glyphs.outage, "dim"),
            (now, self.glyphs.now, "live"),
            (self.facts.limit, self.glyphs.limit, "bad"),
        ):
            column = None if at is None else self.column(at)
            if column is not None and canvas.is_blank(column, column + 1):
                canvas.put(column, glyph, role)

    def column(self, at: float) -> int | None:
        """The cell of the window in which a moment lies; None where it is outside the axis."""
        column = self.axis.column(at)
        return self.room.label + column if 0 <= column < self.axis.cells else None


def sheet_for(facts: Facts, width: int, room: AxisRoom, glyphs: Glyphs, *, until: float = 0.0) -> Sheet:
    """The axis for a run at a moment: everything known, everything foreseen, and not before `until` at the right."""
    outage = facts.moments.get(Milestone.OUTAGE)
    axis = axis_for(facts.run, outage.earliest if outage else None, max(until, _foreseen(facts)), room.cells(width))
    return Sheet(facts=facts, axis=axis, room=room, width=width, glyphs=glyphs)


def _foreseen(facts: Facts) -> float:
    """The last moment that is worth showing: now, the limit, the end of the spread, the end of a lease soon enough."""
    started = facts.clock.started_at
    ends = [facts.now, facts.limit or 0.0]
    if started is not None:
        ends += [started + (facts.forecast.high or facts.forecast.eta or 0.0)]
    elif not facts.run.has_ended:
        ends.append(facts.now + facts.clock.remaining)
    reach = facts.now + 2 * (facts.clock.objective or 1800.0)
    ends += [fault.until for fault in facts.faults if fault.until is not None and fault.until <= reach]
    return max(ends)


def nothing(canvas: Canvas) -> None:
    """Draw no cells."""
    del canvas
