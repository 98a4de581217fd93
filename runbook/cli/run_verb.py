"""`runbook run`: compile, show what is about to happen, start a runner, watch it, and say how it came out."""

from __future__ import annotations

import sys

import click
import msgspec

from runbook.cli.compose import (
    given,
    inventory_option,
    json_option,
    parameter_option,
    recordings_option,
    run_async,
    workspace,
)
from runbook.cli.diagnostics import can_show_screen, problem_text, say
from runbook.core.run import Run
from runbook.core.verdict import verdicts
from runbook.document.policy import gates_a_machine_may_not_answer
from runbook.engine.prepare import Wish, prepare
from runbook.engine.workspace import HowToRun, LocalWorkspace
from runbook.problem import Problems
from runbook.view.closing import closing


@click.command("run")
@click.argument("book")
@inventory_option
@parameter_option
@recordings_option
@json_option
@click.option("-l", "--limit", default="", help="Only these hosts: a pattern.")
@click.option("--auto", is_flag=True, help="Answer the gates that the environment lets a machine answer; recorded so.")
@click.option("--step", "step_mode", is_flag=True, help="Confirm every step before it runs.")
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option("--detach", is_flag=True, help="Start it, print its id, and leave.")
@click.option("--attended/--unattended", default=None, help="Is somebody there to be asked when a step fails?")
def verb(  # noqa: PLR0913 - one for each option
    *,
    book: str,
    inventory: str,
    params: tuple[str, ...],
    recordings: str,
    as_json: bool,
    limit: str,
    auto: bool,
    step_mode: bool,
    line: bool,
    detach: bool,
    attended: bool | None,
) -> int:
    """Run a runbook: a file, or a name in the workspace."""
    place = workspace("run", recordings)
    wish = Wish(book=book, inventory=inventory, given=given(params), limit=limit, step_mode=step_mode)
    prepared = prepare(place.settings, wish, place.secret)
    if auto:
        refused = gates_a_machine_may_not_answer(prepared.plan)
        if refused:
            raise Problems(refused)
    for warning in prepared.warnings:
        say(problem_text(warning))
    there = (not auto and sys.stdin.isatty()) if attended is None else attended
    how = HowToRun(attended=there, auto=auto, step_mode=step_mode)
    run = run_async(place.launch(prepared, how))
    if detach:
        click.echo(run)
        return 0
    if can_show_screen() and not (line or as_json or auto):
        from runbook.cli.screen import open_run  # noqa: PLC0415 - lines must not pay for the screen

        return open_run(place, run)
    return watch_to_the_end(place, run, answer=there or not auto, as_json=as_json)


def watch_to_the_end(place: LocalWorkspace, run: str, *, answer: bool, as_json: bool) -> int:
    """Follow in lines, then give the verdicts; the exit status is theirs."""
    from runbook.cli.line_mode import follow  # noqa: PLC0415 - the screen must not pay for the lines

    ended = run_async(follow(place, run, answer=answer))
    return conclude(place, ended, as_json=as_json)


def conclude(place: LocalWorkspace, run: Run, *, as_json: bool) -> int:
    """Print what came out: words for a person, or the one object for a machine."""
    folder = str(place.library.find(run.id))
    if as_json:
        from runbook.report.summary import summary  # noqa: PLC0415 - only where it is asked for

        click.echo(msgspec.json.format(msgspec.json.encode(summary(run, folder)), indent=2).decode())
    for text in closing(run, folder):
        say(text)
    return int(verdicts(run).exit)
