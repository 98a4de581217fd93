"""Two machines on a cable of their own: network namespaces, one for the runner and one for the host."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.openssh import skip_or_fail

NEAR, FAR = "10.213.7.1", "10.213.7.2"
"""Addresses of the two ends; they exist in the namespaces and nowhere else."""

CLONE_NEWNET = 0x40000000


class Cable:
    """Two namespaces and the cable between them."""

    def __init__(self) -> None:
        self.near, self.far = (f"runbook-{os.getpid()}-{end}" for end in ("near", "far"))

    def lay(self) -> None:
        """Make both, or skip where that is not allowed."""
        if os.getuid() != 0 or not shutil.which("ip"):
            skip_or_fail("network namespaces need root and iproute2")
        made = [_ip("netns", "add", name) for name in (self.near, self.far)]
        made.append(_ip("link", "add", "near", "netns", self.near, "type", "veth", "peer", "far", "netns", self.far))
        for name, end, address in ((self.near, "near", NEAR), (self.far, "far", FAR)):
            made.append(_ip("-n", name, "address", "add", f"{address}/30", "dev", end))
            made.extend(_ip("-n", name, "link", "set", device, "up") for device in ("lo", end))
        if wrong := "; ".join(filter(None, made)):
            self.remove()
            skip_or_fail(f"no network namespace can be made: {wrong}")

    def remove(self) -> None:
        """Both, with the cable."""
        for name in (self.near, self.far):
            _ip("netns", "delete", name)

    def pull(self) -> None:
        """The runner's machine has no network any more."""
        assert not _ip("-n", self.near, "link", "set", "near", "down")

    def plug(self) -> None:
        """It has one again."""
        assert not _ip("-n", self.near, "link", "set", "near", "up")

    @property
    def there(self) -> tuple[str, ...]:
        """Words that put a program on the far machine."""
        return ("ip", "netns", "exec", self.far)

    @contextmanager
    def here(self) -> Iterator[None]:
        """This thread is on the near machine, and so is every process that it starts."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        inside = os.open(Path("/run/netns") / self.near, os.O_RDONLY)
        try:
            _enter(inside)
            yield
        finally:
            _enter(before)
            os.close(inside)
            os.close(before)


def _ip(*words: str) -> str:
    """What went wrong; nothing when it went well."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)
    return f"ip {' '.join(words)}: {done.stderr.strip()}" if done.returncode else ""


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
