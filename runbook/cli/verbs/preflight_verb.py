"""`runbook preflight`: connect to every host and look; nothing runs, nothing changes, nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import click
import msgspec

from runbook.cli.compose import given, json_option, parameter_option, run_async, workspace
from runbook.cli.diagnostics import tell
from runbook.cli.options.become import become_options
from runbook.cli.options.inventory import inventory_options
from runbook.core.outcome import Outcome
from runbook.inventory.manner import Reading
from runbook.problem import Exit
from runbook.view.reasons import brief, shared
from runbook.view.sanitize import safe
from runbook.view.words import name_hosts
from runbook.workspace.preflight import Inspection, inspect
from runbook.workspace.prepare import Wish, prepare


@dataclass(frozen=True, slots=True)
class _Row:
    host: str
    check: str
    word: str
    detail: str


@click.command("preflight")
@click.argument("book")
@inventory_options
@become_options
@parameter_option
@json_option
@click.option("-l", "--limit", default="", help="Only these hosts: a pattern.")
def verb(  # noqa: PLR0913 - one for each option
    *, book: str, inventory: str, reading: Reading, sudo: str, params: tuple[str, ...], as_json: bool, limit: str
) -> int:
    """Reach, host key, login, sudo where needed, clock, space, tools: on every host of a runbook."""
    place = workspace("preflight")
    wish = Wish(book=book, inventory=inventory, reading=reading, given=given(params), limit=limit, sudo=sudo)
    prepared = prepare(place.settings, wish, None, sudo=place.secret)
    keys = run_async(place.keys_for(prepared.plan))
    found = run_async(inspect(prepared.plan, prepared.folder, prepared.sudo_passwords, keys))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found)
    outcomes = {host.outcome for host in found}
    if Outcome.UNREACHABLE in outcomes:
        return int(Exit.UNREACHABLE)
    return int(Exit.HELD if outcomes <= {Outcome.SUCCEEDED} else Exit.FAILED)


def _show(found: tuple[Inspection, ...]) -> None:
    rows = [
        _Row(host.host, check.check, "OK" if check.ok else "FAIL", check.detail)
        for host in found
        for check in host.checks
    ]
    width = max((len(row.host) for row in rows), default=4)
    for row in rows:
        click.echo(f"{row.word:<5} {safe(row.host):<{width}}  {safe(row.check):<10} {safe(brief(row.detail))}".rstrip())
    for group in shared((host.host, host.detail) for host in found if host.outcome is not Outcome.SUCCEEDED):
        first, *others = group.reason.lines()
        tell(f"\n{safe(name_hosts(group.hosts))}: {safe(first)}")
        for line in others:
            tell(f"  {safe(line)}")
