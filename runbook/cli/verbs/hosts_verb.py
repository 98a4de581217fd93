"""`runbook hosts`: which hosts an inventory has, and why one of them is reached the way it is."""

from __future__ import annotations

import click
from msgspec import to_builtins

from runbook.cli.compose import json_option, run_async, settings
from runbook.cli.diagnostics import explain
from runbook.cli.options.inventory import inventory_options, named_inventory
from runbook.cli.text.data import print_json, print_table
from runbook.core.host import Host, at_port
from runbook.inventory.explain import Resolved
from runbook.inventory.explain import explain as resolve
from runbook.inventory.manner import Reading
from runbook.inventory.pattern import named
from runbook.problem import Problems
from runbook.view.sanitize import safe


@click.group("hosts")
def verb() -> None:
    """List an inventory's hosts, or explain one."""


@verb.command("list")
@click.argument("pattern", default="all")
@inventory_options
@json_option
def list_hosts(*, pattern: str, inventory: str, reading: Reading, as_json: bool) -> int:
    """The hosts that a PATTERN names: `all`, a group, a glob, `web:&eu:!web3`."""
    place = named_inventory(settings(), inventory, reading)
    hosts = [place.hosts[name] for name in named(place, pattern) if name in place.hosts]
    why = {name: "; ".join(problem.what for problem in problems) for name, problems in place.unusable.items()}
    if as_json:
        print_json([to_builtins(host) | {"unusable": why.get(host.name, "")} for host in hosts])
        return 0
    print_table(("host", "reached at", "as", "groups"), [_cells(host, why.get(host.name, "")) for host in hosts])
    return 0


@verb.command("explain")
@click.argument("host")
@inventory_options
@json_option
@click.option("--ssh", "with_ssh", is_flag=True, help="Also what ssh_config and the defaults make of it.")
def explain_host(*, host: str, inventory: str, reading: Reading, as_json: bool, with_ssh: bool) -> int:
    """Every resolved value of a HOST, and where it comes from."""
    place = named_inventory(settings(), inventory, reading)
    resolved = (*resolve(place, host), *(_dialled(place.hosts[host]) if with_ssh else ()))
    if as_json:
        print_json(resolved)
        return 0
    print_table(("value", "is", "from"), [_line(one) for one in resolved])
    if place.unusable.get(host):
        explain(Problems(place.unusable[host]))
    return 0


def _cells(host: Host, why_not: str) -> tuple[str, ...]:
    groups = ", ".join(host.groups) or "-"
    if why_not:
        return tuple(safe(cell) for cell in (host.name, f"cannot be used: {why_not}", "-", groups))
    address = at_port(host.target, host.port) if host.port else host.target
    address = "this machine" if host.connection == "local" else address
    return tuple(safe(cell) for cell in (host.name, address, host.user or "-", groups))


def _line(one: Resolved) -> tuple[str, ...]:
    overruled = f" (overrules {', '.join(one.overrides)})" if one.overrides else ""
    return (safe(one.field), safe(one.value) or "-", safe(f"{one.origin}{overruled}"))


def _dialled(host: Host) -> tuple[Resolved, ...]:
    """What a login would use. Imported here: nothing else in this verb needs SSH."""
    from runbook.engine.clock import SystemClock  # noqa: PLC0415 - see above
    from runbook.transport.ssh.connector import SshConnector, SshOptions  # noqa: PLC0415 - see above

    connector = SshConnector(SshOptions(wall=SystemClock().wall))
    found, unsupported = run_async(connector.resolved(host)), run_async(connector.unsupported(host))
    values = (
        Resolved(field=f"ssh.{name}", value=_shown(getattr(found, name)), origin=origin)
        for name, origin in sorted(found.origins.items())
    )
    ignored = (Resolved(field="ssh.ignored", value=line, origin="there is no ssh to ask") for line in unsupported)
    return (*values, *ignored)


def _shown(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, tuple) else str(value)
