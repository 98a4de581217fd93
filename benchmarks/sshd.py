"""A hundred hosts out of one OpenSSH: daemons on loopback addresses, for a throw-away user, gone afterwards.

`127.1.0.1` to `127.1.0.100` all lead to real `sshd` processes with their own host key and one authorised key. A
daemon listens on at most 16 addresses, so there are several. As root a user is made for the occasion and removed
again; without root the daemons serve whoever runs this. Nothing listens on an address that is not loopback.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measured import adopt_orphans

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
ADDRESSES_PER_DAEMON = 16
USER = "runbook-bench"

CONFIG = """\
Port {port}
{listen}
HostKey {folder}/host_key
PidFile {folder}/sshd-{number}.pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# A real fleet has a daemon a host, each with its own limit of ten unauthenticated logins; here many share one.
MaxStartups 200
LogLevel FATAL
"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Hosts that answer, and how to log in there."""

    hosts: tuple[str, ...]
    port: int
    user: str
    key: Path
    known_hosts: Path
    folder: Path
    daemons: tuple[int, ...]
    """Process ids."""
    orphaned: list[float] = field(default_factory=list)
    """Seconds of processor time of each process that nobody on its host waited for."""

    def processor(self) -> float:
        """Seconds of processor time that the hosts have used, with everything that ever ran on them and has ended.

        A server that hangs up does not wait for its children; they are adopted (prctl(2)) and counted here.
        """
        with contextlib.suppress(ChildProcessError):
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                self.orphaned.append(ended[2].ru_utime + ended[2].ru_stime)
        ticks = 0
        for pid in self.daemons:
            # User and system time, its own and that of children it has waited for: fields 14 to 17 of proc(5).
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK") + sum(self.orphaned)


@contextlib.contextmanager
def fleet(count: int, homes: str = "/home") -> Iterator[Fleet]:
    """So many hosts for as long as the block lasts; the user's home is made in that folder, where a user is made."""
    if SSHD is None:
        raise SystemExit("this benchmark needs OpenSSH's server: apt-get install openssh-server")
    folder = Path(tempfile.mkdtemp(prefix="runbook-bench-"))
    folder.chmod(0o755)
    adopt_orphans()
    hosts = tuple(f"127.1.0.{number}" for number in range(1, count + 1))
    with contextlib.ExitStack() as held:
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        user = held.enter_context(_user(homes))
        key, known_hosts, port = _keys(folder, hosts)
        daemons = tuple(
            held.enter_context(_daemon(folder, number, hosts[start : start + ADDRESSES_PER_DAEMON], port))
            for number, start in enumerate(range(0, count, ADDRESSES_PER_DAEMON))
        )
        yield Fleet(hosts, port, user, key, known_hosts, folder, daemons)


@contextlib.contextmanager
def _user(homes: str) -> Iterator[str]:
    """A throw-away account with `/bin/sh`, where this may be made."""
    if os.getuid() != 0:
        yield getpass.getuser()
        return
    with contextlib.suppress(KeyError):
        pwd.getpwnam(USER)
        subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)
    made = ("--create-home", "--home-dir", f"{homes}/{USER}", "--shell", "/bin/sh", "--password", "*")
    subprocess.run(["useradd", *made, USER], check=True)
    try:
        yield USER
    finally:
        subprocess.run(["userdel", "--force", "--remove", USER], check=False, capture_output=True)


def _keys(folder: Path, hosts: tuple[str, ...]) -> tuple[Path, Path, int]:
    for name in ("host_key", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "id.pub", folder / "authorized")
    (folder / "authorized").chmod(0o644)
    port = _free_port(hosts[0])
    public = (folder / "host_key.pub").read_text().split()[:2]
    known = folder / "known_hosts"
    known.write_text("".join(f"[{host}]:{port} {' '.join(public)}\n" for host in hosts))
    return folder / "id", known, port


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _daemon(folder: Path, number: int, addresses: tuple[str, ...], port: int) -> Iterator[int]:
    config = folder / f"sshd-{number}.conf"
    listen = "\n".join(f"ListenAddress {address}" for address in addresses)
    config.write_text(CONFIG.format(port=port, listen=listen, folder=folder, number=number))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL)
    try:
        _wait_until_answering(addresses[-1], port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def _wait_until_answering(address: str, port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection((address, port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
