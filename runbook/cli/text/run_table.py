"""The list of runs as lines with a head."""

from __future__ import annotations

from runbook.view.asking.undoing import short_words
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.story.lines import clock_label
from runbook.view.words import duration
from runbook.workspace.rows import RunRow

HEAD = ("started (UTC)", "verdict", "recovery", "objective", "took", "by", "run")
_LONGEST = 60
"""Characters of a reason in a table; the report has all of it."""


def run_table(rows: tuple[RunRow, ...]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and lines; what became of rollbacks, and why a run ended early, have columns where there is any."""
    head: tuple[str, ...] = HEAD
    lines = [_cells(row) for row in rows]
    if any(row.is_rolled_back for row in rows):
        undone = [short_words(row.rollback) if row.is_rolled_back else "-" for row in rows]
        head = (*head[:2], "rollback", *head[2:])
        lines = [(*line[:2], word, *line[2:]) for line, word in zip(lines, undone, strict=True)]
    if any(row.reason for row in rows):
        head = (*head, "why")
        lines = [(*line, _why(row)) for line, row in zip(lines, rows, strict=True)]
    return head, lines


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        f"{safe(row.started[:10])} {clock_label(row.started)}",
        f"{row.verdict}, FAULT LIVE" if row.faults_live else row.verdict,
        "-" if row.rta is None else f"{'≥ ' if row.rta_at_least else ''}{duration(row.rta)}",
        row.objective.replace("_", " ") or "-",
        f"{duration(row.duration)} so far" if row.live else duration(row.duration),
        safe(row.operator),
        safe(row.id),
    )


def _why(row: RunRow) -> str:
    text = safe(brief(row.reason))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
