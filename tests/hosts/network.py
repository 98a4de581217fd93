"""A cable between this machine and the hosts of a test: a bridge of its own, a network namespace for each host.

Addresses are of a block that is kept free for examples. Tests run beside each other, so each network takes one of sixteen
parts of it, by a lock that ends with the process.
"""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path
from typing import IO

from tests.hosts.tree import CACHE

PARTS = 16


def ip(*words: str, check: bool = True) -> None:
    """Run `ip`; a failure carries what it said."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30, check=False)
    if check and done.returncode:
        message = f"ip {' '.join(words)}: {done.stderr.strip()}"
        raise OSError(message)


class Network:
    """A bridge with this machine on it as `.1`, in both families."""

    def __init__(self) -> None:
        self.part, self._lock = _free_part()
        self.bridge = f"rbtest{self.part}"
        self._next = 2
        self._spaces: list[str] = []
        self.own = self.address(1)
        ip("link", "delete", self.bridge, check=False)
        ip("link", "add", self.bridge, "type", "bridge")
        ip("address", "add", f"{self.own}/28", "dev", self.bridge)
        ip("address", "add", f"{self.address6(1)}/64", "dev", self.bridge, "nodad")
        ip("link", "set", self.bridge, "up")

    def address(self, number: int) -> str:
        """The IPv4 address of the so many-th machine."""
        return f"198.51.100.{16 * self.part + number}"

    def address6(self, number: int) -> str:
        """Its IPv6 address."""
        return f"fd7b:11:{self.part:x}::{number:x}"

    def plug_in(self, name: str) -> int:
        """Make the namespace of one host, with its cable; its number."""
        number, self._next = self._next, self._next + 1
        near = f"{self.bridge}p{number}"
        ip("netns", "delete", name, check=False)
        ip("link", "delete", near, check=False)
        ip("netns", "add", name)
        self._spaces.append(name)
        ip("link", "add", near, "type", "veth", "peer", "host0", "netns", name)
        ip("link", "set", near, "master", self.bridge, "up")
        ip("-n", name, "address", "add", f"{self.address(number)}/28", "dev", "host0")
        ip("-n", name, "address", "add", f"{self.address6(number)}/64", "dev", "host0", "nodad")
        for device in ("lo", "host0"):
            ip("-n", name, "link", "set", device, "up")
        ip("-n", name, "route", "add", "default", "via", self.own)
        return number

    def cut(self, number: int) -> None:
        """Pull the cable of one host."""
        ip("link", "set", f"{self.bridge}p{number}", "down")

    def join(self, number: int) -> None:
        """Put it back."""
        ip("link", "set", f"{self.bridge}p{number}", "up")

    def remove(self) -> None:
        """Take all of it away."""
        for name in self._spaces:
            ip("netns", "delete", name, check=False)
        ip("link", "delete", self.bridge, check=False)
        self._lock.close()


def _free_part() -> tuple[int, IO[str]]:
    (CACHE / "parts").mkdir(parents=True, exist_ok=True)
    for part in range(PARTS):
        lock = Path(CACHE / "parts" / str(part)).open("w")  # noqa: SIM115 - held as long as the network
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return part, lock
    message = "all networks for tests are in use"
    raise OSError(message)
