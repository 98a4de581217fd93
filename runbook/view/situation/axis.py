"""The one time axis: past at the left, future at the right, and one moment in the same column of every row.

Its scale grows only in steps, so that the picture does not creep while somebody looks at it, and begins at a whole
minute, so that its labels stand where their minutes begin.
"""

from __future__ import annotations

import math

import msgspec

from runbook.core.milestone_name import Milestone
from runbook.core.run import Run
from runbook.view.look.numbers import Wall

_STEPS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds that one cell can stand for."""
_BEFORE = 180.0
"""Seconds shown before an outage."""
_BEHIND = 60.0
"""Seconds shown behind the last thing that is foreseen."""
_APART = 10
"""Cells between two labels, at least."""
_LABELS = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
"""Seconds between two labels."""


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in cells."""

    begin: float
    """`at` of its first cell's beginning; may lie before the run."""
    cell: float
    """Seconds in one cell."""
    cells: int

    def column(self, at: float) -> int:
        """The cell in which a moment lies; outside the axis below 0, or `cells` and above."""
        return math.floor((at - self.begin) / self.cell)

    def span(self, column: int) -> tuple[float, float]:
        """The moments between which a cell lies."""
        start = self.begin + column * self.cell
        return start, start + self.cell

    @property
    def end(self) -> float:
        """`at` behind its last cell."""
        return self.begin + self.cells * self.cell


def axis_for(run: Run, outage: float | None, until: float, cells: int) -> Axis:
    """The axis from a little before the outage (or from the start) to a little behind `until`, in so many cells."""
    wall = Wall(run.started)
    first = 0.0 if outage is None else max(0.0, outage - _BEFORE)
    begin = first - (wall.at(first).second + wall.at(first).microsecond / 1e6)
    cells = max(1, cells)
    wanted = (until + _BEHIND - begin) / cells
    cell = next((step for step in _STEPS if step >= wanted), _STEPS[-1])
    return Axis(begin=begin, cell=float(cell), cells=cells)


def ruler(axis: Axis, started: str) -> tuple[tuple[int, str], ...]:
    """The labels of an axis with the cells in which they begin: those of their minutes."""
    wall = Wall(started)
    every = next((step for step in _LABELS if step >= _APART * axis.cell), _LABELS[-1])
    origin = wall.at(axis.begin)
    since_midnight = origin.hour * 3600 + origin.minute * 60 + origin.second
    first = -since_midnight % every
    labels = range(first, int(axis.cells * axis.cell), every)
    write = wall.seconds if every < 60 else wall.minutes  # noqa: PLR2004 - below a minute, labels need seconds
    return tuple((axis.column(axis.begin + offset), write(axis.begin + offset)) for offset in labels)


NAMES = {
    Milestone.OUTAGE: ("outage", "out"),
    Milestone.DETECTED: ("detected", "det"),
    Milestone.DECLARED: ("declared", "decl"),
    Milestone.RECOVERY_STARTED: ("recovery", "rec"),
    Milestone.SERVICE_RESTORED: ("restored", "rest"),
    Milestone.VERIFIED: ("verified", "ver"),
    Milestone.NORMAL: ("normal", "norm"),
}
"""What stands beside the tick of a milestone, where there is room and where there is little."""
