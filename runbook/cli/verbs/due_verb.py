"""`runbook due`: what should have happened, what should happen next, and how every schedule stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click

from runbook.cli.compose import recordings_option, settings, store
from runbook.cli.diagnostics import problem_text, say
from runbook.cli.options.moment import instant
from runbook.cli.text.data import print_json, print_table
from runbook.cli.text.due import HEAD, cells, comma_separated, markdown
from runbook.problem import Exit, nearest, problem
from runbook.schedule.agenda import Agenda, Item, agenda
from runbook.schedule.explaining import explained
from runbook.schedule.row import DueRow, row_of
from runbook.view.sanitize import safe_row
from runbook.workspace.settings import Settings

STATES = ("running", "invalid", "overdue", "missed", "postponed", "due", "due soon", "in date", "never")
FORMATS = ("text", "json", "csv", "md", "ics")


@click.command("due")
@recordings_option
@click.option("--service", default="", help="Only of this service.")
@click.option("--tier", default="", help="Only of services of this tier.")
@click.option("--environment", default="", help="Only in this place.")
@click.option("--runbook", "book", default="", help="Only of this runbook.")
@click.option("--kind", default="", help="Only of this kind.")
@click.option("--owner", default="", help="Only what they own.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only what stands so; many times.")
@click.option("--format", "form", default="text", type=click.Choice(FORMATS), help="ics is a calendar to subscribe to.")
@click.option("--check", is_flag=True, help="End with status 1 when something is overdue or was missed.")
@click.option("--explain", default="", metavar="RUNBOOK", help="Why it stands so, clause by clause.")
@click.option("--at", "moment", default="", metavar="TIME", help="As it would stand then: 2026-12-24T02:00Z.")
def verb(  # noqa: PLR0913 - one for each option
    *,
    recordings: str,
    service: str,
    tier: str,
    environment: str,
    book: str,
    kind: str,
    owner: str,
    states: tuple[str, ...],
    form: str,
    check: bool,
    explain: str,
    moment: str,
) -> int:
    """Show what is due: every schedule in its place, the last run that fulfils it, and the next date."""
    now = instant(moment)
    here = settings(recordings)
    found = agenda(here, store(recordings), now)
    for one in found.problems:
        say(problem_text(one))
    if explain:
        return _explain(found, explain, now)
    wanted = {"service": service, "tier": tier, "environment": environment}
    wanted |= {"runbook": book, "kind": kind, "owner": owner}
    rows = [(item, row) for item in found.items if _fits(row := row_of(item), wanted, states)]
    _show(form, here, found, rows)
    bad = check and any(row.by_date in {"overdue", "missed"} for _, row in rows)
    return int(Exit.FAILED if bad else Exit.USAGE if check and found.problems else Exit.HELD)


def _fits(row: DueRow, wanted: dict[str, str], states: tuple[str, ...]) -> bool:
    named = all(not value or getattr(row, name) == value for name, value in wanted.items())
    return named and (not states or row.state in states)


def _show(form: str, here: Settings, found: Agenda, rows: list[tuple[Item, DueRow]]) -> None:
    plain = [row for _, row in rows]
    shown: dict[str, Callable[[], None]] = {
        "text": lambda: _table(plain),
        "json": lambda: print_json(plain),
        "csv": lambda: click.echo(comma_separated(plain), nl=False),
        "md": lambda: click.echo("\n".join(markdown(plain))),
        "ics": lambda: _calendar(here, found, [item for item, _ in rows]),
    }
    shown[form]()


def _table(rows: list[DueRow]) -> None:
    if rows:
        print_table(HEAD, cells(rows))
    else:
        say("Nothing is scheduled. A runbook says when with: schedule: {every: 90d}")


def _calendar(here: Settings, found: Agenda, items: list[Item]) -> None:
    from runbook.schedule.calendar_file import calendar_file  # noqa: PLC0415 - a library that only this format needs

    click.echo(calendar_file(items, stamp=found.stamp, workspace=str(here.root)), nl=False)


def _explain(found: Agenda, name: str, now: datetime) -> int:
    chosen = [item for item in found.items if item.duty.runbook == name]
    if not chosen:
        known = [item.duty.runbook for item in found.items]
        fix = f"{nearest(name, known)} A runbook says when with: schedule: {{every: 90d}}".strip()
        raise problem(f'"{name}" has no schedule', fix=fix, code="no-schedule")
    for item in chosen:
        for line in explained(item, now):
            click.echo(safe_row(line))
    return 0
