"""The steps of a run on one time axis, with a cursor that stands in the same column of every row."""

from __future__ import annotations

from runbook.core.run import Run
from runbook.tui.widgets.rows import Part, Row, Rows, fit, mark
from runbook.view.timeline import Timeline as Axis
from runbook.view.timeline import draw, timeline
from runbook.view.words import MARKS, duration

_NAME = 18
_TIME = 9
_WIDE = 120
"""Cells from which names have twice the room."""


class Timeline(Rows):
    """A Gantt chart of what was done, in ASCII."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._axis = Axis(end=0.0, rows=())
        self._at: float | None = None

    def show(self, run: Run, now: float, *, length: float | None = None) -> None:
        """The run at `now`; with `length` (seconds) the axis is the whole record's and the cursor stands at `now`."""
        axis = timeline(run, now)
        if length is not None and length > axis.end:
            axis = Axis(end=length, rows=axis.rows, milestones=axis.milestones, limit=axis.limit)
        self._axis = axis
        self._at = now if length is not None else None
        entered = tuple(row for row in axis.rows if row.spans)
        self._axis = Axis(end=axis.end, rows=entered, milestones=axis.milestones, limit=axis.limit)
        self.heading("Timeline", f"  {duration(axis.end)}  = work . waiting g gate A answer X failure ! limit")
        self.changed()
        if not self.has_focus:
            with self.prevent(Rows.Moved):
                self.cursor = max(0, self.count - 1)

    @property
    def count(self) -> int:
        """Steps that have been entered."""
        return len(self._axis.rows)

    def row(self, index: int, width: int) -> Row:
        """Mark, name, spans, time."""
        row = self._axis.rows[index]
        name = _NAME if width < _WIDE else 2 * _NAME
        cells = max(4, width - name - _TIME - 11)
        spans = draw(row, self._axis, cells)
        took = sum(span.end - span.start for span in row.spans)
        colour = MARKS[row.status].role
        return (
            mark(row.status),
            Part(f" {fit(f'{row.id} {row.name}', name)}["),
            *self._cursor(spans, colour, cells),
            Part("]"),
            Part(f" {duration(took):>{_TIME - 1}}"),
        )

    def _cursor(self, spans: str, colour: str, cells: int) -> Row:
        if self._at is None or self._axis.end <= 0:
            return (Part(spans, colour),)
        here = min(cells - 1, int(self._at / self._axis.end * cells))
        under = spans[here] if spans[here] != " " else "|"
        return (Part(spans[:here], colour), Part(under, "you", ("bold",)), Part(spans[here + 1 :], colour))
