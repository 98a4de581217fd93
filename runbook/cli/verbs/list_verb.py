"""`runbook list`: the workspace's runbooks, and those that cannot be read.

A broken one must not be missed until the night in which it is needed, so its problem is told here too.
"""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, recordings_option, workspace
from runbook.cli.diagnostics import explain, say
from runbook.cli.text.data import print_json, print_table
from runbook.problem import Problems
from runbook.view.sanitize import safe
from runbook.workspace.rows import BookRow

HEAD = ("name", "kind", "owner", "review", "last run", "came out", "title")


@click.command("list")
@recordings_option
@json_option
@click.option("--kind", default="", help="Only runbooks of this kind.")
@click.option("--tag", default="", help="Only runbooks with this tag.")
def verb(*, recordings: str, as_json: bool, kind: str, tag: str) -> int:
    """List the workspace's runbooks."""
    place = workspace("list", recordings)
    rows = tuple(row for row in place.books() if kind in ("", row.kind) and (not tag or tag in row.tags))
    if as_json:
        print_json(rows)
        return 0
    readable = [row for row in rows if row.problem is None]
    if readable:
        print_table(HEAD, [_cells(row) for row in readable])
    elif not rows:
        say(
            "No runbook is of that kind and has that tag. All of them: runbook list"
            if kind or tag
            else f"There is no runbook in {safe(str(place.settings.drills))}. Make a first one with: runbook init"
        )
    broken = [row.problem for row in rows if row.problem is not None]
    if broken:
        explain(Problems(broken))
    return 0


def _cells(row: BookRow) -> tuple[str, ...]:
    last = row.last_run[:16].replace("T", " ") or "never"
    cells = (row.name, row.kind, row.owner or "-", row.review, last, row.last_verdict or "-", row.title)
    return tuple(safe(cell) for cell in cells)
