"""`runbook finding`: write down what came to light, list what is open, close what is mended."""

from __future__ import annotations

import os
from datetime import date
from typing import get_args

import click

from runbook.cli.compose import json_option, recordings_option, settings
from runbook.cli.diagnostics import say
from runbook.cli.text.data import print_json, print_table
from runbook.core.actor import Actor
from runbook.core.finding import Category, Closed, Finding, Opened, Severity
from runbook.engine.clock import SystemClock, wall_text
from runbook.problem import Exit, problem
from runbook.talk.person import person, this_machine
from runbook.view.sanitize import safe
from runbook.workspace.findings import close_finding, open_finding, read_findings

_HEAD = ("finding", "state", "severity", "category", "owner", "due", "run", "title")


@click.group("finding")
def verb() -> None:
    """Findings, lessons and improvements: what came to light, and what became of it."""


@verb.command("add")
@recordings_option
@click.argument("title")
@click.option("--severity", default="medium", type=click.Choice(get_args(Severity)), help="How bad it is.")
@click.option("--category", default="finding", type=click.Choice(get_args(Category)[:3]), help="What it is.")
@click.option("--owner", default="", help="Who takes care of it.")
@click.option("--due", default="", metavar="DATE", help="Until when: 2026-12-24.")
@click.option("--run", default="", help="The run in which it came to light.")
@click.option("--link", default="", help="Where more is written about it.")
def add(*, recordings: str, title: str, **said: str) -> int:
    """Write one down; its name is printed."""
    if said["due"]:
        _date(said["due"])
    opened = open_finding(
        settings(recordings).recordings,
        lambda name: Opened(finding=name, at=_now(), by=_me(), title=title, **said),  # type: ignore[arg-type]  # click has checked the choices
    )
    click.echo(opened.finding)
    return 0


@verb.command("list")
@recordings_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Closed ones as well.")
@click.option("--check", is_flag=True, help="End with status 1 when one is overdue.")
def listed(*, recordings: str, as_json: bool, everything: bool, check: bool) -> int:
    """List those that are open, the overdue ones marked."""
    today = SystemClock().today()
    found = [
        (one.state(today), one)
        for one in read_findings(settings(recordings).recordings).values()
        if everything or one.closed is None
    ]
    if as_json:
        print_json([{"state": state, "opened": one.opened, "closed": one.closed} for state, one in found])
    elif found:
        print_table(_HEAD, [_cells(state, one) for state, one in found])
    else:
        say("Nothing is open.")
    return int(Exit.FAILED if check and any(state == "overdue" for state, _ in found) else Exit.HELD)


@verb.command("close")
@recordings_option
@click.argument("name")
@click.option("-m", "--message", default="", metavar="TEXT", help="What was done about it.")
@click.option("--retest", default="", metavar="RUN", help="The run that showed that it is mended.")
def close(*, recordings: str, name: str, message: str, retest: str) -> int:
    """Close one, with a reason."""
    closing = Closed(finding=name, at=_now(), by=_me(), reason=message, retest=retest)
    close_finding(settings(recordings).recordings, closing)
    return 0


def _cells(state: str, one: Finding) -> tuple[str, ...]:
    told = one.opened
    cells = (told.finding, state, told.severity, told.category, told.owner, told.due, told.run, told.title)
    return tuple(safe(cell) or "-" for cell in cells)


def _me() -> Actor:
    return person(os.getuid(), machine=this_machine(), via="finding")


def _now() -> str:
    return wall_text(SystemClock().wall())


def _date(text: str) -> date:
    """The date.

    Raises:
        Problems: It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise problem(f'"{text}" is no date', fix="Write it as 2026-12-24.", code="bad-date") from None
