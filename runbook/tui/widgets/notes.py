"""What people and the run have said and done, the newest first."""

from __future__ import annotations

from runbook.core.run import Run
from runbook.tui.widgets.rows import Part, Row, Rows, fit
from runbook.view.look.numbers import Wall
from runbook.view.story.told import Told, told


class Notes(Rows):
    """The diary of a run."""

    key = "4"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._told: tuple[Told, ...] = ()
        self._wall = Wall("")

    def show(self, run: Run) -> None:
        """What was said up to now."""
        self._wall = Wall(run.started)
        self._told = told(run)
        self.heading("Notes and people")
        self.changed()

    def _cursor_cell(self, *, here: bool) -> Row:
        """Only while somebody reads it: it chooses nothing."""
        return super()._cursor_cell(here=here and self.has_focus)

    @property
    def count(self) -> int:
        """How many."""
        return len(self._told)

    def row(self, index: int, width: int) -> Row:
        """When, who, what."""
        entry = self._told[index]
        who = Part(
            f"{fit(entry.who, 5).rstrip()} ",
            "strong" if entry.is_person else "dim",
            ("bold",) if entry.is_person else (),
        )
        return (
            Part(f"{self._wall.seconds(entry.at)} ", "dim"),
            who,
            Part(fit(entry.text, max(4, width - 10 - len(who.text)))),
        )
