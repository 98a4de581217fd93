"""`runbook plan`: every command on every host, in order, without connecting to anything."""

from __future__ import annotations

import click
import msgspec

from runbook.cli.compose import given, json_option, parameter_option, settings, store
from runbook.cli.diagnostics import problem_text, say
from runbook.cli.options.inventory import inventory_options
from runbook.cli.text.data import print_json
from runbook.cli.text.plan import plan_lines
from runbook.cli.text.policy import policy_lines
from runbook.inventory.manner import Reading
from runbook.policy.judging import judged
from runbook.workspace.permission import own_facts
from runbook.workspace.prepare import Wish, prepare


@click.command("plan")
@click.argument("book")
@inventory_options
@parameter_option
@json_option
@click.option("-l", "--limit", default="", help="Only these hosts: a pattern.")
@click.option("--step", "step_mode", is_flag=True, help="With a gate before every step, as in `run --step`.")
def verb(  # noqa: PLR0913 - one for each option
    *, book: str, inventory: str, reading: Reading, params: tuple[str, ...], as_json: bool, limit: str, step_mode: bool
) -> int:
    """Show every command on every host, without connecting and without asking for a secret."""
    wish = Wish(book=book, inventory=inventory, reading=reading, given=given(params), limit=limit, step_mode=step_mode)
    prepared = prepare(settings(), wish, None)
    for warning in prepared.warnings:
        say(problem_text(warning))
    verdicts = judged(own_facts(prepared.plan, settings(), store()))
    if as_json:
        policy = [msgspec.to_builtins(one) for one in verdicts]
        print_json({"digest": prepared.plan.digest, **msgspec.to_builtins(prepared.plan), "policy": policy})
        return 0
    for line in (*policy_lines(verdicts), *plan_lines(prepared.plan)):
        click.echo(line)
    return 0
