"""A real SSH server in the test's own loop, that really runs `/bin/sh` and misbehaves when a command prints a word for it.

A command prints `@@drop@@` and the connection is cut at that point, whatever else runs: so a test decides exactly how far the
command came. Keys are made per test; the server takes one login name and one key.
"""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
from asyncssh.packet import Boolean, String, UInt32

from runbook.core.host import Host

WORDS = (b"@@drop@@", b"@@no-status@@", b"@@flood@@", b"@@refuse@@")


@dataclass
class Server:
    """One running server and what is needed to reach it."""

    port: int
    folder: Path
    listener: asyncssh.SSHAcceptor
    host_key: asyncssh.SSHKey
    state: "State"

    @property
    def host(self) -> Host:
        return Host(
            name="box",
            address="127.0.0.1",
            port=self.port,
            user="tester",
            key_files=(str(self.folder / "id"),),
            known_hosts=(str(self.folder / "known_hosts"),),
            ssh_config="none",
        )

    async def stop(self):
        self.listener.close()
        for connection in self.state.connections:
            connection.abort()
        await self.listener.wait_closed()
        for process in self.state.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        for task in self.state.tasks:
            task.cancel()


@dataclass
class State:
    """What the server counts and how it is told to behave."""

    refuse_channels: bool = False
    sftp: type[asyncssh.SFTPServer] | None = asyncssh.SFTPServer
    logins: int = 0
    execs: list[str] = field(default_factory=list)
    banner: bytes = b""
    """Printed before the shell starts, as an rc file would."""
    shell: tuple[str, ...] = ("/bin/sh",)
    """The login shell, given `-c` and the exec string."""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    tasks: list[asyncio.Task] = field(default_factory=list)


class Door(asyncssh.SSHServer):
    def __init__(self, state: State):
        self.state = state

    def connection_made(self, conn):
        self.conn = conn
        self.state.connections.append(conn)

    def auth_completed(self):
        self.state.logins += 1

    def begin_auth(self, username):
        return True

    def session_requested(self):
        if self.state.refuse_channels:
            return False
        channel = self.conn.create_server_channel(encoding=None)
        handler = lambda process: serve(process, self.state)  # noqa: E731 - one line says it
        return channel, asyncssh.SSHServerProcess(handler, self.state.sftp, 3, False)

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True


async def start(folder: Path, *, host_key=None, certificate=(), **options) -> Server:
    """Start a server on a free loopback port and write the files that a client needs."""
    host_key = host_key or asyncssh.generate_private_key("ssh-ed25519")
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key.write_private_key(folder / "id")
    user_key.write_public_key(folder / "id.pub")
    (folder / "authorized").write_bytes(user_key.export_public_key())
    state = State()
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Door(state),
        server_host_keys=[(host_key, certificate) if certificate else host_key],
        authorized_client_keys=str(folder / "authorized"),
        **options,
    )
    port = listener.get_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}")
    return Server(port, folder, listener, host_key, state)


async def serve(process: asyncssh.SSHServerProcess, state: State):
    """One exec request, carried out by the login shell in a session of its own, as sshd does it."""
    state.execs.append(process.command)
    if state.banner:
        process.stdout.write(state.banner)
        process.stderr.write(state.banner)
    child = await asyncio.create_subprocess_exec(
        *state.shell,
        "-c",
        process.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    state.processes.append(child)
    feeding = asyncio.create_task(feed(process, child))
    state.tasks.append(feeding)
    said = asyncio.create_task(carry(child.stdout, process.stdout, process))
    failed = asyncio.create_task(carry(child.stderr, process.stderr, process))
    state.tasks += [said, failed]
    ending = asyncio.create_task(tell_status(process, child))
    state.tasks.append(ending)
    word = await said
    if word == b"@@drop@@":
        process.channel.get_connection().abort()
        return
    if word:
        ending.cancel()
    if word == b"@@no-status@@":
        process.channel.close()
        return
    await failed
    await ending
    feeding.cancel()
    process.channel.close()


async def tell_status(process, child):
    """As sshd does: when the shell ends, whatever still holds its pipes. asyncssh offers only telling and closing at once."""
    # asyncio's wait() also waits for the pipes, which is what must not happen here.
    while child.returncode is None:
        await asyncio.sleep(0.005)
    code = child.returncode
    if code < 0:
        name = signal.Signals(-code).name.removeprefix("SIG")
        process.channel._send_request(b"exit-signal", String(name), Boolean(False), String(""), String("en"))
    else:
        process.channel._send_request(b"exit-status", UInt32(code))


async def carry(source, target, process) -> bytes:
    """Copy until the end or a word; return the word."""
    while data := await source.read(65536):
        for word in WORDS:
            before, found, _ = data.partition(word)
            if found:
                target.write(before)
                with contextlib.suppress(OSError, asyncssh.Error):
                    await target.drain()
                return word
        with contextlib.suppress(OSError, asyncssh.Error):
            target.write(data)
            await target.drain()
    return b""


async def feed(process, child):
    while True:
        try:
            data = await process.stdin.read(65536)
        except asyncssh.SignalReceived as received:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.Signals[f"SIG{received.signal}"])
            continue
        except (asyncssh.Error, OSError):
            return
        if not data:
            child.stdin.close()
            return
        with contextlib.suppress(ConnectionError):
            child.stdin.write(data)
            await child.stdin.drain()
