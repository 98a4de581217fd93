"""`runbook review`: a page for the people who look at a run afterwards, with what to ask."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.cli.compose import recordings_option, settings
from runbook.cli.compose import store as records_of
from runbook.record.beginning import folded
from runbook.report.build import report
from runbook.report.model import Integrity
from runbook.report.review import review
from runbook.workspace.findings import read_findings


@click.command("review")
@click.argument("run", default="last")
@recordings_option
def verb(*, run: str, recordings: str) -> int:
    """Write a review of a run: how it came out, where time went, what to look at, and its findings. In Markdown."""
    record = records_of(recordings).find(run)
    verified = record.verify()
    made = report(
        folded(record.read()),
        record.read().entries(),
        folder=record.address,
        integrity=Integrity(head=verified.head, lines=verified.lines, grade=str(verified.grade), findings=()),
        live=record.is_live(),
    )
    known = read_findings(Path(settings(recordings).recordings)).values()
    bound = [one for one in known if one.opened.run == record.run or (one.closed and one.closed.retest == record.run)]
    click.echo(review(made, bound), nl=False)
    return 0
