"""`runbook runs`: every record, newest first, with the verdict that its report would give.

A live run's time goes on while nothing happens in it, so it is counted up to now and not to its newest line. What a
killed runner left behind under the name of its socket is cleared away here too, where it is certain that it is dead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click

from runbook.cli.compose import json_option, recordings_option, workspace
from runbook.cli.data import print_json, print_table
from runbook.cli.diagnostics import say
from runbook.engine.clock import SystemClock
from runbook.talk.door import sweep
from runbook.view.lines import clock_label
from runbook.view.sanitize import safe
from runbook.view.words import duration
from runbook.workspace.rows import RunRow

HEAD = ("started (UTC)", "verdict", "recovery", "objective", "took", "by", "run")


@click.command("runs")
@recordings_option
@json_option
@click.option("--runbook", "name", default="", help="Only runs of this runbook.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=None, help="Only so many, the newest.")
def verb(*, recordings: str, as_json: bool, name: str, limit: int | None) -> int:
    """List the records, newest first."""
    now = SystemClock().wall()
    everything = workspace("runs", recordings).runs()
    rows = tuple(_at(row, now) for row in everything if name in ("", row.runbook))[:limit]
    sweep()
    if as_json:
        print_json(rows)
        return 0
    if not rows:
        known = ", ".join(sorted({row.runbook for row in everything}))
        say(
            f"There is no run of {safe(name)}. There are runs of: {safe(known)}"
            if known
            else "There is no run yet. Start one with: runbook run NAME"
        )
        return 0
    print_table(HEAD, [_cells(row) for row in rows])
    return 0


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        f"{safe(row.started[:10])} {clock_label(row.started)}",
        row.verdict,
        "-" if row.rta is None else f"{'≥ ' if row.rta_at_least else ''}{duration(row.rta)}",
        row.objective.replace("_", " ") or "-",
        f"{duration(row.duration)} so far" if row.live else duration(row.duration),
        safe(row.operator),
        safe(row.id),
    )


def _at(row: RunRow, now: float) -> RunRow:
    """A live run as it stands `now`, seconds since the epoch; a clock that was set back shows what the record says."""
    if not row.live:
        return row
    try:
        lasted = now - datetime.fromisoformat(row.started).timestamp()
    except ValueError:
        return row
    return replace(row, duration=max(row.duration, lasted))
