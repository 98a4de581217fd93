"""Bringing a lab up, down, and telling its status: the library under the `runbook lab` verbs.

All three may be called at any time and in any order. `up` on a lab that is up changes nothing; `fresh=True`
gives every host back its first state in about a second. `down` leaves no process and no socket, and keeps
keys, ports and data for next time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from runbook.lab.inventory import write_inventory
from runbook.lab.layout import HOSTS, SOCKETS_PREFIX, Layout
from runbook.lab.misbehaviour import Asked, NoServer, Wish, ask_server
from runbook.lab.orders.place import OrdersHome
from runbook.lab.orders.service import services_of, state
from runbook.lab.processes import end_processes
from runbook.lab.state import LabState, ServerState, describe, read_state
from runbook.problem import Exit, Where, problem

START_LIMIT = 20.0
"""Seconds for the server to answer; it takes about one, and a loaded machine several."""

STOP_LIMIT = 6.0
"""Seconds for the server to end by itself, which includes ending the services."""


def up(root: Path, *, inventory: Path | None = None, fresh: bool = False) -> LabState:
    """See to it that the lab in `root` runs.

    Args:
        root: The lab's directory, `.lab` of the workspace by default.
        inventory: A second inventory folder that shall know this lab's ports, such as `inventories/lab`; the lab's own
            (`LabState.inventory`) is always written.
        fresh: Give every host its first state, whatever was done to it.

    Raises:
        Problems: The directory is not a lab's, or the server does not start.
    """
    layout = Layout.at(root)
    _prepare(layout)
    with _locked(layout):
        if not _is_running(read_state(layout)):
            _clear(layout, fresh=fresh)
            _start(layout)
        elif fresh:
            _tell(read_state(layout), Asked(Wish.RESET))
        if inventory is not None:
            write_inventory(inventory, layout, read_state(layout).base_port)
    return status(root)


def down(root: Path) -> LabState:
    """See to it that nothing of the lab in `root` runs.

    Raises:
        Problems: A process could not be ended.
    """
    layout = Layout.at(root)
    if layout.lock.exists():
        with _locked(layout):
            _stop(layout)
    return status(root)


def status(root: Path) -> LabState:
    """Look, and change nothing. A lab that never was is one that does not run."""
    layout = Layout.at(root)
    server = read_state(layout)
    places = [OrdersHome(layout.home(host.name), host.name, Path(server.sockets)) for host in HOSTS]
    services = {
        place.host: {str(service): state(place, service).name.lower() for service in services_of(place)}
        for place in places
        if (place.home / "etc").exists()
    }
    return describe(layout, server, services, running=_is_running(server))


def misbehave(root: Path, wish: Wish, host: str) -> None:
    """Make a host misbehave from outside: `drop` its links, `refuse` connections, `accept` them again.

    Raises:
        Problems: The lab is down, or it will not.
    """
    _tell(read_state(Layout.at(root)), Asked(wish, host))


def _prepare(layout: Layout) -> None:
    """Make the directory, or make sure that it is ours to use.

    Raises:
        Problems: It holds something else, or belongs to somebody else.
    """
    try:
        layout.root.mkdir(parents=True, mode=0o700, exist_ok=True)
        foreign = not layout.lock.exists() and any(layout.root.iterdir())
        owned = layout.root.stat().st_uid == os.getuid()
        if owned and not foreign:
            layout.root.chmod(0o700)
    except OSError as cause:
        raise problem(
            "the lab's directory cannot be used",
            why=str(cause.strerror),
            where=Where(file=str(layout.root)),
            fix="Name another directory.",
            code="lab-directory",
        ) from cause
    if foreign or not owned:
        why = "it holds files that are not a lab's" if foreign else "it belongs to another user"
        where = Where(file=str(layout.root))
        raise problem(
            "this is no place for a lab", why=why, where=where, fix="Name another directory.", code="lab-directory"
        )


@contextlib.contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """One `up` or `down` at a time; the second waits for the first and then finds its work done."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_running(server: ServerState) -> bool:
    if not server.sockets:
        return False
    try:
        return not ask_server(Path(server.sockets), Asked(Wish.HELLO), timeout=5.0)
    except NoServer:
        return False


def _tell(server: ServerState, asked: Asked) -> None:
    try:
        why_not = ask_server(Path(server.sockets), asked)
    except NoServer as cause:
        raise problem(
            "the lab is not running", fix="Run `runbook lab up`.", code="lab-down", exit=Exit.REFUSED
        ) from cause
    if why_not:
        raise problem(f"the lab will not {asked.wish}", why=why_not, code="lab-refused", exit=Exit.FAILED)


def _clear(layout: Layout, *, fresh: bool) -> None:
    """Clear away what a server that was killed left behind."""
    _end_all(layout)
    _remove_sockets(read_state(layout))
    if fresh:
        shutil.rmtree(layout.root / "hosts", ignore_errors=True)


def _start(layout: Layout) -> None:
    """Start the server in a session of its own and wait until it answers."""
    environment = {**os.environ, "LAB_ROOT": str(layout.root)}
    descriptor = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "runbook.lab.server", str(layout.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_LIMIT
    while not ((now := read_state(layout)).pid == server.pid and _is_running(now)):
        if server.poll() is not None or time.monotonic() > deadline:
            _end_all(layout)
            raise _did_not_start(layout)
        time.sleep(0.02)
    server.returncode = 0  # it outlives us on purpose; said so that the interpreter does not warn of a child left alone


def _did_not_start(layout: Layout) -> Exception:
    lines = layout.log.read_text("utf-8", "replace").splitlines() or ["it said nothing"]
    where = Where(file=str(layout.log))
    return problem(
        "the lab did not start", why=lines[-1], where=where, fix="Read its log.", code="lab-start", exit=Exit.FAILED
    )


def _stop(layout: Layout) -> None:
    """Ask the server to end, wait, and end whatever is left."""
    server = read_state(layout)
    if _is_running(server):
        _terminate(server.pid)
        deadline = time.monotonic() + STOP_LIMIT
        while _is_running(server) and time.monotonic() < deadline:
            time.sleep(0.02)
    _end_all(layout)
    _remove_sockets(server)


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it ended by itself


def _end_all(layout: Layout) -> None:
    survivors = end_processes(layout.root)
    if survivors:
        pids = ", ".join(str(pid) for pid in sorted(survivors))
        raise problem(
            "processes of the lab could not be ended", why=f"pid {pids}", code="lab-processes", exit=Exit.FAILED
        )


def _remove_sockets(server: ServerState) -> None:
    """Only a directory that is recognisably a lab's: the path comes from a file."""
    path = Path(server.sockets)
    if path.name.startswith(SOCKETS_PREFIX):
        shutil.rmtree(path, ignore_errors=True)
