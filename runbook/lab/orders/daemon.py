"""The two processes of the service, `orders-db` and `orders-app`: their lives, not their work.

A daemon holds a lock on its pid file for as long as it lives. So "is it running?" is asked of the kernel and
not of a number in a file: a killed process, even one that nobody has reaped, holds no lock, and a reused pid
is never mistaken for ours.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import IO

from runbook.lab.orders.database import Database
from runbook.lab.orders.place import OrdersHome, OrdersRefused
from runbook.lab.orders.wire import LONG_POLL, Line, Request, Silent, ask, decode_request, encode_answer

RECONNECT = 0.1
"""Seconds between two attempts of a standby to reach its primary."""


def running_pid(pid_file: Path) -> int:
    """The pid of the process that holds this file's lock; 0 when there is none."""
    try:
        with pid_file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return 0
    except BlockingIOError:
        return int(pid_file.read_text("ascii") or 0)
    return 0


def claim(pid_file: Path) -> IO[str]:
    """Become the one process of this service. Keep the file open: it is the claim.

    Raises:
        Refused: Another process has it.
    """
    descriptor = os.open(pid_file, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "r+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        message = f"{pid_file.stem} is running already"
        raise OrdersRefused(message) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def end_on_term() -> None:
    """Make TERM an ordinary exit, so that files are closed and the lock is given back."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))


class DatabaseServer(socketserver.ThreadingUnixStreamServer):
    """Listens for questions; one thread per connection, and there are at most a handful."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, place: OrdersHome, database: Database) -> None:
        """Listen in the place of whoever had the socket: the claim on the pid file proves that it is dead."""
        self.database = database
        path = place.socket_of(place.host)
        path.unlink(missing_ok=True)
        super().__init__(os.fspath(path), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    """Answers one connection until it hangs up."""

    def handle(self) -> None:
        """Line for line. A line that is no question ends the conversation; a peer that hung up ends it too."""
        if not isinstance(self.server, DatabaseServer):
            return
        try:
            for line in self.rfile:
                self.wfile.write(encode_answer(self.server.database.answer(decode_request(line))))
        except (OSError, ValueError, TypeError) as cause:
            sys.stderr.write(f"orders-db: conversation ended: {cause}\n")


def run_database(place: OrdersHome) -> None:
    """Be `orders-db` until told to stop.

    Raises:
        Refused: It runs already, its data is damaged, or the other database was promoted past it.
    """
    end_on_term()
    with claim(place.pid_file("orders-db")):
        database = Database(place)
        refuse_second_primary(place, database)
        threading.Thread(target=follow, args=(place, database), daemon=True).start()
        with DatabaseServer(place, database) as server:
            server.serve_forever()


def refuse_second_primary(place: OrdersHome, database: Database) -> None:
    """A primary that comes back after a failover must not take orders beside the new one.

    Raises:
        Refused: The other database is primary in a later epoch.
    """
    if database.role.kind == "standby":
        return
    try:
        other = ask(place.socket_of(place.peer), Request("status")).status
    except Silent:
        return
    if other and other.role == "primary" and other.epoch > database.role.epoch:
        message = f"{other.host} is primary since epoch {other.epoch}: run `orders rejoin` on {place.host}"
        raise OrdersRefused(message)


def follow(place: OrdersHome, database: Database) -> None:
    """Follow the other database for as long as this one is a standby. Never ends; it is a daemon thread's body."""
    while True:
        if database.role.kind == "standby":
            try:
                stream(place, database)
            except (Silent, OrdersRefused) as cause:
                database.lost_link(str(cause))
        time.sleep(RECONNECT)


def stream(place: OrdersHome, database: Database) -> None:
    """Take orders from the other database over one connection.

    Raises:
        Silent: It went away.
        Refused: It has another history than this one.
    """
    line = Line(place.socket_of(place.peer), timeout=5.0)
    wait = 0.0  # the first question is answered at once, so that the link is known to work or not
    try:
        while database.role.kind == "standby":
            delay = float(place.setting("replication-delay"))
            newest = database.going_on(delay)
            answer = line.ask(Request("fetch", after=newest.seq, epoch=newest.epoch, delay=delay, wait=wait))
            if not answer.ok or not answer.status:
                raise OrdersRefused(answer.message)
            database.apply(answer.orders, answer.status)
            wait = LONG_POLL
    finally:
        line.close()
