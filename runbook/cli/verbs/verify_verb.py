"""`runbook verify`: recompute everything that a record claims, and name the first line that does not hold."""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, recordings_option, store
from runbook.cli.data import print_json, print_table
from runbook.cli.diagnostics import tell
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.checking.verify import Verification
from runbook.view.sanitize import safe

WORDS = {
    Soundness.OK: "ok",
    Soundness.NOTE: "note",
    Soundness.NEWER: "NEWER",
    Soundness.MISSING: "MISSING",
    Soundness.ALTERED: "ALTERED",
}


@click.command("verify")
@click.argument("run", default="last")
@recordings_option
@json_option
def verb(*, run: str, recordings: str, as_json: bool) -> int:
    """Check a record: its id or a part of it, a runbook's name, `last`, or a path."""
    record = store(recordings).find(run)
    found = record.verify()
    if as_json:
        print_json(_data(found, record.address))
    else:
        print_table(("check", "finding", "detail"), [_cells(check) for check in found.checks])
        click.echo(f"\nhead     {found.head}\nrecord   {safe(record.address)}")
        _conclude(found)
    return int(found.grade.exit)


def _cells(check: Examined) -> tuple[str, ...]:
    place = f" (line {check.line})" if check.line else ""
    return (check.name, WORDS[check.finding], f"{safe(check.detail)}{place}")


def _conclude(found: Verification) -> None:
    first = found.first_bad_line
    bad = f"; the first bad line is {first}" if first else ""
    tell(f"The record is {found.grade}: {found.lines} good lines{bad}.")


def _data(found: Verification, address: str) -> dict[str, object]:
    return {
        "run": found.run,
        "record": address,
        "grade": str(found.grade),
        "lines": found.lines,
        "first_bad_line": found.first_bad_line,
        "head": found.head,
        "checks": [
            {"name": check.name, "finding": check.finding.name.lower(), "detail": check.detail, "line": check.line}
            for check in found.checks
        ],
    }
