"""`runbook halt`: stop a live run from any terminal; what runs is cancelled, then its closing steps are taken."""

from __future__ import annotations

import click

from runbook.cli.calling import found, send
from runbook.cli.compose import recordings_option, run_async
from runbook.cli.diagnostics import say
from runbook.core.intent import HaltRun, RollBack


@click.command("halt")
@click.argument("run", default="last")
@recordings_option
@click.option("-m", "--reason", required=True, help="Goes on record.")
@click.option("--rollback", is_flag=True, help="Undo what ran before the closing steps.")
def verb(*, run: str, recordings: str, reason: str, rollback: bool) -> int:
    """Stop a live run: its id or its beginning, a runbook's name, or `last`.

    What runs is cancelled. Then come the runbook's own `always` steps; the `always` of a block does not.
    """
    place, name = found(run, recordings, via="halt")
    intent = RollBack(reason=reason) if rollback else HaltRun(reason=reason)
    run_async(send(place, name, intent, via="halt"))
    now = "undoes what ran" if rollback else "cancels what runs"
    say(f"Run {name} {now}, then takes its closing steps. Watch it: runbook attach {name}")
    return 0
