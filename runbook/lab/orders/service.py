"""Starting and stopping the daemons, with the exit codes that init scripts have had for thirty years.

The codes are those of the Linux Standard Base (LSB 3.1, section 22.2): a runbook that checks `service NAME status` here
reads like one for a real host.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from enum import IntEnum
from typing import Literal

from runbook.lab.orders.daemon import running_pid
from runbook.lab.orders.place import OrdersHome, OrdersRefused
from runbook.lab.orders.wire import Request, Silent, ask

Service = Literal["orders-db", "orders-app"]
"""The daemons there are."""

START_LIMIT = 5.0
STOP_LIMIT = 5.0
"""Seconds; both usually take a few hundredths."""


class State(IntEnum):
    """What `service NAME status` exits with."""

    RUNNING = 0
    DEAD = 1
    """Not running, though its pid file says that it was not stopped."""
    STOPPED = 3


def services_of(place: OrdersHome) -> tuple[Service, ...]:
    """What is meant to run on this host."""
    return ("orders-db",) if place.has("peer") else ("orders-app",)


def named(place: OrdersHome, name: str) -> Service:
    """A service of this host by its name.

    Raises:
        Refused: It has no such service.
    """
    for service in services_of(place):
        if service == name:
            return service
    message = f"{place.host} has no service {name}; it has {', '.join(services_of(place))}"
    raise OrdersRefused(message)


def state(place: OrdersHome, service: Service) -> State:
    """Whether it runs."""
    if running_pid(place.pid_file(service)):
        return State.RUNNING
    return State.DEAD if place.pid_file(service).exists() else State.STOPPED


def start(place: OrdersHome, service: Service) -> str:
    """Start it and wait until it answers; one that runs already is left alone.

    Raises:
        Refused: It ended at once or does not answer; its last words are in the message.
    """
    if running_pid(place.pid_file(service)):
        return f"{service} is running already"
    with place.log_file(service).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-S", "-m", "runbook.lab.orders", "run", service],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.home,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_LIMIT
    while not _answers(place, service):
        if child.poll() is not None or time.monotonic() > deadline:
            raise OrdersRefused(_last_words(place, service))
        time.sleep(0.01)
    child.returncode = 0  # it outlives us on purpose; said so that the interpreter does not warn of a child left alone
    return f"{service} started"


def stop(place: OrdersHome, service: Service) -> str:
    """Ask it to end, and end it when it does not.

    Raises:
        Refused: It cannot be ended.
    """
    pid_file = place.pid_file(service)
    deadline = time.monotonic() + STOP_LIMIT
    number = signal.SIGTERM
    while pid := running_pid(pid_file):
        if time.monotonic() > deadline + STOP_LIMIT:
            message = f"{service} (pid {pid}) cannot be ended"
            raise OrdersRefused(message)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        _signal(pid, number)
        time.sleep(0.02)
    pid_file.unlink(missing_ok=True)
    return f"{service} stopped"


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it ended between the look and the signal, which is what was wanted


def _answers(place: OrdersHome, service: Service) -> bool:
    match service:
        case "orders-db":
            return bool(running_pid(place.pid_file(service))) and _database_answers(place)
        case "orders-app":
            return bool(running_pid(place.pid_file(service))) and _port_open(int(place.setting("http-port")))


def _database_answers(place: OrdersHome) -> bool:
    try:
        return ask(place.socket_of(place.host), Request("status"), timeout=1.0).ok
    except Silent:
        return False


def _port_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def _last_words(place: OrdersHome, service: Service) -> str:
    lines = place.log_file(service).read_text("utf-8", "replace").splitlines()
    return f"{service} did not start: {lines[-1] if lines else 'it said nothing'}"
