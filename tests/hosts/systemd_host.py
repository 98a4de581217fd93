"""A host with systemd as its first process, its own sshd, network and processes; it reboots and powers off like one.

systemd-nspawn needs no systemd outside. It ends with status 133 when the host reboots, and is started again on the same
disk; the network namespace outlives it, so what the kernel would have forgotten is taken away in between. Here cgroup
limits are accepted and do nothing, the clock is this machine's, and the kernel has no netem: such faults need `machine.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts.network import Network
from tests.hosts.remote import Remote
from tests.hosts.tree import Recipe, furnish, tree

REBOOTED = 133
LOGINS = Recipe(packages=("dbus-user-session", "libpam-systemd"))
"""A host whose logins are sessions of logind's, with a systemd of the user's own."""
BOOT_LIMIT = 90
"""Seconds until its sshd answers. 1.4 on a quiet machine."""


@dataclass
class SystemdHost(Remote):
    """One running host. Make it with `host`."""

    name: str = ""
    network: Network = field(default=None)  # type: ignore[assignment]
    number: int = 0
    folder: Path = Path()
    ended: list[int] = field(default_factory=list)
    """Exit statuses of its lives so far: 133 for each reboot, 0 for a power-off."""

    @property
    def root(self) -> Path:
        """Its file system, as this machine sees it."""
        return self.folder / "root"

    @property
    def address6(self) -> str:
        return self.network.address6(self.number)

    def boot(self, lower: Path) -> None:
        """Start it and wait until it takes logins."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        options = f"lowerdir={lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)], check=True)
        furnish(self.root)
        self.authorize(self.root)
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/machine-id").write_text("")
        self._stopping = self._crashed = False
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.wait_for_login(BOOT_LIMIT)

    def _live(self) -> None:
        command = ["systemd-nspawn", "--quiet", "-D", str(self.root), "--boot", "--register=no", "--keep-unit"]
        command += [f"--machine={self.name}", f"--network-namespace-path=/run/netns/{self.name}", "--console=pipe"]
        command += ["--capability=CAP_NET_ADMIN", "--resolv-conf=off", "--timezone=off"]
        while not self._stopping:
            with (self.folder / "console").open("ab") as console:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
                self.ended.append(self._process.wait())
            if self.ended[-1] != REBOOTED and not self._crashed:
                return
            self._crashed = False
            self._forget()

    def _forget(self) -> None:
        """What a kernel forgets when a machine reboots."""
        inside = ["ip", "netns", "exec", self.name]
        subprocess.run([*inside, "nft", "flush", "ruleset"], check=False, capture_output=True)
        for device in ("lo", "host0"):
            subprocess.run([*inside, "tc", "qdisc", "del", "dev", device, "root"], check=False, capture_output=True)

    def crash(self) -> None:
        """Take its power away and give it back: nothing in it gets a word in between."""
        self.close()
        self._crashed = True
        # Its first process; nspawn's own end would leave it running.
        said = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for pid in said.split():
            os.kill(int(pid), signal.SIGKILL)

    def power_on(self) -> None:
        """After it has switched itself off."""
        self.close()
        self._thread.join(20)
        self._forget()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Pull its cable."""
        self.network.cut(self.number)

    def join(self) -> None:
        """Put its cable back."""
        self.network.join(self.number)

    def stop(self) -> None:
        """Switch it off, and remove what it was."""
        self._stopping = True
        self.close()
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        if self._process.poll() is None:
            self._process.kill()
        self._thread.join(20)
        subprocess.run(["umount", "-l", str(self.root)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def host(network: Network, name: str, folder: Path, recipe: Recipe | None = None) -> Iterator[SystemdHost]:
    """A host that has booted; gone at the end."""
    full = f"{network.bridge}-{name}"
    number = network.plug_in(full)
    made = SystemdHost(
        address=network.address(number), keys=folder, name=full, network=network, number=number, folder=folder / name
    )
    try:
        made.boot(tree(recipe or Recipe()))
        yield made
    finally:
        made.stop()


def wait_until(holds, within: float, said) -> float:
    """Wait for a condition; how long it took, in seconds. `said` is a text, or makes one."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within:
            raise AssertionError(f"after {within} s still not: {said() if callable(said) else said}")
        time.sleep(0.1)
    return time.monotonic() - began
