"""The steps of a run, a row each. It stays with the step that is being done until somebody moves the cursor away."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive

from runbook.core.run import Run
from runbook.tui.widgets.rows import Part, Row, Rows, fit, mark
from runbook.view.steps import StepRow, step_rows
from runbook.view.words import Status, duration

_NOW = (Status.WAITING, Status.RUNNING, Status.QUEUED)
_BAD = (Status.FAILED, Status.IN_DOUBT, Status.UNREACHABLE, Status.ABORTED, Status.IGNORED)
_MIDDLE = 46
"""Cells from which a row has room for how many hosts, and how far over the plan."""
_WIDE = 60
"""Cells from which it has room for its detail."""


class StepList(Rows):
    """Steps, the one under the cursor decides what the other panes show."""

    stays: reactive[bool] = reactive(True, repaint=False)
    """The cursor stays with the step that is being done."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._rows: tuple[StepRow, ...] = ()
        self._widest = 0
        """Cells of the longest name, so that details stand in a column."""
        self._is_over = False
        """Some step took longer than planned: only then is there a column for it."""

    def show(self, run: Run, now: float) -> None:
        """The steps as they are at `now` (seconds since the run was opened)."""
        self._rows = step_rows(run, now)
        self._widest = max((cell_len(_name(row)) for row in self._rows), default=0)
        self._is_over = any(row.over >= 1 for row in self._rows)
        done = sum(row.outcome is not None for row in self._rows)
        self.heading(f"1 Steps {done}/{len(self._rows)}")
        self.changed()
        if self.stays:
            with self.prevent(Rows.Moved):
                self.cursor = current(self._rows)

    @property
    def count(self) -> int:
        """How many."""
        return len(self._rows)

    @property
    def here(self) -> StepRow | None:
        """The step under the cursor; None before the first run."""
        return self._rows[self.cursor] if self._rows else None

    def go_to_bad(self, direction: int) -> bool:
        """To the next step that went badly, or the one before, round the ends; False when there is none."""
        bad = [index for index, row in enumerate(self._rows) if row.status in _BAD]
        ahead = [index for index in bad if (index - self.cursor) * direction > 0]
        if not bad:
            return False
        chosen = ahead or bad
        self.stays = False
        self.cursor = chosen[0] if direction > 0 else chosen[-1]
        return True

    def row(self, index: int, width: int) -> Row:
        """Mark, id, name, detail, hosts, time (planned with a `~`) and how far over the plan."""
        step = self._rows[index]
        tail = self._tail(step, width)
        room = max(6, width - 7 - sum(len(part.text) for part in tail))
        name = min(room, self._widest) if width >= _WIDE else room
        dim = ("dim",) if step.status is Status.PENDING else ()
        return (
            Part(" "),
            mark(step.status),
            Part(" " + fit(_name(step), name), attributes=dim),
            Part(f"  {fit(step.detail, room - name - 2)}" if room > name + 2 else " " * (room - name), "grey"),
            *tail,
        )

    def _tail(self, step: StepRow, width: int) -> Row:
        hosts = f"{step.hosts_done}/{step.hosts_total}" if step.hosts_total else ""
        over = (_over(step),) if self._is_over else ()
        return (Part(f"{hosts:>6} "), _time(step), *over) if width >= _MIDDLE else (_time(step),)

    def action_up(self) -> None:
        """One row up; stays there."""
        self.stays = False
        super().action_up()

    def action_down(self) -> None:
        """One row down; stays there until it meets the step that is being done."""
        super().action_down()
        self.stays = self.cursor == current(self._rows)

    def action_first(self) -> None:
        """To the first step."""
        self.stays = False
        super().action_first()

    def action_last(self) -> None:
        """Back to the step that is being done."""
        self.stays = True
        self.cursor = current(self._rows)


def current(rows: tuple[StepRow, ...]) -> int:
    """Index of the step to look at: the innermost that waits or runs, else the last that ended."""
    live = [index for index, row in enumerate(rows) if row.status in _NOW]
    waiting = [index for index in live if rows[index].status is Status.WAITING]
    ended = [index for index, row in enumerate(rows) if row.elapsed is not None]
    return max(waiting or live[-1:] or ended, default=0)


def _name(step: StepRow) -> str:
    return f"{step.id:<4} {'  ' * step.depth}{step.name}"


def _time(step: StepRow) -> Part:
    if step.elapsed is not None:
        return Part(f"{duration(step.elapsed):>8}")
    return Part(f"{f'~{duration(step.expected)}' if step.expected else '':>8}", "grey")


def _over(step: StepRow) -> Part:
    return Part(f" {f'+{duration(step.over)}' if step.over >= 1 else '':<7}", "orange", ("bold",))
