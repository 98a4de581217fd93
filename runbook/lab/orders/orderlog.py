"""Orders on disk: one JSON line each, appended and synced before anybody is told that the order was taken.

The file is the whole state. A line that a crash cut in half was never acknowledged, so opening drops it.
Nothing is ever rewritten in place; a set of orders is replaced by writing another file and renaming it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from runbook.lab.orders.place import OrdersRefused, replace_text


class Order(NamedTuple):
    """One accepted order."""

    seq: int
    """1, 2, 3, ... without a gap."""
    epoch: int
    """Counts promotions: two histories that differ have different epochs at the same seq."""
    at: float
    """Unix time at which the primary took it."""
    mark: int
    """What the writer put in to recognise it; a canary counts upwards."""
    item: str


class Digest(NamedTuple):
    """What a set of orders is, for comparing a backup, a restored set and live data."""

    orders: int
    """How many."""
    last_mark: int
    sha256: str
    """Over the file's bytes."""


def encode(orders: Iterable[Order]) -> bytes:
    """The lines as they stand in the file."""
    return b"".join(json.dumps(order._asdict()).encode() + b"\n" for order in orders)


def decode(data: bytes) -> tuple[Order, ...]:
    """The orders of complete lines.

    Raises:
        Refused: A line is not an order, or a number is missing: the file was damaged, not merely cut.
    """
    try:
        orders = tuple(Order(**json.loads(line)) for line in data.splitlines())
    except (ValueError, TypeError) as cause:
        message = f"damaged: a line is not an order ({cause})"
        raise OrdersRefused(message) from cause
    for place, order in enumerate(orders, start=1):
        if order.seq != place:
            message = f"damaged: order {order.seq} stands at line {place}"
            raise OrdersRefused(message)
    return orders


def digest_of(path: Path) -> Digest:
    """Read a set of orders whole, and check every line of it.

    Raises:
        Refused: The file is missing or damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        message = f"{path.name} is not there: {path.parent.name} holds no orders"
        raise OrdersRefused(message) from None
    orders = decode(data)
    return Digest(len(orders), orders[-1].mark if orders else 0, hashlib.sha256(data).hexdigest())


def write_orders(path: Path, orders: Iterable[Order]) -> None:
    """Put a whole set in place of whatever was there, by rename."""
    replace_text(path, encode(orders).decode())


class OrderLog:
    """The open file of a running database. Its owner sees to it that one thread uses it at a time."""

    def __init__(self, path: Path) -> None:
        """Read what is there, and drop a last line that a crash cut short.

        Raises:
            Refused: The file is damaged further up.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        self._file.seek(len(whole))
        self._orders = list(decode(whole))

    @property
    def last_seq(self) -> int:
        """0 when there is no order yet."""
        return len(self._orders)

    @property
    def last(self) -> Order:
        """The newest order; an order 0 stands for none."""
        return self._orders[-1] if self._orders else Order(0, 0, 0.0, 0, "")

    def after(self, seq: int) -> Sequence[Order]:
        """Every order newer than `seq`, oldest first."""
        return self._orders[seq:]

    def epoch_at(self, seq: int) -> int:
        """The epoch of an order that is there; 0 for the time before the first."""
        return self._orders[seq - 1].epoch if seq else 0

    def append(self, orders: Sequence[Order]) -> None:
        """Write and sync. When this returns the orders survive a kill -9."""
        self._file.write(encode(orders))
        os.fsync(self._file.fileno())
        self._orders.extend(orders)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
