"""The SSH server of one lab host: strict, key-only, on loopback, and able to misbehave.

It lets in one user with one key and offers nothing but commands and SFTP: no passwords, no forwarding, no
terminal. Files over SFTP live in the host's own directory, under the paths that its commands see as well.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from functools import partial
from pathlib import Path

from runbook.lab.channel import Surroundings, run_command
from runbook.lab.hosts import Site
from runbook.lab.layout import LAB_USER, LabHost
from runbook.lab.misbehaviour import Wish
from runbook.transport.ssh.library import asyncssh

LOGIN_LIMIT = 15
"""Seconds for a client to log in."""


class HostFiles(asyncssh.SFTPServer):
    """The host's directory as the root of everything; a full path as commands print it means the same file."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], home: Path) -> None:
        """Serve `home` and nothing above it."""
        super().__init__(channel, chroot=os.fsencode(home))
        self._home = os.fsencode(home)

    def map_path(self, path: bytes) -> bytes:
        """Give the real path of what the client named."""
        inside = path == self._home or path.startswith(self._home + b"/")
        return super().map_path(path[len(self._home) :] or b"/" if inside else path)


class Door(asyncssh.SSHServer):
    """Decides who gets in, for one connection."""

    def __init__(self, sshd: Sshd) -> None:
        """Keep the connection on the host's list."""
        self._sshd = sshd
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody dialled."""
        self._connection = conn
        self._sshd.opened(conn)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Somebody left."""
        if self._connection:
            self._sshd.closed(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - every name has to prove itself
        """Nobody gets in without proof."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are the only proof."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """One user, one key."""
        return username == LAB_USER and key == self._sshd.authorised


class Sshd:
    """One host's listener and its connections."""

    def __init__(self, host: LabHost, site: Site) -> None:
        """Read the keys; nothing listens yet."""
        self.host = host
        self.authorised = asyncssh.read_public_key(f"{site.layout.operator_key}.pub")
        self._key = asyncssh.read_private_key(site.layout.host_key(host.name))
        self._site = site
        self._listener: asyncssh.SSHAcceptor | None = None
        self._connections: dict[asyncssh.SSHServerConnection, str] = {}
        self._count = itertools.count(1)
        self._silenced: set[str] = set()

    async def listen(self) -> None:
        """Accept connections; one that listens already goes on.

        Raises:
            OSError: The port is taken.
        """
        if self._listener:
            return
        self._listener = await asyncssh.listen(
            "127.0.0.1",
            self._site.base_port + self.host.offset,
            server_factory=partial(Door, self),
            server_host_keys=[self._key],
            process_factory=self._run,
            sftp_factory=lambda channel: HostFiles(channel, self._site.layout.home(self.host.name)),
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            login_timeout=LOGIN_LIMIT,
            compression_algs=None,
            gss_host=None,
        )

    async def close(self) -> None:
        """Refuse connections and cut those there are. The host's processes go on."""
        listener, self._listener = self._listener, None
        if listener:
            # Nobody waits for it: since Python 3.12 that is waiting for every connection that it ever accepted.
            listener.close()
        self._cut("")

    def opened(self, connection: asyncssh.SSHServerConnection) -> None:
        """Note a connection."""
        self._connections[connection] = str(next(self._count))

    def closed(self, connection: asyncssh.SSHServerConnection) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)

    async def misbehave(self, wish: Wish, session: str) -> str:
        """Do what was asked; gives why not, or nothing."""
        match wish:
            case Wish.DROP:
                self._cut(session.partition(".")[0])
            case Wish.NO_STATUS if session:
                self._silenced.add(session)
            case Wish.REFUSE:
                await self.close()
            case Wish.ACCEPT:
                await self.listen()
            case Wish.NO_STATUS | Wish.HELLO | Wish.RESET:
                return f"{wish} is not something to ask of a host from outside"
        return ""

    def _cut(self, number: str) -> None:
        """Abort one connection, or all when no number is given."""
        for connection in [c for c, n in self._connections.items() if number in ("", n)]:
            connection.abort()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        connection = process.get_extra_info("connection")
        session = f"{self._connections.get(connection, '')}.{next(self._count)}"
        environment = self._site.environment(self.host.name) | {
            "LAB_SESSION": session,
            "SSH_CONNECTION": " ".join(_ends(connection)),
        }
        where = Surroundings(self._site.layout.home(self.host.name), environment)
        try:
            await run_command(process, where, lambda: session not in self._silenced)
        finally:
            self._silenced.discard(session)


def _ends(connection: asyncssh.SSHServerConnection) -> list[str]:
    """Client and server, as OpenSSH tells them."""
    ends = (connection.get_extra_info("peername"), connection.get_extra_info("sockname"))
    return [str(part) for address, port, *_ in ends for part in (address, port)]


async def listen_all(servers: tuple[Sshd, ...]) -> bool:
    """Open every port of a lab, or none: the block of ports belongs to whoever has all of it."""
    for server in servers:
        try:
            await server.listen()
        except OSError:
            await asyncio.gather(*(each.close() for each in servers))
            return False
    return True
