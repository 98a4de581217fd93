"""Everything that is resolved about one host and where it came from: what `hosts explain` shows.

It decides nothing: the values are those of the `Host` that a plan would carry, so what is explained is what happens.
Secrets are shown as their mask, and what Ansible alone could read is named instead of left out.
"""

from __future__ import annotations

import json

import msgspec

from runbook.core.host import Host
from runbook.core.inventory import Inventory, Password
from runbook.core.planned.command import MASK
from runbook.inventory.secret_variables import cannot_be_read
from runbook.problem import Problem, Where, nearest, problem

_DEFAULTS = {
    "address": ("{name}", "its name"),
    "port": ("22", "ssh_config, else 22"),
    "user": ("", "ssh_config, else your login name"),
    "connection": ("ssh", "default"),
    "key_files": ("", "ssh_config, else your keys and agent"),
    "known_hosts": ("", "your known_hosts and the system's"),
    "host_key_alias": ("", "default"),
    "host_keys": ("strict", "default"),
    "jump": ("", "ssh_config, else none"),
    "ssh_config": ("~/.ssh/config", "default"),
    "become_user": ("root", "default"),
}
"""Field of `Host` to what holds where the inventory says nothing, and who says so."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the explanation."""

    field: str
    """A field of `Host`, `groups`, or `variables.NAME`."""
    value: str
    """As shown. Not safe for a terminal as it is: inventories are other people's text."""
    origin: str
    """`file:line`, or who decides where no file does."""
    overrides: tuple[str, ...] = ()
    """Places that say otherwise and were overruled, the strongest first."""


def explain(inventory: Inventory, host: str) -> tuple[Resolved, ...]:
    """Every resolved value of a host: connection first, then groups, then variables by name.

    Raises:
        Problems: code `no-hosts`: the inventory has no such host.
    """
    if host not in inventory.hosts:
        where = Where(inventory.source)
        fix = nearest(host, inventory.hosts)
        raise problem(f'"{host}" is no host of {inventory.name}', fix=fix, where=where, code="no-hosts")
    it = inventory.hosts[host]
    groups = Resolved(field="groups", value=", ".join(it.groups), origin=inventory.source)
    return (*_fields(inventory, it), groups, *_variables(inventory, it), *_unread(inventory, host))


def why_missing(inventory: Inventory, host: str, variable: str) -> tuple[Problem, ...]:
    """Why a variable is not among the host's; empty where the inventory sets none and all of it could be read.

    For whoever found that a template uses a variable that the host does not have.
    """
    unreadable = inventory.unreadable.get(host, {}).values()
    found = [cannot_be_read(it, f'variable "{variable}" of {host}') for it in unreadable if it.variable == variable]
    secrets = (it for it in inventory.passwords if it.host == host)
    known = (*found, *(_secret(it) for it in secrets if it.variable.partition(".")[0] == variable))
    return known or tuple(_may_stand_there(it, variable, host) for it in inventory.unread.get(host, ()))


def _may_stand_there(it: Problem, variable: str, host: str) -> Problem:
    what = f'variable "{variable}" of {host} may stand in a file that could not be read'
    why = f"{it.what}{f': {it.why}' if it.why else ''}"
    return Problem(what=what, why=why, fix=it.fix, where=it.where, code="unreadable-value")


def _secret(it: Password) -> Problem:
    return Problem(
        what=f'variable "{it.variable}" of {it.host} is taken for a secret',
        why="its name says so, and a plan is written to disk",
        fix="Declare a parameter of type secret for it.",
        where=Where(it.origin),
        code="secret-variable",
    )


def _fields(inventory: Inventory, host: Host) -> tuple[Resolved, ...]:
    """How it is reached; of a host that cannot be, that it is not."""
    reasons = inventory.unusable.get(host.name, ())
    blocked = (Resolved(field="usable", value=f"no: {it.what}", origin=str(it.where or "")) for it in reasons)
    return (*blocked, *(_field(host, name) for name in _DEFAULTS))


def _unread(inventory: Inventory, host: str) -> tuple[Resolved, ...]:
    """The files that would say more about it, had anybody been able to read them."""
    return tuple(
        Resolved(field="variables", value=f"({it.what})", origin=str(it.where or ""))
        for it in inventory.unread.get(host, ())
    )


def _field(host: Host, name: str) -> Resolved:
    stated = host.origins.get(name)
    if stated is None:
        value, origin = _DEFAULTS[name]
        return Resolved(field=name, value=value.format(name=host.name), origin=origin)
    value = getattr(host, name)
    shown = ", ".join(value) if isinstance(value, tuple) else str(value)
    return Resolved(field=name, value=shown, origin=stated)


def _variables(inventory: Inventory, host: Host) -> tuple[Resolved, ...]:
    shown = {name: json.dumps(value, ensure_ascii=False) for name, value in host.variables.items()}
    shown |= {name: f"({it.form})" for name, it in inventory.unreadable.get(host.name, {}).items()}
    secrets = (password for password in inventory.passwords if password.host == host.name)
    shown |= {secret.variable: MASK for secret in secrets}
    return tuple(_variable(inventory, host, name, shown[name]) for name in sorted(shown))


def _variable(inventory: Inventory, host: Host, name: str, value: str) -> Resolved:
    places = inventory.origins.get(host.name, {}).get(name.partition(".")[0], ("",))
    return Resolved(field=f"variables.{name}", value=value, origin=places[0], overrides=places[1:])
