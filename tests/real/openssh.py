"""A real OpenSSH server of the test's own: a loopback port, its own keys and configuration, ended by its process id."""

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runbook.core.host import Host

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")

CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp {sftp}
LogLevel VERBOSE
{extra}
"""


def needed() -> str:
    """Why it cannot be had; empty when it can."""
    if not SSHD or not shutil.which("ssh-keygen"):
        return "OpenSSH's server is not installed"
    if os.getuid() != 0 and not any(Path(p).exists() for p in SFTP):
        return "there is no sftp-server"
    return ""


def skip_or_fail(reason: str) -> None:
    """Skip with the reason, or fail where real tests are required."""
    if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
        pytest.fail(f"required: {reason}")
    pytest.skip(reason)


@dataclass
class RealServer:
    """One running sshd."""

    folder: Path
    extra: str = ""
    address: str = "127.0.0.1"
    inside: tuple[str, ...] = ()
    """Words in front of the server's own, such as those that put it into a network namespace."""
    port: int = 0
    process: subprocess.Popen | None = None
    user: str = field(default_factory=getpass.getuser)

    @property
    def host(self) -> Host:
        return Host(
            name="real",
            address=self.address,
            port=self.port,
            user=self.user,
            key_files=(str(self.folder / "id"),),
            known_hosts=(str(self.folder / "known_hosts"),),
            ssh_config="none",
        )

    async def start(self):
        if reason := needed():
            skip_or_fail(reason)
        for name in ("host_key", "id"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True, timeout=20
            )
        shutil.copy(self.folder / "id.pub", self.folder / "authorized")
        self.folder.chmod(0o755)
        (self.folder / "authorized").chmod(0o644)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        sftp = next((p for p in SFTP if Path(p).exists()), "internal-sftp")
        if "SetEnv" not in self.extra:
            # Jobs outlive their sessions: each server keeps them in a place of its own.
            self.extra += f"\nSetEnv XDG_STATE_HOME={self.folder}"
        text = CONFIG.format(address=self.address, port=self.port, folder=self.folder, sftp=sftp, extra=self.extra)
        (self.folder / "config").write_text(text)
        key = (self.folder / "host_key.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[{self.address}]:{self.port} {key}")
        await self.come_back()

    async def come_back(self):
        """Listen, the first time or again after `leave`."""
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [*self.inside, SSHD, "-D", "-e", "-f", str(self.folder / "config")],
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
        log.close()
        await self._wait_listening()

    async def _wait_listening(self):
        for _ in range(200):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            if "Server listening" in (self.folder / "log").read_text():
                return
            await asyncio.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def connections(self) -> list[int]:
        """Process ids of its children: one or two for each connection."""
        return children(self.process.pid)

    def freeze(self) -> list[int]:
        """Stop every process that speaks for a connection: bytes wait on their way. Gives these and those below."""
        below = [pid for parent in self.connections() for pid in descendants(parent)]
        for pid in below:
            if b"sshd" in read(f"/proc/{pid}/cmdline"):
                kill(pid, signal.SIGSTOP)
        return below

    async def leave(self):
        """Stop listening and cut every connection. What commands it has started live on."""
        self.cut()
        self.process.terminate()
        await asyncio.to_thread(self.process.wait, 10)

    def cut(self):
        """Kill the processes of every connection: the link is gone without a word."""
        for pid in self.connections():
            for child in children(pid):
                # The privileged half's child speaks the protocol; the commands are its children and live on.
                if b"sshd" in read(f"/proc/{child}/cmdline"):
                    kill(child)
            kill(pid)

    async def stop(self):
        if self.process is None:
            return
        await self.leave()


def children(pid: int) -> list[int]:
    """Process ids; none when the process is gone."""
    return [int(child) for child in read(f"/proc/{pid}/task/{pid}/children").split()]


def descendants(pid: int) -> list[int]:
    """The process and everything below it."""
    return [pid, *(below for child in children(pid) for below in descendants(child))]


def read(path: str) -> bytes:
    """A file of /proc, empty when its process is gone."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def kill(pid: int, name: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, name)
