"""`runbook rollback`: take back what an ended run did, in a new run that says so.

A live run is rolled back by `halt --rollback`. What is undone is what the record says that ran, with the texts that
were shown then, whatever the runbook says today.
"""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, recordings_option, run_async, workspace
from runbook.cli.options.become import become_options
from runbook.cli.options.inventory import agreement, program_option
from runbook.talk.launch import WarmRunner


@click.command("rollback")
@click.argument("run", default="last")
@recordings_option
@json_option
@program_option
@become_options
@click.option("--auto", is_flag=True, help="Answer the gates that the environment lets a machine answer; recorded so.")
@click.option("--yes", is_flag=True, help="Start what is shown without asking.")
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option("--detach", is_flag=True, help="Start it, print its id, and leave.")
@click.option("--attended/--unattended", default=None, help="Is somebody there to be asked when a step fails?")
def verb(  # noqa: PLR0913 - one for each option
    *, run: str, recordings: str, as_json: bool, run_program: bool, sudo: str, auto: bool, yes: bool, line: bool,
    detach: bool, attended: bool | None,
) -> int:  # fmt: skip
    """Undo what an ended run did, the newest first: its id or its beginning, a runbook's name, or `last`.

    Only what ran is undone, only where it ran, and nothing that is undone already. At a terminal it is shown before.
    """
    with WarmRunner() as runner:
        from runbook.cli.beginning.before import confirmed  # noqa: PLC0415 - beside the runner's imports
        from runbook.cli.beginning.starting import Manner, followed, how_to_run  # noqa: PLC0415

        place = workspace("rollback", recordings)
        manner = Manner(auto=auto, line=line, detach=detach, as_json=as_json, attended=attended, yes=yes)
        how = how_to_run(manner)
        digest = confirmed(place, place.left_of(run)) if manner.asks and not yes else ""
        agree = agreement(run_program=run_program)
        begun = run_async(place.roll_back(run, how, runner, agree=agree, sudo=sudo, digest=digest))
        return followed(place, begun, manner, how)
