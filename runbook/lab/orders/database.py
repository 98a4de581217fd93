"""One database: takes orders when it is primary, follows when it is standby, and says which.

The rules that matter in a failover are all here: an order is acknowledged when it is on *this* disk
(replication is asynchronous, so it can still be lost); a promotion starts a new epoch; a follower whose
history differs is refused instead of merged. It knows nothing of sockets and threads' lives: `daemon.py`
gives it both.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Literal, NamedTuple, assert_never

from runbook.lab.orders.orderlog import Order, OrderLog
from runbook.lab.orders.place import OrdersHome, replace_text
from runbook.lab.orders.wire import LONG_POLL, Answer, Request, Status

FOLLOWER_SILENCE = 3 * LONG_POLL
"""Seconds after which a follower that has not asked counts as gone."""


class Role(NamedTuple):
    """Who this database is, kept beside its orders so that both are switched and restored together."""

    kind: Literal["primary", "standby"]
    epoch: int
    schema: int = 4


def read_role(data: Path) -> Role:
    """The role as it was last written."""
    return Role(**json.loads((data / "role.json").read_text("utf-8")))


def write_role(data: Path, role: Role) -> None:
    """Change the role on disk; a restart finds the new one or the old one, never half of it."""
    replace_text(data / "role.json", json.dumps(role._asdict()) + "\n")


class Database:
    """The live state, safe to use from many threads."""

    def __init__(self, place: OrdersHome) -> None:
        """Open the data of this host.

        Raises:
            Refused: The orders on disk are damaged.
        """
        self._place = place
        self._changed = threading.Condition()
        self._log = OrderLog(place.data / "orders.log")
        self._role = read_role(place.data)
        self._follower_has = 0
        self._follower_asked = float("-inf")
        self._link = "not connected"
        self._delay = 0.0

    @property
    def role(self) -> Role:
        """Who it is now."""
        return self._role

    @property
    def newest(self) -> Order:
        """The newest order here; its seq is 0 when there is none."""
        with self._changed:
            return self._log.last

    def answer(self, request: Request) -> Answer:
        """Answer one question. Never raises for what was asked."""
        match request.op:
            case "put":
                return self._put(request)
            case "heartbeat":
                return self._heartbeat()
            case "last":
                return Answer(ok=True, orders=(self.newest,), status=self.status())
            case "status":
                return Answer(ok=True, status=self.status())
            case "fetch":
                return self._fetch(request)
            case "promote":
                return self._promote()
            case "demote":
                return self._demote()
            case _:
                assert_never(request.op)

    def status(self) -> Status:
        """What this database knows of itself and of the other."""
        with self._changed:
            role, last = self._role, self._log.last
            primary = role.kind == "primary"
            fresh = time.monotonic() - self._follower_asked < FOLLOWER_SILENCE
            missing = self._log.after(self._follower_has) if primary and fresh else ()
            return Status(
                host=self._place.host,
                role=role.kind,
                epoch=role.epoch,
                last_seq=last.seq,
                last_mark=last.mark,
                schema=role.schema,
                link=("streaming" if fresh else "no standby attached") if primary else self._link,
                lag=max(0.0, time.time() - missing[0].at) if missing else 0.0,
                behind=len(missing),
                delay=0.0 if primary else self._delay,
            )

    def going_on(self, delay: float) -> Order:
        """The newest order, from which a standby goes on, and a note of the delay that it asks for."""
        with self._changed:
            self._delay = delay
            return self._log.last

    def apply(self, orders: tuple[Order, ...], source: Status) -> None:
        """Take what the primary shipped. One that was promoted meanwhile has a history of its own and takes nothing."""
        with self._changed:
            if self._role.kind != "standby":
                return
            self._link = "streaming"
            if orders:
                self._log.append(orders)
            if source.epoch > self._role.epoch:
                self._become(self._role._replace(epoch=source.epoch))

    def lost_link(self, reason: str) -> None:
        """Note why nothing flows from the primary."""
        with self._changed:
            self._link = reason

    def _put(self, request: Request) -> Answer:
        with self._changed:
            if self._role.kind != "primary":
                return self._read_only()
            order = Order(self._log.last_seq + 1, self._role.epoch, time.time(), request.mark, request.item)
            self._log.append((order,))
            self._changed.notify_all()
        return Answer(ok=True, orders=(order,), status=self.status())

    def _heartbeat(self) -> Answer:
        """A write that is synced like an order but leaves no order behind, so that probes do not fill the log."""
        with self._changed:
            if self._role.kind != "primary":
                return self._read_only()
            descriptor = os.open(self._place.data / "heartbeat", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(descriptor, f"{time.time():020.6f}\n".encode(), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return Answer(ok=True, status=self.status())

    def _read_only(self) -> Answer:
        host, peer = self._place.host, self._place.peer
        return Answer(ok=False, message=f"{host} is a standby and takes no orders", primary=peer)

    def _fetch(self, request: Request) -> Answer:
        with self._changed:
            if request.after > self._log.last_seq or self._log.epoch_at(request.after) != request.epoch:
                return Answer(
                    ok=False, message=f"history differs at order {request.after}: rejoin", status=self.status()
                )
            self._follower_has, self._follower_asked = request.after, time.monotonic()
            ready = self._wait_ready(request)
        return Answer(ok=True, orders=ready, status=self.status())

    def _wait_ready(self, request: Request) -> tuple[Order, ...]:
        """Orders old enough to ship; waits a while for the first. One that takes no writes holds nothing back."""
        deadline = time.monotonic() + request.wait
        while True:
            new = self._log.after(request.after)
            now = time.time()
            ready = tuple(o for o in new if self._role.kind == "standby" or o.at <= now - request.delay)
            left = deadline - time.monotonic()
            if ready or left <= 0:
                return ready
            self._changed.wait(min(left, new[0].at + request.delay - now + 0.001) if new else left)

    def _promote(self) -> Answer:
        with self._changed:
            if self._role.kind == "standby":
                self._follower_has, self._follower_asked = self._log.last_seq, float("-inf")
                self._become(self._role._replace(kind="primary", epoch=self._role.epoch + 1))
        return Answer(ok=True, status=self.status())

    def _demote(self) -> Answer:
        with self._changed:
            if self._role.kind == "primary":
                self._link = "not connected"
                self._become(self._role._replace(kind="standby"))
        return Answer(ok=True, status=self.status())

    def _become(self, role: Role) -> None:
        """On disk first: a role that a crash could take back was never changed."""
        write_role(self._place.data, role)
        self._role = role
        self._changed.notify_all()
