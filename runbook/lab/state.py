"""What a lab is at a moment, as `up`, `down` and `status` report it and as the server leaves it on disk."""

from __future__ import annotations

import msgspec

from runbook.lab.layout import HOSTS, HTTP_OFFSET, Layout


class HostState(msgspec.Struct, frozen=True, kw_only=True):
    """One host."""

    name: str
    address: str
    port: int
    """SSH."""
    services: dict[str, str] = {}
    """Service to `running`, `dead` or `stopped`, as the processes are and not as they should be."""


class LabState(msgspec.Struct, frozen=True, kw_only=True):
    """A lab, seen from outside."""

    root: str
    running: bool
    """True while the SSH servers answer. Services may still be dead: that is what a lab is for."""
    pid: int = 0
    """Of the server process; 0 when it does not run."""
    http_port: int = 0
    """Of the application; 0 before the first `up`."""
    hosts: tuple[HostState, ...] = ()
    inventory: str = ""
    """A directory for `-i`."""
    log: str = ""


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """What the server writes when it listens, and leaves behind so that the next one takes the same ports."""

    pid: int
    base_port: int
    sockets: str
    """The short directory for Unix sockets; gone when the lab is down."""


def read_state(layout: Layout) -> ServerState:
    """The last server's word; without pid and ports when no lab ever ran here, or when the file is no state."""
    try:
        return msgspec.json.decode(layout.state.read_bytes(), type=ServerState)
    except (FileNotFoundError, msgspec.MsgspecError):
        return ServerState(pid=0, base_port=0, sockets="")


def write_state(layout: Layout, state: ServerState) -> None:
    """Replace it by rename; a reader sees this one or the one before."""
    beside = layout.state.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(state) + b"\n")
    beside.rename(layout.state)


def describe(layout: Layout, server: ServerState, services: dict[str, dict[str, str]], *, running: bool) -> LabState:
    """Put together what is shown."""
    base = server.base_port
    return LabState(
        root=str(layout.root),
        running=running,
        pid=server.pid if running else 0,
        http_port=base + HTTP_OFFSET if base else 0,
        hosts=tuple(
            HostState(
                name=host.name, address="127.0.0.1", port=base + host.offset, services=services.get(host.name, {})
            )
            for host in HOSTS
            if base
        ),
        inventory=str(layout.inventory) if base else "",
        log=str(layout.log),
    )
