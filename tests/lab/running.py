"""A lab that is up, with the shortest ways for a test to use it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import asyncssh

from runbook.lab.layout import Layout
from runbook.lab.state import LabState


class Said(NamedTuple):
    """What a command on a host came to."""

    code: int | None
    out: str
    err: str


class RunningLab:
    """A lab that is up, with the shortest ways to use it."""

    def __init__(self, state: LabState) -> None:
        self.state = state
        self.root = Path(state.root)
        self.layout = Layout.at(self.root)
        self.ports = {host.name: host.port for host in state.hosts}

    def connect(self, host: str, **options: object) -> asyncssh.misc._ACMWrapper[asyncssh.SSHClientConnection]:
        """Log in as the operator, strictly; options override."""
        settings = {
            "username": "lab",
            "client_keys": [str(self.layout.operator_key)],
            "known_hosts": str(self.layout.known_hosts),
            "config": None,
            "agent_path": None,
            "encoding": None,
        }
        return asyncssh.connect("127.0.0.1", self.ports[host], **(settings | options))

    async def say(self, host: str, command: str, *, stdin: bytes = b"") -> Said:
        """Run a command on a connection of its own."""
        async with self.connect(host) as connection:
            done = await connection.run(command, input=stdin, encoding=None)
            return Said(done.returncode, done.stdout.decode().strip(), done.stderr.decode().strip())

    async def until(self, host: str, command: str) -> Said:
        """Repeat a command until it exits 0; the test's own time limit ends what never does."""
        async with self.connect(host) as connection:
            while True:
                done = await connection.run(command, stdin=asyncssh.DEVNULL, encoding=None)
                if done.returncode == 0:
                    return Said(0, done.stdout.decode().strip(), done.stderr.decode().strip())
                await asyncio.sleep(0.02)
