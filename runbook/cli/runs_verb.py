"""`runbook runs`: every record, newest first, with the verdict that its report would give."""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, recordings_option, workspace
from runbook.cli.data import print_json, print_table
from runbook.cli.diagnostics import say
from runbook.engine.feed import RunRow
from runbook.view.lines import clock_label
from runbook.view.sanitize import safe
from runbook.view.words import duration

HEAD = ("started (UTC)", "verdict", "recovery", "objective", "took", "by", "run")


@click.command("runs")
@recordings_option
@json_option
@click.option("--runbook", "name", default="", help="Only runs of this runbook.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=None, help="Only so many, the newest.")
def verb(*, recordings: str, as_json: bool, name: str, limit: int | None) -> int:
    """List the records, newest first."""
    rows = tuple(row for row in workspace("runs", recordings).runs() if name in ("", row.runbook))[:limit]
    if as_json:
        print_json(rows)
        return 0
    if not rows:
        say("There is no run yet. Start one with: runbook run NAME")
        return 0
    print_table(HEAD, [_cells(row) for row in rows])
    return 0


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        f"{safe(row.started[:10])} {clock_label(row.started)}",
        row.verdict,
        "-" if row.rta is None else duration(row.rta),
        row.objective.replace("_", " ") or "-",
        duration(row.duration),
        safe(row.operator),
        safe(row.id),
    )
