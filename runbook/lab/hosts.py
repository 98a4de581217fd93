"""What a host of the lab is made of on disk: its tools, its settings and the data that it starts with.

`furnish` makes a new host. A reset removes the host's directory and furnishes it again, so there is only one
initial state and no list of things to undo.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from runbook.lab.layout import HOSTS, HTTP_OFFSET, LAB_USER, LabHost, Layout
from runbook.lab.orders import backups, releases
from runbook.lab.orders.database import Role, write_role
from runbook.lab.orders.orderlog import Order, write_orders
from runbook.lab.orders.place import OrdersHome

SEED = tuple(Order(seq, 1, 1_790_000_000.0 + 60.0 * seq, 0, f"order {seq} of the first day") for seq in range(1, 41))
"""The orders that a new lab has, the same in every lab, so that checksums of its first backup are the same too."""

FIRST_BACKUP = "nightly"
"""A backup that is there from the start, so that a restore has something to restore."""

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Site(NamedTuple):
    """What all hosts of a running lab share."""

    layout: Layout
    base_port: int
    sockets: Path

    def place(self, host: str) -> OrdersHome:
        """A host as its own tools see it."""
        return OrdersHome(self.layout.home(host), host, self.sockets)

    def environment(self, host: str) -> dict[str, str]:
        """What a command on this host finds. Nothing of the operator's own environment leaks in."""
        home = self.layout.home(host)
        return {
            "HOME": str(home),
            "LAB_HOST": host,
            "LAB_ROOT": str(self.layout.root),
            "LAB_SOCKETS": str(self.sockets),
            "LANG": "C",
            "LOGNAME": LAB_USER,
            "PATH": f"{home / 'bin'}:{SYSTEM_PATH}",
            "SHELL": "/bin/sh",
            "USER": LAB_USER,
        }


def furnish(site: Site, host: LabHost) -> None:
    """Make a new host; one that exists keeps its data and gets today's tools and ports."""
    place = site.place(host.name)
    new = not (place.home / "etc").exists()
    for folder in ("bin", "etc", "run", "log"):
        (place.home / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_tools(site, place)
    match host.role:
        case "database":
            if new:
                _new_database(place)
        case "application":
            place.set("http-port", str(site.base_port + HTTP_OFFSET))
            if new:
                _new_application(place)


def remove(site: Site, host: LabHost) -> None:
    """Delete everything that a host is; its processes must have ended."""
    shutil.rmtree(site.layout.home(host.name), ignore_errors=True)


def _new_database(place: OrdersHome) -> None:
    first, second = (host.name for host in HOSTS if host.role == "database")
    place.set("peer", second if place.host == first else first)
    place.set("replication-delay", "0.3")
    place.data.mkdir(mode=0o700)
    place.backups.mkdir(mode=0o700)
    write_orders(place.data / "orders.log", SEED)
    write_role(place.data, Role("primary" if place.host == first else "standby", 1))
    backups.take(place, FIRST_BACKUP)


def _new_application(place: OrdersHome) -> None:
    place.set("primary", HOSTS[0].name)
    place.set("api-token", secrets.token_hex(16))
    releases.install(place)


def _write_tools(site: Site, place: OrdersHome) -> None:
    """Small wrappers that carry the host's identity, so that a scrubbed environment still reaches the right host."""
    environment = site.environment(place.host)
    identity = {name: environment[name] for name in ("HOME", "LAB_HOST", "LAB_ROOT", "LAB_SOCKETS")}
    identity["PYTHONPATH"] = str(Path(__file__).parents[2])
    export = " ".join(f"{name}={shlex.quote(value)}" for name, value in identity.items())
    python = f"export {export}\nexec {shlex.quote(sys.executable)} -S -m"
    _tool(place, "orders", f'{python} runbook.lab.orders "$@"')
    _tool(place, "service", f'{python} runbook.lab.orders service "$@"')
    _tool(place, "misbehave", f'{python} runbook.lab.misbehaviour "$@"')


def _tool(place: OrdersHome, name: str, line: str) -> None:
    path = place.home / "bin" / name
    path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    path.chmod(0o700)
