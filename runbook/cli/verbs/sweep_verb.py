"""`runbook sweep`: what faults have left on hosts, of whichever run; listed, and lifted when somebody says so."""

from __future__ import annotations

import sys

import click

from runbook.cli.compose import json_option, run_async, settings
from runbook.cli.diagnostics import say, tell
from runbook.cli.options.inventory import inventory_options, named_inventory
from runbook.cli.text.data import print_json, print_table
from runbook.inventory.manner import Reading
from runbook.inventory.pattern import named
from runbook.problem import Exit
from runbook.steps.left_behind import Left
from runbook.view.sanitize import safe
from runbook.view.words import plural
from runbook.workspace.sweeping import Swept, sweep

_HEAD = ("host", "as", "what", "state", "there", "lifts itself")


@click.command("sweep")
@click.argument("pattern", default="all")
@inventory_options
@json_option
@click.option("--yes", is_flag=True, help="Lift without asking.")
@click.option("--held", is_flag=True, help="Also what is held on purpose: it may keep two primaries apart.")
def verb(*, pattern: str, inventory: str, reading: Reading, as_json: bool, yes: bool, held: bool) -> int:
    """What faults have left on the hosts that a PATTERN names, and lift it.

    Touches only what is named after a run of this program. Lists first, and lifts when you say so. Exit status 4 while
    anything may still be live, 3 when a host could not be asked.
    """
    place = named_inventory(settings(), inventory, reading)
    hosts = [place.hosts[name] for name in named(place, pattern) if name in place.hosts]
    found = run_async(sweep(hosts))
    chosen = [left for each in found for left in each.left if held or not left.is_held]
    if chosen and not as_json:
        _show(found)
    if chosen and (yes or _agreed(chosen)):
        found = run_async(sweep(hosts, frozenset((left.host, left.own) for left in chosen)))
        say(f"Lifted {plural(len(chosen), 'thing')}. What is there now:")
        chosen = []
    if as_json:
        print_json(found)
    elif not chosen:
        _show(found)
    return int(_exit(found))


def _agreed(chosen: list[Left]) -> bool:
    if not sys.stdin.isatty():
        if any(left.may_be_live for left in chosen):
            say("Nothing was lifted: nobody is here to be asked. Lift it with --yes.")
        return False
    return click.confirm(f"Lift {plural(len(chosen), 'thing')}?", default=False, err=True)


def _show(found: tuple[Swept, ...]) -> None:
    rows = sorted((left for each in found for left in each.left), key=lambda left: not left.may_be_live)
    if rows:
        live = sum(left.may_be_live for left in rows)
        print_table(_HEAD, [_cells(left) for left in rows])
        say(f"{live or 'None'} of these may be live{', and stands above' if 0 < live < len(rows) else ''}.")
    for each in found:
        for why in each.unseen:
            say(f"{safe(each.host)} was not looked at: {safe(why)}")
    if not rows:
        looked = sum(not each.unseen for each in found)
        tell(f"Nothing of ours on {plural(looked, 'host')}.")


def _cells(left: Left) -> tuple[str, ...]:
    lifts = "held" if left.is_held else f"in {left.left} s" if left.left else "-"
    cells = (left.host, left.user or "login", left.own, left.state, left.present or "-", lifts)
    return tuple(safe(cell) for cell in cells)


def _exit(found: tuple[Swept, ...]) -> Exit:
    if any(each.may_be_live for each in found):
        return Exit.FAULT_LIVE
    return Exit.UNREACHABLE if any(each.unseen for each in found) else Exit.HELD
