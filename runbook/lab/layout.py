"""Where a lab keeps its things, and which hosts it has.

One directory holds a whole lab: keys, hosts, logs, state. Deleting it when the lab is down deletes the lab.
Sockets are the one exception: their paths may not exceed about a hundred bytes, so they live in a short
directory of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

LAB_USER = "lab"
"""The login name on every lab host. It is no account of the machine."""

FIRST_PORT = 22200
"""Where the search for a free block of ports begins; below the ranges from which kernels take outgoing ports."""

BLOCK = 10
"""Ports per lab: the base is its claim to the others, + 1, 2, 3 for SSH to db1, db2, app1, + 8 for the application."""

BLOCKS = 200
"""How many labs of how many users may be on one machine."""

HTTP_OFFSET = 8

SOCKETS_PREFIX = "runbook-lab-"
"""How a directory of sockets is recognised before it is deleted."""


class LabHost(NamedTuple):
    """One host as the lab is built; what it does is decided by its role."""

    name: str
    role: Literal["database", "application"]
    offset: int
    """Its SSH port within the lab's block."""


HOSTS = (LabHost("db1", "database", 1), LabHost("db2", "database", 2), LabHost("app1", "application", 3))
"""The fleet: a primary, its standby, and the application in front."""


class Layout(NamedTuple):
    """The paths of one lab."""

    root: Path
    """Absolute, and 0700: it holds private keys."""

    @classmethod
    def at(cls, root: Path) -> Layout:
        """The lab in this directory, whether it exists or not."""
        return cls(root.resolve())

    @property
    def state(self) -> Path:
        """What the server last said of itself."""
        return self.root / "lab.json"

    @property
    def lock(self) -> Path:
        """Held while somebody brings this lab up or down."""
        return self.root / "lab.lock"

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.root / "lab.log"

    @property
    def inventory(self) -> Path:
        """An inventory of this lab alone, complete and ready for `-i`."""
        return self.root / "inventory"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, as OpenSSH wants them."""
        return self.root / "keys" / "known_hosts"

    @property
    def operator_key(self) -> Path:
        """The one private key that opens these hosts."""
        return self.root / "keys" / "operator"

    def host_key(self, host: str) -> Path:
        """A host's own private key."""
        return self.root / "keys" / f"host-{host}"

    def home(self, host: str) -> Path:
        """The host's directory: HOME of its commands and root of its SFTP."""
        return self.root / "hosts" / host
