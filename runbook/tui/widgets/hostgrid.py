"""The hosts of one step: folded to one entry for all that are in the same state for the same reason, or one by one.

An entry is two rows where there is height, its hosts and what they have to say, and one where there is not. A set of
hosts is broken at its commas, or ends with how many it does not name; never with half a range.
"""

from __future__ import annotations

from typing import get_args

from rich.cells import cell_len
from textual.reactive import reactive

from runbook.core.planned.action import Ask, NoticeAction
from runbook.core.planned.plan import StepId
from runbook.core.run import Run
from runbook.tui.widgets.prose_rows import prose_rows
from runbook.tui.widgets.rows import Part, Row, Rows, fit, wrap
from runbook.view.describe import full_text
from runbook.view.hosts import HostGroup, HostRow, fold_rows, host_rows
from runbook.view.look.marks import state_mark
from runbook.view.look.numbers import lasting
from runbook.view.nodeset import broken_set, cut_set
from runbook.view.words import MARKS, Status

_AUTHORED = (*get_args(Ask), NoticeAction)
"""Actions whose words somebody wrote for people."""
_FINE = (Status.OK, Status.SKIPPED, Status.PENDING)
_FRONT, _TOOK = 10, 7
"""Cells of state and count, and of the time."""
_TALL = 8
"""Rows from which an entry takes two."""

Line = tuple[int, Row]
"""A row with the entry that it belongs to."""


