"""`runbook halt`: stop a live run from any terminal; what runs is cancelled, then its closing steps are taken."""

from __future__ import annotations

import click

from runbook.cli.calling import found, send
from runbook.cli.compose import operator_option, recordings_option, run_async
from runbook.cli.diagnostics import say
from runbook.core.intent import HaltRun, RollBack
from runbook.problem import Problems, problem
from runbook.view.sanitize import safe
from runbook.workspace.local import LocalWorkspace


@click.command("halt")
@click.argument("run", default="last")
@recordings_option
@operator_option
@click.option("-m", "--reason", default="", help="Goes on record; needed.")
@click.option("--rollback", is_flag=True, help="Undo what ran before the closing steps.")
def verb(*, run: str, recordings: str, operator: str, reason: str, rollback: bool) -> int:
    """Stop a live run: its id or a part of it, a runbook's name, or `last`.

    What runs is cancelled. Then come the runbook's own `always` steps; those of a block that it stops in do not.
    """
    if not reason.strip():
        fix = f'Say why: runbook halt {run} -m "WHY"'
        raise problem("a halt goes on record with a reason", fix=fix, code="no-reason")
    place, name = found(run, recordings, via="halt", operator=operator)
    intent = RollBack(reason=reason) if rollback else HaltRun(reason=reason)
    left = _left_open(place, name)
    run_async(send(place, name, intent, via="halt", operator=operator))
    now = "undoes what ran" if rollback else "cancels what runs"
    say(f"Run {safe(name)} {now}, then takes its closing steps. Watch it: runbook attach {safe(name)}")
    if left:
        say(f"The `always` inside {', '.join(left)} is not taken; docs/format.md says why.")
    return 0


def _left_open(place: LocalWorkspace, run: str) -> tuple[str, ...]:
    """The blocks that a halt leaves in their middle, by name; none where the record is not ours to read."""
    try:
        stands = place.folded(run)
    except Problems:
        return ()
    return tuple(safe(state.planned.name) for state in stands.steps.values() if state.is_live and state.planned.always)
