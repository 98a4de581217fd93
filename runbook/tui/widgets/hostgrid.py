"""The hosts of one step: one row each, or folded to one row for all that are in the same state for the same reason."""

from __future__ import annotations

from typing import get_args

from rich.cells import cell_len
from textual.reactive import reactive

from runbook.core.action import Ask, NoticeAction
from runbook.core.plan import StepId
from runbook.core.run import Run
from runbook.tui.widgets.prose_rows import prose_rows
from runbook.tui.widgets.rows import Part, Row, Rows, fit, mark, wrap
from runbook.view.describe import full_text
from runbook.view.hosts import HostGroup, HostRow, fold_rows, host_rows
from runbook.view.words import MARKS, Status, duration

_AUTHORED = (*get_args(Ask), NoticeAction)
"""Actions whose words somebody wrote for people."""
_FINE = (Status.OK, Status.SKIPPED, Status.PENDING)


class HostGrid(Rows):
    """Hosts of the step under the step list's cursor."""

    folded: reactive[bool] = reactive(True, repaint=False)
    """Hosts in the same state share a row."""
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
        self._broken: tuple[Row, ...] = ()
        """The same, in rows as wide as the pane."""

    def show(self, run: Run, step: StepId, now: float) -> None:
        """The hosts of a step as they are at `now` (seconds since the run was opened)."""
        self._all = host_rows(run, step, now)
        said = () if self._all else said_rows(run, step)
        if said != self._said:
            self._said = said
            self._break()
        self._arrange()

    def _arrange(self) -> None:
        words = self.named.casefold().split()
        named = tuple(row for row in self._all if all(word in f"{row.host} {row.detail}".casefold() for word in words))
        chosen = tuple(row for row in named if not (self.faults and row.status in _FINE))
        self._groups = (
            fold_rows(chosen) if self.folded else tuple(group for row in chosen for group in fold_rows((row,)))
        )
        narrowed = f" - named {self.named}: {len(named)}" if self.named else ""
        if self._said:
            self.heading("2 What it says")
            self.changed()
            return
        self.heading(f"2 Hosts {len(self._all)}{_counts(self._all)}", narrowed, " - faults only" if self.faults else "")
        self.changed()

    @property
    def count(self) -> int:
        """How many rows, which is fewer than hosts when folded."""
        return len(self._broken) if self._said else len(self._groups)

    def _break(self) -> None:
        """Break what is said to the pane."""
        width = max(20, self.scrollable_content_region.width - 1)
        self._broken = tuple((Part(" "), *line) for row in self._said for line in wrap(row, width, hang=2) or ((),))

    def on_resize(self) -> None:
        """What is said is broken elsewhere."""
        self._break()
        self.changed()
        super().on_resize()

    @property
    def here(self) -> str:
        """The first host of the row under the cursor; empty when there is none."""
        return self._groups[self.cursor].hosts[0] if self._groups else ""

    def row(self, index: int, width: int) -> Row:
        """Mark, how many, which, why, how long."""
        if self._said:
            return self._broken[index]
        group = self._groups[index]
        names = max(8, min(24, width // 3, max(cell_len(one.folded) for one in self._groups)))
        took = "" if group.elapsed is None else duration(group.elapsed)
        return (
            Part(" "),
            mark(group.status),
            Part(f"{len(group.hosts):>4}  " if self.folded else " "),
            Part(fit(group.folded, names), attributes=("bold",)),
            Part(f" {fit(group.detail, max(0, width - names - (24 if self.folded else 19)))}", "grey"),
            Part(f" {took:>8} "),
        )

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


def _counts(rows: tuple[HostRow, ...]) -> str:
    by_status = {status: sum(row.status is status for row in rows) for status in Status}
    said = [
        f"{MARKS[status].word} {count}" for status, count in by_status.items() if count and MARKS[status].word != "-"
    ]
    return f": {' '.join(said)}" if said else ""