class HostGrid(Rows):
    """Hosts of the step under the step list's cursor."""

    key = "2"
    folded: reactive[bool] = reactive(True, repaint=False)
    """Hosts in the same state share an entry."""
    faults: reactive[bool] = reactive(False, repaint=False)
    """Only hosts that are not well are shown."""

    named: reactive[str] = reactive("", repaint=False)
    """Only hosts in whose name or detail all of these words occur are shown; empty shows all."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._all: tuple[HostRow, ...] = ()
        self._groups: tuple[HostGroup, ...] = ()
        self._said: tuple[Row, ...] = ()
        """What a step says or asks that no host does, in place of hosts."""
        self._lines: tuple[Line, ...] = ()

    def show(self, run: Run, step: StepId, now: float) -> None:
        """The hosts of a step as they are at `now` (seconds since the run was opened)."""
        self._all = host_rows(run, step, now)
        self._said = () if self._all else said_rows(run, step)
        self._arrange()

    @property
    def wanted_rows(self) -> int:
        """Rows that it would take to show everything, the title included."""
        if self._said:
            return 2 + len(self._lines)
        return 2 + 2 * len(self._groups)

    def _arrange(self) -> None:
        words = self.named.casefold().split()
        named = tuple(row for row in self._all if all(word in f"{row.host} {row.detail}".casefold() for word in words))
        chosen = tuple(row for row in named if not (self.faults and row.status in _FINE))
        self._groups = (
            fold_rows(chosen) if self.folded else tuple(group for row in chosen for group in fold_rows((row,)))
        )
        narrowed = (Part(f"  named {self.named}: {len(named)}", "live"),) if self.named else ()
        only = (Part("  faults only", "live"),) if self.faults else ()
        if self._said:
            self.heading("What it says")
        else:
            self.heading(f"Hosts {len(self._all)}", *_counts(self._all), *narrowed, *only)
        self._lay()

    def _lay(self) -> None:
        """Make the rows for the room that there is."""
        width = max(20, self._cells - int(self.is_fenced) - 1)
        if self._said:
            self._lines = tuple((0, line) for row in self._said for line in wrap(row, width - 1, hang=2) or ((),))
        else:
            is_tall = self.size.height - 2 >= min(_TALL, 2 * len(self._groups))
            self._lines = tuple(
                line
                for number, group in enumerate(self._groups)
                for line in self._entry(number, group, width, is_tall=is_tall)
            )
        self.changed()

    @property
    def count(self) -> int:
        """How many rows, which is fewer than hosts when folded."""
        return len(self._lines)

    @property
    def entries(self) -> int:
        """How many entries."""
        return len(self._groups)

    def columns(self, width: int) -> Row:
        """What the columns are, where there are rows for saying so."""
        if self._said or self.size.height < 6:  # noqa: PLR2004 - every row counts
            return ()
        front = f" {'STATE':<5} {'N':>2}  HOSTS"
        return (Part(f"{front:<{max(0, width - 6 - int(self.is_fenced))}}took ", "dim"),)

    def on_resize(self) -> None:
        """Other widths break elsewhere."""
        self._lay()
        super().on_resize()

    @property
    def here(self) -> str:
        """The first host of the entry under the cursor; empty when there is none."""
        return next(iter(self.hosts_here), "")

    @property
    def hosts_here(self) -> tuple[str, ...]:
        """All hosts of the entry under the cursor."""
        if self._said or not self._lines or not self._groups:
            return ()
        return self._groups[self._lines[self.cursor][0]].hosts

    def row(self, index: int, width: int) -> Row:
        """A row as it was laid."""
        del width
        return self._lines[index][1]

    def _cursor_cell(self, *, here: bool) -> Row:
        """Words have no row that is chosen."""
        return super()._cursor_cell(here=here and not self._said)

    def line_at(self, y: int, width: int) -> tuple[Row, bool]:
        """Every row of the entry under the cursor is marked."""
        row, here = super().line_at(y, width)
        index = self.index_at(y)
        if y < self.front or self._said or not 0 <= index < self.count:
            return row, here and not self._said
        if self._lines[index][0] != self._lines[self.cursor][0]:
            return row, False
        fence = self._fence()
        return (*fence, *self._cursor_cell(here=True), *row[len(fence) + 1 :]), True

    def _entry(self, number: int, group: HostGroup, width: int, *, is_tall: bool) -> list[Line]:
        """State, how many, which, how long; and why, beside it or below."""
        took = "" if group.elapsed is None else lasting(group.elapsed)
        front = (*state_mark(group.status, self.glyphs), Part(f"{len(group.hosts):>3}  ", "strong", ("bold",)))
        room = max(8, width - _FRONT - _TOOK)
        role = ("dim", ()) if group.status is Status.PENDING else ("strong", ("bold",))
        if not is_tall:
            names = min(cell_len(group.folded), max(12, room // 2 if group.detail else room))
            detail = Part(f"  {fit(group.detail, max(0, room - names - 2))}", "dim")
            shown = fit(cut_set(group.folded, names, self.glyphs.cut), names)
            return [(number, (*front, Part(shown, *role), detail, Part(f"{took:>{_TOOK - 1}}")))]
        sets = broken_set(group.folded, room)
        first = (*front, Part(fit(sets[0], room), *role), Part(f"{took:>{_TOOK - 1}}"))
        more = [(number, (Part(" " * _FRONT), Part(fit(line, room), *role))) for line in sets[1:]]
        why = (
            [
                (
                    number,
                    (
                        Part(" " * _FRONT),
                        Part(
                            fit(group.detail, width - _FRONT),
                            "text" if group.status.gravity < Status.RUNNING.gravity else "dim",
                        ),
                    ),
                )
            ]
            if group.detail
            else []
        )
        return [(number, first), *more, *why]

    # --- moving -------------------------------------------------------------------------------------------------------

    def action_up(self) -> None:
        """One entry up."""
        self._to(self._place - 1) if not self._said else super().action_up()

    def action_down(self) -> None:
        """One entry down."""
        self._to(self._place + 1) if not self._said else super().action_down()

    @property
    def _place(self) -> int:
        return self._lines[self.cursor][0] if self._lines else 0

    def _to(self, entry: int) -> None:
        found = next((index for index, (number, _) in enumerate(self._lines) if number == entry), None)
        if found is not None:
            self.cursor = found

    def go_to(self, host: str) -> None:
        """To the entry in which a host is."""
        found = next((number for number, group in enumerate(self._groups) if host in group.hosts), None)
        if found is not None:
            self._to(found)

    def watch_folded(self) -> None:
        """Arrange them anew."""
        self._arrange()

    def watch_named(self) -> None:
        """Arrange them anew."""
        self._arrange()

    def watch_faults(self) -> None:
        """Arrange them anew."""
        self._arrange()


def said_rows(run: Run, step: StepId) -> tuple[Row, ...]:
    """What a step that has no hosts says, asks or does, in its author's words."""
    state = run.step(step)
    if state is None:
        return ()
    action = state.action_on("*")
    lines = full_text(action)
    return prose_rows(lines) if isinstance(action, _AUTHORED) else tuple((Part(line),) for line in lines)


def _counts(rows: tuple[HostRow, ...]) -> Row:
    """`RUN 5  QUE 4  OK 31`, each in its own look; blocks are for rows alone."""
    by_status = {status: sum(row.status is status for row in rows) for status in Status}
    said = [(status, count) for status, count in by_status.items() if count and status is not Status.PENDING]
    return tuple(
        Part(
            f"  {MARKS[status].word} {count}",
            MARKS[status].role,
            tuple(a for a in MARKS[status].attributes if a != "pill"),
        )
        for status, count in said
    )
