"""`runbook can`: whether something may be run in a place, now or at another moment, and if not, when next."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from runbook.calendar.saying import distance, moment_words
from runbook.cli.compose import given, json_option, parameter_option, recordings_option, settings, store
from runbook.cli.diagnostics import say
from runbook.cli.options.inventory import inventory_options
from runbook.cli.options.moment import instant
from runbook.cli.text.data import print_json
from runbook.cli.text.policy import every_line
from runbook.core.planned.plan import Environment
from runbook.inventory.manner import Reading
from runbook.policy.judging import judged
from runbook.policy.times import hours_of
from runbook.policy.verdict import Verdict, refusals
from runbook.problem import Exit
from runbook.workspace.permission import own_facts
from runbook.workspace.prepare import Wish, prepare


@click.command("can")
@click.argument("book")
@inventory_options
@parameter_option
@recordings_option
@json_option
@click.option("--at", "moment", default="", metavar="TIME", help="At that moment: 2026-12-24T02:00Z. Default: now.")
def verb(  # noqa: PLR0913 - one for each option
    *, book: str, inventory: str, reading: Reading, params: tuple[str, ...], recordings: str, as_json: bool, moment: str
) -> int:
    """Say whether you may run a runbook in a place: every rule, with its reason. Status 5 where one refuses."""
    now, place = instant(moment), settings(recordings)
    wish = Wish(book=book, inventory=inventory, reading=reading, given=given(params))
    plan = prepare(place, wish, None).plan
    verdicts = judged(own_facts(plan, place, store(recordings), now))
    refused = refusals(verdicts)
    if as_json:
        print_json({"may": not refused, "at": now, "rules": [msgspec.to_builtins(one) for one in verdicts]})
        return int(Exit.REFUSED if refused else Exit.HELD)
    for line in every_line(verdicts):
        click.echo(line)
    if refused:
        say(_next(plan.environment, refused, now))
    return int(Exit.REFUSED if refused else Exit.HELD)


def _next(environment: Environment, refused: tuple[Verdict, ...], now: datetime) -> str:
    """When it may be run next, as far as time alone decides that."""
    if not {one.rule for one in refused} <= {"freeze", "window"}:
        return "Waiting alone does not help."
    hours = hours_of(environment)
    opens = hours.opens(now)
    if opens is None:
        return "No moment of the next 400 days is open there."
    zone = hours.windows[0].zone if hours.windows else environment.zone
    return f"It may be run next {moment_words(opens, zone)}, in {distance(opens - now)}."
