"""`runbook halt`: stop a live run from any terminal; what runs is cancelled, then its closing steps are taken."""

from __future__ import annotations

import click

from runbook.cli.compose import recordings_option, run_async, workspace
from runbook.cli.diagnostics import say
from runbook.core.intent import HaltRun, Intent, RollBack
from runbook.engine.client import Line
from runbook.engine.control import find_socket
from runbook.problem import Exit, Problems, problem


@click.command("halt")
@click.argument("run", default="last")
@recordings_option
@click.option("-m", "--reason", required=True, help="Goes on record.")
@click.option("--rollback", is_flag=True, help="Undo what ran before the closing steps.")
def verb(*, run: str, recordings: str, reason: str, rollback: bool) -> int:
    """Stop a live run: its id or its beginning, a runbook's name, or `last`."""
    found = workspace("halt", recordings).library.find(run).name
    intent = RollBack(reason=reason) if rollback else HaltRun(reason=reason)
    run_async(send(found, intent, via="halt"))
    say(f"Run {found} is {'rolling back' if rollback else 'stopping'}. Watch it: runbook attach {found}")
    return 0


async def send(run: str, intent: Intent, *, via: str) -> None:
    """Send one intent to a live run.

    Raises:
        Problems: The run is not live, or refuses.
    """
    line = await call(run, via=via)
    try:
        refused = await line.send(intent)
    finally:
        await line.close()
    if refused is not None:
        raise Problems([refused])


async def call(run: str, *, via: str) -> Line:
    """A line to a live run.

    Raises:
        Problems: It is not live.
    """
    socket = find_socket(run)
    if socket is None:
        raise _not_live(run, "no runner listens for it")
    try:
        return await Line.open(socket, via=via)
    except Problems as gone:
        if not isinstance(gone.__cause__, ConnectionRefusedError):
            raise
        # A killed runner leaves its socket behind, and the socket's path would tell the operator nothing.
        raise _not_live(run, "its runner is gone and left its socket behind") from gone


def _not_live(run: str, why: str) -> Problems:
    return problem(
        f"run {run} is not live",
        why=why,
        fix=f"If it was interrupted, continue it with: runbook resume {run}",
        code="not-live",
        exit=Exit.REFUSED,
    )
