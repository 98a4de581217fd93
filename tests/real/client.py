"""What a user has on the client's side of SSH, and both who read it: OpenSSH's client, and ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.agent import Agent
from tests.real.openssh import RealServer


class Place:
    """A server, and a folder for what a user has."""

    def __init__(self, folder: Path, server: RealServer, agent: Agent) -> None:
        self.folder, self.server, self.agent = folder, server, agent
        self.config = folder / "config"

    def says(self, text: str) -> Place:
        """Write the user's configuration; {kh} and {key} are the server's, {port} its port, {here} the folder."""
        words = {
            "kh": self.server.folder / "known_hosts",
            "key": self.server.folder / "id",
            "port": self.server.port,
            "here": self.folder,
            "user": self.server.user,
        }
        self.config.write_text(text.format(**words))
        return self

    def ssh(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        """What ssh itself makes of it."""
        return subprocess.run(
            ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", *words, host, "echo in"],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "SSH_AUTH_SOCK": str(self.agent.socket)},
        )

    async def ours(self, host: Host) -> str:
        """The address that a login came to.

        Raises:
            Problems: It was refused.
        """
        connector = SshConnector(
            SshOptions(wall=time.time, agent=str(self.agent.socket), pause=0.01, connect_limit=15.0, attempts=2)
        )
        try:
            session = await connector.connect(msgspec.structs.replace(host, ssh_config=str(self.config)))
            await session.close()
        finally:
            await connector.close()
        return session.facts.address

    async def agrees(self, name: str, address: str = "127.0.0.1") -> None:
        """Both are let in, and we came to that address."""
        theirs = self.ssh(name)
        assert (theirs.stdout, theirs.returncode) == ("in\n", 0), theirs.stderr
        assert await self.ours(Host(name=name)) == f"{address}:{self.server.port}"

    async def refusal(self, host: Host):
        with pytest.raises(Problems) as refused:
            await self.ours(host)
        (problem,) = refused.value.problems
        return problem


async def client_place(folder: Path, servers: Path) -> AsyncIterator[Place]:
    """A place whose server listens on every loopback address; for a fixture."""
    server = RealServer(servers, address="0.0.0.0", extra="MaxAuthTries 6")
    sockets = Path(tempfile.mkdtemp(prefix="rb-"))
    agent = await Agent(sockets / "agent").start()
    await server.start()
    key = (server.folder / "host_key.pub").read_text()
    names = ",".join(f"[127.0.0.{n}]:{server.port}" for n in range(1, 10))
    (server.folder / "known_hosts").write_text(f"{names} {key}")
    yield Place(folder, server, agent)
    await agent.stop()
    await server.stop()
    shutil.rmtree(sockets)


COMMON = "Host *\n  User {user}\n  Port {port}\n  IdentityFile {key}\n  UserKnownHostsFile {kh}\n"
NO_KEY = COMMON.replace("  IdentityFile {key}\n", "")


def fingerprint(key: Path) -> str:
    said = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True, timeout=20)
    return said.stdout.split()[1]


def host_key(place: Place) -> str:
    """The server's key as known_hosts has it."""
    return " ".join((place.server.folder / "host_key.pub").read_text().split()[:2])
