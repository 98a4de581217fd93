"""How the parts of `orders` talk: one JSON line to ask, one to answer, over a Unix socket.

A connection may carry many questions. The union of questions is closed by `Request.op`; an answer always says
whether it is one, because "no" from a standby and silence from a dead primary are different facts.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Literal, NamedTuple

from runbook.lab.orders.orderlog import Order

Op = Literal["put", "heartbeat", "last", "status", "fetch", "promote", "demote"]
"""Everything a database can be asked."""

LONG_POLL = 1.0
"""Seconds for which a follower waits for news, so that an idle pair costs one exchange a second."""


class Request(NamedTuple):
    """One question; the fields that an op does not use stay empty."""

    op: Op
    mark: int = 0
    item: str = ""
    after: int = 0
    """`fetch`: the newest order that the follower has."""
    epoch: int = 0
    """`fetch`: the epoch of that order, which proves that both have the same history."""
    delay: float = 0.0
    """`fetch`: seconds that an order must be old before it is shipped."""
    wait: float = 0.0
    """`fetch`: seconds to wait for news when there is none, at most."""


class Status(NamedTuple):
    """A database as it sees itself."""

    host: str
    role: str
    """`primary` or `standby`."""
    epoch: int
    last_seq: int
    last_mark: int
    schema: int
    link: str
    """`streaming`, or why nothing flows."""
    lag: float
    """Seconds: age of the oldest order that the standby has not got; only a primary that streams knows it, else 0."""
    behind: int
    """Orders that the standby has not got, under the same condition."""
    delay: float = 0.0
    """Seconds for which this standby has its primary hold orders back; 0 at a primary."""


class Answer(NamedTuple):
    """What a database said."""

    ok: bool
    message: str = ""
    """Why not, when `ok` is false."""
    primary: str = ""
    """Where to ask instead, when a standby was asked to write."""
    orders: tuple[Order, ...] = ()
    status: Status | None = None


class Silent(Exception):  # noqa: N818 - a state of the other side, in the service's words
    """Nobody answered: the process is gone, or it does not answer in time."""


class Line:
    """One open connection to a database."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        """Connect.

        Args:
            path: The database's socket.
            timeout: Seconds for connecting and for each answer.

        Raises:
            Silent: Nobody listens there.
        """
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(os.fspath(path))
        except OSError as cause:
            self._socket.close()
            message = f"{path.stem} does not answer"
            raise Silent(message) from cause
        self._name = path.stem
        self._stream = self._socket.makefile("rwb")

    def ask(self, request: Request) -> Answer:
        """Put one question.

        Raises:
            Silent: The connection broke or the answer took too long.
        """
        try:
            self._stream.write(encode_request(request))
            self._stream.flush()
            line = self._stream.readline()
        except OSError as cause:
            message = f"{self._name} stopped answering"
            raise Silent(message) from cause
        if not line.endswith(b"\n"):
            message = f"{self._name} hung up"
            raise Silent(message)
        return decode_answer(line)

    def close(self) -> None:
        """Hang up; an answer that never came is no reason to fail here."""
        try:
            self._stream.close()
        except OSError:
            pass  # bytes that could not be sent to a dead process
        self._socket.close()


def ask(path: Path, request: Request, *, timeout: float = 2.0) -> Answer:
    """One question on a connection of its own.

    Raises:
        Silent: Nobody answered within `timeout` seconds.
    """
    line = Line(path, timeout=timeout)
    try:
        return line.ask(request)
    finally:
        line.close()


def encode_request(request: Request) -> bytes:
    """A question as a line."""
    return json.dumps(request._asdict()).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """A line as a question; ValueError or TypeError for anything else."""
    return Request(**json.loads(line))


def encode_answer(answer: Answer) -> bytes:
    """An answer as a line."""
    said = answer._asdict() | {
        "orders": [order._asdict() for order in answer.orders],
        "status": answer.status._asdict() if answer.status else None,
    }
    return json.dumps(said).encode() + b"\n"


def decode_answer(line: bytes) -> Answer:
    """A line as an answer."""
    said = json.loads(line)
    return Answer(
        ok=said["ok"],
        message=said["message"],
        primary=said["primary"],
        orders=tuple(Order(**order) for order in said["orders"]),
        status=Status(**said["status"]) if said["status"] else None,
    )
