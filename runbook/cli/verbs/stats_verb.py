"""`runbook stats`: how well it goes, for each service in each place, from the records."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from runbook.cli.compose import json_option, recordings_option, store
from runbook.cli.diagnostics import say
from runbook.cli.options.moment import instant
from runbook.cli.text.data import print_json
from runbook.cli.written import PUBLIC, write_whole
from runbook.problem import Exit
from runbook.stats.figures import figures
from runbook.stats.saying import prometheus, told
from runbook.view.sanitize import safe


@click.command("stats")
@recordings_option
@json_option
@click.option("--service", default="", help="Only of this service.")
@click.option("--environment", default="", help="Only in this place.")
@click.option("--days", default=365, type=click.IntRange(7, 3660), help="Counted over so many days; default: 365.")
@click.option(
    "--prometheus", "output", type=click.Path(path_type=Path), default=None, metavar="FILE", help="For node exporter."
)
@click.option("--at", "moment", default="", metavar="TIME", help="As it would be then: 2026-12-24T02:00Z.")
def verb(  # noqa: PLR0913 - one for each option
    *, recordings: str, as_json: bool, service: str, environment: str, days: int, output: Path | None, moment: str
) -> int:
    """Count how well it goes: releases, what went wrong, drills, objectives, recovery times."""
    now = instant(moment)
    every = figures(store(recordings).runs(), now, timedelta(days=days))
    found = [one for one in every if service in {"", one.service} and environment in {"", one.environment}]
    if output is not None:
        write_whole(output, prometheus(found, now, days), "file of figures", mode=PUBLIC)
        say(f"Written: {safe(str(output))}")
    elif as_json:
        print_json({"at": now, "days": days, "figures": found})
    elif found:
        click.echo("\n\n".join("\n".join(told(one, days)) for one in found))
    else:
        say("No run ended in that time. What there is on record is shown by: runbook runs")
    return int(Exit.HELD)
