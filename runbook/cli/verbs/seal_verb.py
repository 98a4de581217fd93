"""`runbook seal`: close a record for good that its runner did not, or whose run will never go on."""

from __future__ import annotations

import click

from runbook.cli.compose import recordings_option, workspace
from runbook.cli.diagnostics import say
from runbook.problem import problem
from runbook.record.sealing.seal import Sealed
from runbook.view.sanitize import safe
from runbook.workspace.sealing import seal_by_hand


@click.command("seal")
@click.argument("run", default="last")
@recordings_option
@click.option("--interrupted", is_flag=True, help="The run did not end, and never goes on.")
@click.option("-m", "--reason", default="", help="Why it never goes on; stands in the seal.")
def verb(*, run: str, recordings: str, interrupted: bool, reason: str) -> int:
    """Seal a record: its id or a part of it, a runbook's name, or `last`.

    A runner does it when its run ends. This is for records whose key was away then, and with --interrupted for runs
    that nobody will resume.
    """
    if interrupted and not reason:
        raise problem("why it never goes on is not said", fix='Say it: -m "WHY"', code="no-reason")
    if "/" in run:
        fix = "Name the run by its id, with --recordings FOLDER where its records lie elsewhere."
        raise problem("a copy is not sealed", why="its ledger is not beside it", fix=fix, code="no-copy")
    place = workspace("seal", recordings)
    record = place.store.find(run)
    sealed = seal_by_hand(place, record.run, reason if interrupted else "")
    for line in told(sealed):
        click.echo(line)
    for remark in sealed.remarks:
        say(remark)
    return 0


def told(sealed: Sealed) -> tuple[str, ...]:
    """A seal in lines."""
    said = sealed.statement
    signed = f"signed with {said.key}" if said.key else said.unsigned
    return (
        f"Run {safe(said.run)} is sealed as {said.state}: {said.lines} lines, {signed}.",
        f"head      {said.head}",
        f"manifest  {sealed.manifest}",
    )
