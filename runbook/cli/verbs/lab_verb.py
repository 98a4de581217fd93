"""`runbook lab`: bring the practice fleet up, take it down, look at it. All three may be called at any time."""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, settings
from runbook.cli.diagnostics import story
from runbook.cli.text.data import print_json, print_table
from runbook.lab import control
from runbook.lab.state import HostState, LabState
from runbook.problem import Exit
from runbook.view.sanitize import safe


@click.group("lab")
def verb() -> None:
    """A fleet of real SSH servers on this machine, to practise on."""


@verb.command()
@json_option
@click.option("--fresh", is_flag=True, help="Give every host its first state.")
def up(*, as_json: bool, fresh: bool) -> int:
    """Start it, and write its inventory: `-i lab`."""
    place = settings()
    state = control.up(place.lab, inventory=place.inventories / "lab", fresh=fresh)
    _show(state, as_json=as_json)
    story(beside_data=as_json)("The lab is up. Use it with: -i lab")
    return int(Exit.HELD)


@verb.command()
@json_option
def down(*, as_json: bool) -> int:
    """Stop it; keys, ports and data stay for next time."""
    state = control.down(settings().lab)
    if as_json:
        print_json(state)
    story(beside_data=as_json)("The lab is down.")
    return int(Exit.HELD)


@verb.command()
@json_option
def status(*, as_json: bool) -> int:
    """Show its hosts and services; fails when it does not run."""
    state = control.status(settings().lab)
    _show(state, as_json=as_json)
    story(beside_data=as_json)("The lab is up." if state.running else "The lab is down. Start it with: runbook lab up")
    return int(Exit.HELD if state.running else Exit.FAILED)


def _show(state: LabState, *, as_json: bool) -> None:
    if as_json:
        print_json(state)
    elif state.running:
        print_table(("host", "ssh", "services"), [_cells(host) for host in state.hosts])
        click.echo(f"\nhttp       http://127.0.0.1:{state.http_port}/health\nlog        {safe(state.log)}")


def _cells(host: HostState) -> tuple[str, ...]:
    services = ", ".join(f"{name} {state}" for name, state in host.services.items())
    return (host.name, f"{host.address}:{host.port}", safe(services) or "-")
