"""One command on a lab host, run as OpenSSH would run it without a terminal.

The command gets its own session and is never ended because a channel or a link went away; it finds out when
it writes. The exit status is sent after the output ended, so something left in the background that still
holds the output keeps the channel open. These are the habits that real runbooks meet, so the lab has them
too.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from runbook.transport.ssh.library import asyncssh

CHUNK = 64 * 1024
"""Bytes moved at a time."""


class Surroundings(NamedTuple):
    """Where a command runs."""

    home: Path
    environment: Mapping[str, str]


class Verdict(Protocol):
    """Asked once when a command has ended."""

    def __call__(self) -> bool:
        """True when the exit status shall be told, as a well-behaved server does."""


async def run_command(process: asyncssh.SSHServerProcess[bytes], where: Surroundings, tell_status: Verdict) -> None:
    """Run what the client asked for (a shell reading standard input, when it asked for nothing) and report its end."""
    arguments = ("-c", process.command) if process.command else ()
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *arguments,
        cwd=where.home,
        env=dict(where.environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    feeding = asyncio.create_task(_feed(process, child))
    await asyncio.gather(_drain(child.stdout, process.stdout), _drain(child.stderr, process.stderr), child.wait())
    feeding.cancel()
    _report(process, child.returncode or 0, tell=tell_status())


def _report(process: asyncssh.SSHServerProcess[bytes], code: int, *, tell: bool) -> None:
    if not tell:
        process.close()
    elif code < 0:
        process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
    else:
        process.exit(code)


async def _drain(source: asyncio.StreamReader | None, target: asyncssh.SSHWriter[bytes]) -> None:
    """Move output until it ends. When the client is gone the rest is read and dropped by nobody: the pipe is closed."""
    if source is None:
        return
    while data := await source.read(CHUNK):
        try:
            target.write(data)
            await target.drain()
        except (OSError, asyncssh.Error):
            _close_pipe(source)
            return


def _close_pipe(source: asyncio.StreamReader) -> None:
    """Let the command's next write fail, as it does under OpenSSH when the client is gone."""
    transport = getattr(source, "_transport", None)  # asyncio has no public way to stop reading a child's pipe
    if transport is not None:
        transport.close()


async def _feed(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Move input until it ends, and pass signals on to the command's whole session."""
    if child.stdin is None:
        return
    while True:
        try:
            data = await process.stdin.read(CHUNK)
        except asyncssh.SignalReceived as received:
            _signal_group(child.pid, received.signal)
            continue
        except (asyncssh.Error, OSError):
            break
        if not data:
            break
        try:
            child.stdin.write(data)
            await child.stdin.drain()
        except OSError:
            return  # it stopped reading, which is its right
    child.stdin.close()


def _signal_group(pid: int, name: str) -> None:
    number = getattr(signal, f"SIG{name}", None)
    if number is None:
        return
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass  # it ended before the signal arrived
