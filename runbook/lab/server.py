"""The process of a lab: its SSH servers, its first start of the services, and its control socket.

`python -m runbook.lab.server DIR` runs until TERM and takes everything of its lab with it when it goes. It is
a process of its own so that a lab outlives the command that started it, and so that its cryptography never
slows whoever connects.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from runbook.lab.hosts import Site, furnish, remove
from runbook.lab.inventory import write_inventory
from runbook.lab.keys import make_keys, write_known_hosts
from runbook.lab.layout import BLOCK, BLOCKS, FIRST_PORT, HOSTS, HTTP_OFFSET, SOCKETS_PREFIX, LabHost, Layout
from runbook.lab.misbehaviour import SERVER_SOCKET, Asked, Wish
from runbook.lab.orders.service import services_of
from runbook.lab.processes import end_processes
from runbook.lab.sshd import Sshd, listen_all
from runbook.lab.state import ServerState, read_state, write_state

SOCKETS_PARENT_LIMIT = 60
"""Bytes; a longer temporary directory would push a socket's path over the 103 that macOS allows."""


class NoPorts(Exception):  # noqa: N818 - a state of the machine
    """Every block of ports is in use."""


def make_sockets() -> Path:
    """A new directory for sockets: short, and closed to others."""
    parent = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX, dir=parent if len(parent) < SOCKETS_PARENT_LIMIT else "/tmp"))


class Server:
    """A running lab."""

    def __init__(self, site: Site, servers: tuple[Sshd, ...]) -> None:
        """Take over servers that listen."""
        self._site = site
        self._servers = {server.host.name: server for server in servers}
        self._resetting = asyncio.Lock()

    def boot(self) -> None:
        """Bring every host to life: make what is missing, start what should run."""
        for host in HOSTS:
            furnish(self._site, host)
        starting = [self._start(host) for host in HOSTS]
        for process in starting:
            process.wait()

    async def serve(self) -> None:
        """Answer wishes until TERM or INT."""
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        control = await asyncio.start_unix_server(self._converse, self._site.sockets / SERVER_SOCKET)
        async with control:
            await ended.wait()
        await self._close()
        await asyncio.to_thread(end_processes, self._site.layout.root)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = Asked(**json.loads(await reader.readline()))
            answer = await self._grant(Wish(asked.wish), asked)
        except (ValueError, TypeError) as cause:
            answer = f"not understood: {cause}"
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _grant(self, wish: Wish, asked: Asked) -> str:
        if wish is Wish.HELLO:
            return ""
        if wish is Wish.RESET:
            return await self._reset()
        if asked.host not in self._servers:
            return f"there is no host {asked.host}"
        return await self._servers[asked.host].misbehave(wish, asked.session)

    async def _reset(self) -> str:
        """Make every host new. Keys and ports stay, so inventories and open tabs stay right."""
        async with self._resetting:
            await self._close()
            await asyncio.to_thread(self._renew)
            return "" if await listen_all(tuple(self._servers.values())) else "a port was taken during the reset"

    def _renew(self) -> None:
        end_processes(self._site.layout.root)
        for host in HOSTS:
            remove(self._site, host)
        self.boot()

    async def _close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers.values()))

    def _start(self, host: LabHost) -> subprocess.Popen[bytes]:
        """Start a host's services with its own tool, as its init would."""
        place = self._site.place(host.name)
        return subprocess.Popen(
            [str(place.home / "bin" / "service"), services_of(place)[0], "start"],
            cwd=place.home,
            env=self._site.environment(host.name),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


async def open_block(layout: Layout, sockets: Path, preferred: int, held: ExitStack) -> tuple[Site, tuple[Sshd, ...]]:
    """Find a block of ports that is free whole, trying the one of last time first, and listen on it.

    A reset lets go of the ports for a moment, and then no other lab may take them: so a block is claimed by its first
    port, for as long as `held` lives.

    Raises:
        NoPorts: There is none.
    """
    blocks = [FIRST_PORT + BLOCK * number for number in range(BLOCKS)]
    for base in [preferred, *blocks] if preferred else blocks:
        with ExitStack() as claim:
            if not _claims(base, claim):
                continue
            site = Site(layout, base, sockets)
            servers = tuple(Sshd(host, site) for host in HOSTS)
            if _is_free(base + HTTP_OFFSET) and await listen_all(servers):
                held.push(claim.pop_all())
                return site, servers
    message = f"no block of {BLOCK} free ports between {blocks[0]} and {blocks[-1] + BLOCK}"
    raise NoPorts(message)


def _claims(base: int, claim: ExitStack) -> bool:
    """Bound and never listened on; without the address being reusable, so that nobody else can bind it."""
    port = claim.enter_context(socket.socket())
    try:
        port.bind(("127.0.0.1", base))
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def run(layout: Layout) -> None:
    """Be the lab in this directory until told to end."""
    make_keys(layout)
    with ExitStack() as held:
        sockets = make_sockets()
        held.callback(shutil.rmtree, sockets, ignore_errors=True)
        site, servers = await open_block(layout, sockets, read_state(layout).base_port, held)
        write_known_hosts(layout, site.base_port)
        write_inventory(layout.inventory, layout, site.base_port)
        lab = Server(site, servers)
        await asyncio.to_thread(lab.boot)
        write_state(layout, ServerState(pid=os.getpid(), base_port=site.base_port, sockets=str(sockets)))
        await lab.serve()
        write_state(layout, ServerState(pid=0, base_port=site.base_port, sockets=""))


if __name__ == "__main__":
    os.umask(0o077)
    try:
        asyncio.run(run(Layout.at(Path(sys.argv[1]))))
    except NoPorts as none_free:
        sys.exit(str(none_free))
