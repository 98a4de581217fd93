"""A plan as text: every step with every command on every host, its gate and what takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.core.planned.plan import Plan
from runbook.core.planned.role import Role
from runbook.tui.widgets.rows import Part, Row, Rows, wrap
from runbook.view.plan import PlanRow, plan_rows, plan_totals, probe_lines
from runbook.view.words import duration, plural

_HANG = 10
"""Cells by which the rest of a long line stands in."""


class PlanView(Rows):
    """The whole plan, line by line."""

    key = "2"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._plan: tuple[Row, ...] = ()
        self._lines: tuple[Row, ...] = ()

    def show(self, plan: Plan) -> None:
        """Show this plan."""
        self._plan = tuple(plan_lines(plan))
        self._break()
        totals = plan_totals(plan)
        self.heading(
            "Plan",
            f"  {plural(totals.steps, 'step')} on {plural(totals.hosts, 'host')}, {plural(totals.gates, 'gate')}, "
            f"{totals.changing} changing ({totals.without_undo} without undo), est {duration(totals.expected)}",
        )

    def show_why_not(self, said: Iterable[Row]) -> None:
        """Show why there is no plan."""
        self._plan = tuple(said)
        self._break()
        self.heading("Plan", "  none yet")

    def _break(self) -> None:
        """Nothing of a command may be out of sight, so long lines go on below."""
        width = max(20, self._cells - 2)
        self._lines = tuple(line for row in self._plan for line in wrap(row, width, hang=_HANG))
        self.changed()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._break()

    @property
    def count(self) -> int:
        """Lines."""
        return len(self._lines)

    def row(self, index: int, width: int) -> Row:
        """Line `index`."""
        del width
        return self._lines[index]


_HEADINGS = {Role.ROLLBACK: "Rollback", Role.CLOSING: "Always"}
"""What stands above steps that are in no section."""


def plan_lines(plan: Plan) -> Iterator[Row]:
    """The plan's rows with a heading for each section, then what is watched meanwhile."""
    section = None
    for row in plan_rows(plan):
        if row.role is Role.UNDO:
            continue  # it stands with the step that it takes back
        heading = _HEADINGS.get(row.role, row.section)
        if heading != section and row.depth == 0:
            section = heading
            yield (Part(heading.upper(), "live", ("bold",)),)
        yield from _step_lines(row)
    probes = probe_lines(plan)
    if probes:
        yield (Part("WATCHED", "live", ("bold",)),)
        yield from ((Part(f"  {line}"),) for line in probes)


def _step_lines(row: PlanRow) -> Iterator[Row]:
    indent = "  " * (row.depth + 1)
    role = " rescue" if row.role is Role.RESCUE else ""
    gate = Part(f"  GATE: {row.gate}" if row.gate else "", "you", ("bold",))
    facts = [*row.facts, f"est {duration(row.expected)}"] if row.expected else list(row.facts)
    yield (
        Part(f"{indent}{row.id:<5} ", "dim"),
        Part(row.name, attributes=("bold",)),
        Part(f"  {row.kind}{role}", "dim"),
        gate,
        Part("  no undo" if row.is_without_undo else "", "slip"),
        Part(f"  {', '.join(facts)}" if facts else "", "dim"),
    )
    for text in row.texts:
        where = f"{text.folded}: " if text.folded else ""
        for number, line in enumerate(text.lines):
            lead = where if number == 0 else " " * len(where)
            yield Part(f"{indent}      {lead}", "live"), Part(line)
    for line in row.undo:
        yield Part(f"{indent}      undo ", "ok"), Part(line)
