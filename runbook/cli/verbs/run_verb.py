"""`runbook run`: compile, show what is about to happen, start a runner, watch it, and say how it came out."""

from __future__ import annotations

import click

from runbook.cli.compose import (
    given,
    json_option,
    parameter_option,
    recordings_option,
    workspace,
)
from runbook.cli.options.become import become_options
from runbook.cli.options.inventory import inventory_options
from runbook.inventory.manner import Reading
from runbook.problem import problem
from runbook.talk.launch import WarmRunner


@click.command("run")
@click.argument("book", default="")
@inventory_options
@become_options
@parameter_option
@recordings_option
@json_option
@click.option("--from", "earlier", default="", metavar="RUN", help="Go on where an ended run left off, in a new run.")
@click.option("--at", "step", default="", metavar="STEP", help="The step to begin with: its id or its name.")
@click.option("-l", "--limit", default="", help="Only these hosts: a pattern.")
@click.option("--auto", is_flag=True, help="Answer the gates that the environment lets a machine answer; recorded so.")
@click.option("--step", "step_mode", is_flag=True, help="Confirm every step before it runs.")
@click.option("--yes", is_flag=True, help="Start what is shown without asking.")
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option("--detach", is_flag=True, help="Start it, print its id, and leave.")
@click.option("--override", "rules", multiple=True, metavar="RULE", help="Override a rule that refuses it; recorded.")
@click.option("--reason", default="", metavar="TEXT", help="Why a rule is overridden.")
@click.option("--attended/--unattended", default=None, help="Is somebody there to be asked when a step fails?")
def verb(  # noqa: PLR0913 - one for each option
    *,
    book: str,
    inventory: str,
    reading: Reading,
    sudo: str,
    params: tuple[str, ...],
    recordings: str,
    as_json: bool,
    earlier: str,
    step: str,
    limit: str,
    auto: bool,
    step_mode: bool,
    yes: bool,
    line: bool,
    detach: bool,
    rules: tuple[str, ...],
    reason: str,
    attended: bool | None,
) -> int:
    """Run a runbook: a file, or a name in the workspace.

    At a terminal what is missing is asked for, and what would happen is shown before it does.
    With --from RUN --at STEP the rest of an ended run, with its runbook as it is now, its parameters and its hosts.
    """
    if step and not earlier:
        fix = f"Name it: runbook run --from RUN --at {step}"
        raise problem("which run is continued is not said", fix=fix, code="no-run")
    if not book and not earlier:
        raise problem("which runbook is not said", fix="Name it; they are listed by: runbook list", code="no-book")
    with WarmRunner() as runner:
        # Only now, so that the runner's imports go on beside these.
        from runbook.cli.beginning.starting import Following, Manner, start  # noqa: PLC0415
        from runbook.policy.breaking import Override  # noqa: PLC0415
        from runbook.workspace.prepare import Wish  # noqa: PLC0415

        wish = Wish(
            book=book,
            inventory=inventory,
            reading=reading,
            given=given(params),
            limit=limit,
            step_mode=step_mode,
            sudo=sudo,
        )
        override = Override(rules=rules, reason=reason)
        manner = Manner(
            auto=auto, line=line, detach=detach, as_json=as_json, attended=attended, yes=yes, override=override
        )
        following = Following(earlier, step) if earlier else None
        return start(workspace("run", recordings), wish, manner, runner, following)
