"""`runbook runs`: every record, newest first, with the verdict that its report would give.

A live run's time goes on while nothing happens in it, so it is counted up to now and not to its newest line. What a
killed runner left behind under the name of its socket is cleared away here too, where it is certain that it is dead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click
import msgspec

from runbook.cli.compose import json_option, recordings_option, store
from runbook.cli.diagnostics import explain, say
from runbook.cli.others import live_elsewhere, refused_or
from runbook.cli.text.data import print_json, print_table
from runbook.cli.text.run_table import run_table
from runbook.engine.clock import SystemClock
from runbook.problem import Exit, Problems
from runbook.record.store import Store
from runbook.view.sanitize import safe
from runbook.workspace.rows import RunRow
from runbook.workspace.run_rows import run_rows

RECENT = 200
"""Runs whose runbooks are named to somebody who asked for one that never ran."""


@click.command("runs")
@recordings_option
@json_option
@click.option("--runbook", "name", default="", help="Only runs of this runbook.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=None, help="Only so many, the newest.")
def verb(*, recordings: str, as_json: bool, name: str, limit: int | None) -> int:
    """List the records, newest first."""
    now = SystemClock().wall()
    records = store(recordings)
    rows = tuple(_at(row, now) for row in _rows(records, name, limit))
    _sweep(rows)
    if as_json:
        print_json([_data(row) for row in rows])
        return int(_exit(rows))
    if rows:
        print_table(*run_table(rows))
    else:
        say(_nothing(name, sorted({row.runbook for row in run_rows(records, limit=RECENT)} - {""})))
    damaged = [row.problem for row in rows if row.problem is not None]
    if damaged:
        explain(Problems(damaged))
    return int(_exit(rows))


def _exit(rows: tuple[RunRow, ...]) -> Exit:
    return Exit.FAULT_LIVE if any(row.faults_live for row in rows) else Exit.HELD


def _rows(records: Store, name: str, limit: int | None) -> tuple[RunRow, ...]:
    """Live runs of others that let us in, then the records here; these may be closed to us, and then that is said.

    Raises:
        Problems: The records cannot be listed, and nobody lets us in.
    """
    theirs = live_elsewhere(name)
    try:
        return (*theirs, *run_rows(records, runbook=name, limit=limit))[:limit]
    except Problems as unlisted:
        told = refused_or(records, "the list of runs here", unlisted.problems[0])
        if not theirs:
            raise Problems([told]) from unlisted
        return theirs[:limit]


def _data(row: RunRow) -> dict[str, object]:
    """The row as it is; a problem and a rollback only where there are any, and its colour not at all."""
    data: dict[str, object] = msgspec.to_builtins(row)
    absent = {"worst", *(("problem",) if row.problem is None else ()), *(() if row.is_rolled_back else ("rollback",))}
    absent |= set() if row.faults_live else {"faults_live"}
    return {name: value for name, value in data.items() if name not in absent}


def _nothing(name: str, known: list[str]) -> str:
    if known:
        return f"There is no run of {safe(name)}. There are runs of: {safe(', '.join(known))}"
    return "There is no run yet. Start one with: runbook run NAME"


def _at(row: RunRow, now: float) -> RunRow:
    """A live run as it stands `now`, seconds since the epoch; a clock that was set back shows what the record says."""
    if not row.live:
        return row
    try:
        lasted = now - datetime.fromisoformat(row.started).timestamp()
    except ValueError:
        return row
    return replace(row, duration=max(row.duration, lasted))


def _sweep(rows: tuple[RunRow, ...]) -> None:
    """A runner that ended took its name away; only one that was killed has left it."""
    if any(row.verdict in {"interrupted", "damaged"} and not row.live for row in rows):
        from runbook.talk.door import sweep  # noqa: PLC0415 - a list of ended runs calls nobody

        sweep()
