"""A problem as rows: what, why, where and how to fix it."""

from __future__ import annotations

from runbook.problem import Problem
from runbook.tui.widgets.rows import Part, Row


def problem_rows(problem: Problem) -> tuple[Row, ...]:
    """The parts that a problem has, a row each."""
    rows: list[Row] = [(Part(problem.what, "bad", ("bold",)),)]
    for name, text in (("why", problem.why), ("where", problem.where), ("fix", problem.fix)):
        if text:
            rows.append((Part(f"  {name:<6}", "dim"), Part(str(text))))
    return tuple(rows)
