"""`runbook register`: what could happen to each service, and what has been rehearsed against it."""

from __future__ import annotations

import click

from runbook.cli.compose import recordings_option, settings, store
from runbook.cli.diagnostics import problem_text, say
from runbook.cli.options.moment import instant
from runbook.cli.text.data import print_json, print_table
from runbook.cli.text.register import HEAD, cells, coverage_lines, markdown
from runbook.problem import Exit
from runbook.register.entry import coverage
from runbook.register.reading import register


@click.command("register")
@recordings_option
@click.option("--service", default="", help="Only of this service.")
@click.option("--tier", type=click.IntRange(1, 4), default=None, help="Only of services of this tier.")
@click.option("--format", "form", default="text", type=click.Choice(("text", "json", "md")), help="How it is written.")
@click.option("--check", is_flag=True, help="End with status 1 unless every scenario is verified.")
@click.option("--at", "moment", default="", metavar="TIME", help="As it would stand then: 2026-12-24T02:00Z.")
def verb(*, recordings: str, service: str, tier: int | None, form: str, check: bool, moment: str) -> int:
    """Hold every scenario of every service against the records."""
    now = instant(moment)
    found = register(settings(recordings), store(recordings), now)
    for one in found.problems:
        say(problem_text(one))
    entries = [one for one in found.entries if service in {"", one.service} and tier in {None, one.tier}]
    if form == "json":
        print_json({"at": now, "coverage": coverage(entries), "scenarios": entries})
    elif form == "md":
        click.echo("\n".join(markdown(entries)))
    elif entries:
        print_table(HEAD, cells(entries))
        click.echo("\n" + "\n".join(coverage_lines(entries)))
    else:
        say("No service has a scenario. What one looks like: runbook help services")
    bad = check and any(one.readiness != "verified" for one in entries)
    return int(Exit.FAILED if bad else Exit.HELD)
