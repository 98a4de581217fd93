"""The process in which a fabfile's task runs: logs in, reads the fabfile, calls the task, says how it ended.

A process of its own because a fabfile is somebody's program: it may hang, print to standard output, read the terminal,
change folder, fill memory. Here it can do all that and be ended from outside. The order is the promise: first the
login, then the fabfile, so that a host that could not be reached is one on which certainly nothing happened. A child
whose run has gone away ends itself, as nobody would hear how it ended.

Started as `python -m runbook.steps.fabric.child FD`; FD is a socket (`fabric_talk.py`).
"""

from __future__ import annotations

import io
import os
import platform
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import fabric
import paramiko

from runbook.steps.fabric import ends as fabric_ends
from runbook.steps.fabric import policy as fabric_policy
from runbook.steps.fabric import runner as fabric_runner
from runbook.steps.fabric import terminal
from runbook.steps.fabric.fabfile import Fabfile, execute, key_files, login_settings
from runbook.steps.fabric.returned import done
from runbook.steps.fabric.talk import (
    LONGEST,
    ORDERS,
    TOLD,
    Done,
    End,
    NotOpened,
    Opened,
    Orders,
    Report,
    Told,
    Wants,
    line_of,
)
from runbook.transport.ssh.resolve import ResolvedHost


class Line:
    """The socket to the run."""

    def __init__(self, descriptor: int) -> None:
        """Take it over, and keep it from what the fabfile starts."""
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()

    def orders(self) -> Orders:
        """What is to be done; read once."""
        text = b""
        while not text.endswith(b"\n"):
            data = self._socket.recv(LONGEST)
            if not data:
                sys.exit("runbook: the run went away before it said what to do")
            text += data
        return ORDERS.decode(text)

    def tell(self, report: Report) -> None:
        """Say how far it came."""
        self._socket.sendall(line_of(report))

    def end_with_run(self) -> None:
        """From now on, when the run goes away, this process and what it started on this machine go too."""
        threading.Thread(target=self._watch, daemon=True, name="run").start()

    def password(self) -> str:
        """What sudo asks for, from the run, which gives it once sudo has taken it there.

        Raises:
            SudoWantsPassword: Why there is none.
        """
        self.tell(Wants())
        told = self._told.get()
        if told.why:
            raise fabric_runner.SudoWantsPassword(told.why)
        return told.word

    def _watch(self) -> None:
        text = b""
        while data := self._socket.recv(LONGEST):
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                self._told.put(TOLD.decode(line))
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)


def carry_out(orders: Orders, line: Line) -> End:
    """Do it, and say how it ended."""
    fabric_policy.put_under(fabric_policy.Trust(orders.route))
    fabric_runner.put_under(orders.connect_limit, line.password)
    terminal.put_away()
    try:
        connection = log_in(orders)
    except fabric_ends.LoginFailed as failed:
        return NotOpened(failed.problem)
    line.tell(Opened(engine(orders)))
    surround(orders.env)
    fabfile = Fabfile(orders)
    transport = connection.transport
    try:
        return done(execute(fabfile, orders, connection))
    except BaseException as error:  # noqa: BLE001 - whatever a fabfile raises is its ending, SystemExit included
        return fabric_ends.told(error, orders, link_is_up=transport.is_active())
    finally:
        connection.close()


def engine(orders: Orders) -> str:
    """What carries the step: evidence."""
    named = f", Python {platform.python_version()} at {sys.executable}" if orders.is_guest else ""
    return f"fabric {fabric.__version__}, paramiko {paramiko.__version__}{named}"


def surround(env: Mapping[str, str]) -> None:
    """Give the task what its step says, as a shell would have given it to `fab`."""
    os.environ.update(env)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    if "TZ" in env:
        time.tzset()


def log_in(orders: Orders) -> fabric.Connection:
    """The open connection to the target, through its bastions, each as strictly checked as the target.

    Raises:
        fabric_ends.LoginFailed: With the words for the operator.
    """
    gateway: fabric.Connection | None = None
    for hop in orders.route:
        own = login_settings(orders) if hop is orders.route[-1] else {}
        connection = connection_to(hop, gateway, orders, own)
        # An agent is there for the login and for nothing else: the fabfile's own processes never see it.
        if hop.agent:
            os.environ["SSH_AUTH_SOCK"] = hop.agent
        try:
            connection.open()
        except (OSError, EOFError, ValueError, paramiko.SSHException) as error:
            failed = fabric_ends.login_failed(error, hop, orders)
            raise fabric_ends.LoginFailed(failed) from error
        finally:
            os.environ.pop("SSH_AUTH_SOCK", None)
        gateway = connection
    return connection


def connection_to(
    hop: ResolvedHost, gateway: fabric.Connection | None, orders: Orders, own: Mapping[str, Any]
) -> fabric.Connection:
    """Not opened yet. No configuration file of SSH takes part: everything was resolved before.

    `own` is `connect_kwargs` of the project's settings: they add to what the inventory says, and may say how to log in.
    """
    limit = orders.connect_limit
    opened_before = [path for path in hop.key_files if path in orders.keys]
    ours = {
        # paramiko takes one as a value; those that were opened for this run are few.
        "pkey": opened(orders.keys[opened_before[0]]) if opened_before else None,
        "allow_agent": bool(hop.agent),
        "look_for_keys": False,
        "banner_timeout": 2 * limit,  # The connect timeout covers the whole handshake, and comes first.
        "auth_timeout": limit,
    }
    return fabric.Connection(
        hop.address,
        user=hop.user,
        port=hop.port,
        gateway=gateway or hop.proxy_command or None,
        config=fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig()),
        connect_timeout=int(limit),
        connect_kwargs={
            **ours,
            **own,
            "key_filename": [path for path in key_files(hop, own) if path not in orders.keys],
        },
    )


def opened(text: str) -> paramiko.PKey:
    """A key that was opened before, from its text.

    Raises:
        paramiko.SSHException: It is of a kind that paramiko does not know.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey):
        with suppress(paramiko.SSHException):
            return kind.from_private_key(io.StringIO(text))
    return paramiko.RSAKey.from_private_key(io.StringIO(text))


def main() -> int:
    """Entry of the process. Its status is for nobody: what counts was said over the line."""
    line = Line(int(sys.argv[1]))
    orders = line.orders()
    line.end_with_run()
    for stream in (sys.stdout, sys.stderr):
        # By lines, so that what is printed is on record while the task runs, and lines of several writers stay whole.
        stream.reconfigure(line_buffering=True, errors="surrogateescape")  # type: ignore[union-attr]
    ended = carry_out(orders, line)
    sys.stdout.flush()
    sys.stderr.flush()
    line.tell(ended)
    return 0 if isinstance(ended, Done) else 1


if __name__ == "__main__":
    sys.exit(main())
