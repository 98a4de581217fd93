"""A machine of its own: an emulated processor, its own kernel with all modules, clock, memory and power switch.

It is slow (minutes to boot, seconds for a login), so only what nothing else can show is tried on it: netem, limits of control
groups, a frozen file system, the clock, the power. Its disk is made once from the tree of its recipe; each start
writes to memory beside it and forgets.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.remote import Remote
from tests.hosts.tree import CACHE, FILES, Recipe, furnish, tree

MACHINE = Recipe(packages=("initramfs-tools", "kmod", "linux-image-cloud-amd64", "udev", "zstd"))
BOOT_LIMIT = 600
"""Seconds. 90 on a quiet machine, four and a half minutes on a busy one."""

_NETWORK = "[Match]\nName=en* eth*\n[Network]\nDHCP=ipv4\n"
_SETUP = """\
systemctl enable systemd-networkd serial-getty@ttyS0 >/dev/null 2>&1
ln -sf ../app.service /etc/systemd/system/multi-user.target.wants/app.service
echo small >/etc/hostname
"""


@dataclass
class Machine(Remote):
    """One that runs. Make it with `machine`."""

    folder: Path = Path()
    app_port: int = 0

    def start(self, disk: Path, boot: Path) -> None:
        """Switch it on and wait until it takes logins."""
        self._disk, self._boot = disk, boot
        kernel = next(boot.glob("vmlinuz-*"))
        initrd = next(boot.glob("initrd.img-*"))
        forwards = f"hostfwd=tcp:127.0.0.1:{self.port}-:22,hostfwd=tcp:127.0.0.1:{self.app_port}-:8080"
        command = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "640", "-display", "none"]
        command += ["-serial", f"file:{self.folder}/console", "-kernel", str(kernel), "-initrd", str(initrd)]
        command += ["-append", "root=/dev/vda rw console=ttyS0 quiet", "-snapshot"]
        command += ["-drive", f"file={disk},format=raw,if=virtio"]
        command += ["-netdev", f"user,id=n,{forwards}", "-device", "virtio-net-pci,netdev=n"]
        with (self.folder / "qemu").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for_login(BOOT_LIMIT)

    def is_on(self) -> bool:
        """Whether it has not switched itself off."""
        return self._process.poll() is None

    def answer(self, line: str, within: float = 15.0) -> str:
        """One line of the server on it."""
        return self.ask(line, port=self.app_port, within=within)

    def stop(self) -> None:
        """Take its power away."""
        self.close()
        self._process.kill()
        self._process.wait(10)


def disk_of(recipe: Recipe, key: Path) -> tuple[Path, Path]:
    """Its disk, which lets one key in, and the folder with its kernel."""
    lower = tree(recipe)
    said = repr((FILES, _NETWORK, _SETUP, key.with_suffix(".pub").read_text()))
    name = f"{recipe.digest}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    disk = CACHE / f"{name}.disk"
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not disk.exists():
            _write(lower, disk, key)
    return disk, lower / "boot"


def _write(lower: Path, disk: Path, key: Path) -> None:
    work = disk.with_suffix(".work")
    for part in ("upper", "work", "root"):
        (work / part).mkdir(parents=True, exist_ok=True)
    root, options = work / "root", f"lowerdir={lower},upperdir={work}/upper,workdir={work}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    try:
        furnish(root)
        (root / "etc/systemd/network/all.network").write_text(_NETWORK)
        Remote("", key.parent).authorize(root)
        subprocess.run(["chroot", str(root), "/bin/sh", "-c", _SETUP], check=True)
        half = disk.with_suffix(".half")
        with half.open("wb") as file:
            file.truncate(1_500_000_000)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(half)], check=True)
        half.rename(disk)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=False)
        subprocess.run(["rm", "-rf", str(work)], check=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine that has booted; gone at the end. The key that opens it is kept with its disk."""
    keys = CACHE / "machine-key"
    made = Machine(address="127.0.0.1", keys=keys, port=_free_port(), folder=folder, app_port=_free_port())
    made.patience = 240
    disk, boot = disk_of(MACHINE, made.key)
    try:
        made.start(disk, boot)
        yield made
    finally:
        made.stop()
