"""Where things are on one lab host, found from the environment of the command that runs.

Every path of the service is spelled here once, so that a runbook's `cat run/orders-db.pid` and the daemon mean the
same file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class OrdersRefused(Exception):  # noqa: N818 - said to an operator, in the service's own words
    """The service will not do it; the text says why and what to do instead."""


class OrdersHome(NamedTuple):
    """One host of the lab as its own processes see it."""

    home: Path
    """The host's directory; every command starts there."""
    host: str
    sockets: Path
    """A short 0700 directory for Unix sockets, whose paths may not exceed about a hundred bytes."""

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> OrdersHome:
        """The host on which this process runs.

        Raises:
            Refused: The process was not started on a lab host.
        """
        try:
            return cls(Path(environment["HOME"]), environment["LAB_HOST"], Path(environment["LAB_SOCKETS"]))
        except KeyError as missing:
            message = f"{missing.args[0]} is not set: this tool only works on a host of the lab"
            raise OrdersRefused(message) from None

    @property
    def data(self) -> Path:
        """The live data of a database."""
        return self.home / "data"

    @property
    def restored(self) -> Path:
        """A restored set, beside the live data until somebody switches to it."""
        return self.home / "data.restored"

    @property
    def backups(self) -> Path:
        """One directory per backup."""
        return self.home / "backups"

    @property
    def releases(self) -> Path:
        """One directory per release, and the link `current`."""
        return self.home / "releases"

    @property
    def peer(self) -> str:
        """The other database.

        Raises:
            Refused: This host is not a database.
        """
        return self.setting("peer")

    def setting(self, name: str) -> str:
        """One line of configuration from `etc/`.

        Raises:
            Refused: This host has no such setting.
        """
        try:
            return (self.home / "etc" / name).read_text("utf-8").strip()
        except FileNotFoundError:
            message = f"{self.host} has no etc/{name}: this is not the host for that command"
            raise OrdersRefused(message) from None

    def has(self, name: str) -> bool:
        """True when this host has that setting, which is how its role is told."""
        return (self.home / "etc" / name).exists()

    def set(self, name: str, value: str) -> None:
        """Replace a setting by rename, so that a reader sees the old line or the new one."""
        replace_text(self.home / "etc" / name, f"{value}\n")

    def pid_file(self, service: str) -> Path:
        """Holds the pid, and is locked for as long as the process lives."""
        return self.home / "run" / f"{service}.pid"

    def log_file(self, service: str) -> Path:
        """What the daemon said."""
        return self.home / "log" / f"{service}.log"

    def socket_of(self, host: str) -> Path:
        """Where the database of a host listens."""
        return self.sockets / f"{host}.sock"


def replace_text(path: Path, text: str) -> None:
    """Write a small file so that it is whole or not there at all, and on disk when this returns.

    The directory is synced as well: without it a rename may be forgotten by a crash.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames inside a directory survive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
