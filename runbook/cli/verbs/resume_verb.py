"""`runbook resume`: continue a run whose runner is gone.

What was in flight is re-attached where its host can tell, and otherwise in doubt and asked about.
"""

from __future__ import annotations

import sys

import click

from runbook.cli.beginning.starting import watch
from runbook.cli.compose import json_option, recordings_option, run_async, workspace
from runbook.cli.diagnostics import say
from runbook.cli.options.become import become_options
from runbook.cli.options.inventory import agreement, program_option


@click.command("resume")
@click.argument("run", default="last")
@recordings_option
@json_option
@program_option
@become_options
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option("--detach", is_flag=True, help="Start the runner and leave.")
def verb(  # noqa: PLR0913 - one for each option
    *, run: str, recordings: str, as_json: bool, run_program: bool, sudo: str, line: bool, detach: bool
) -> int:
    """Continue an interrupted run: its id or a part of it, a runbook's name, or `last`.

    Nothing that is known to have run runs twice.
    """
    place = workspace("resume", recordings)
    found = run_async(place.resume(run, agree=agreement(run_program=run_program), sudo=sudo))
    if detach:
        click.echo(found)
        return 0
    say(f"Resumed {found}.")
    return watch(place, found, in_lines=line, answer=sys.stdin.isatty(), as_json=as_json)
