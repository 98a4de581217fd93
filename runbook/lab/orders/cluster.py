"""What an operator does with the pair of databases: promote, demote, rejoin, hand over.

Each verb checks what a careful person would check first and refuses with the way out. They are run on one
host and reach the other database over its socket, as a tool with a replication account would.
"""

from __future__ import annotations

import time

from runbook.lab.orders import service
from runbook.lab.orders.database import Role, read_role, write_role
from runbook.lab.orders.orderlog import Order, decode, write_orders
from runbook.lab.orders.place import OrdersHome, OrdersRefused
from runbook.lab.orders.wire import Answer, Op, Request, Silent, Status, ask

HANDOVER_LIMIT = 5.0
"""Seconds in which a standby must catch up with a primary that has stopped taking orders."""


def question(place: OrdersHome, host: str, op: Op) -> Status:
    """Ask a database for something that it answers with its status.

    Raises:
        Refused: It does not answer, or says no.
    """
    try:
        answer = ask(place.socket_of(host), Request(op))
    except Silent as cause:
        raise OrdersRefused(str(cause)) from cause
    if not answer.ok or not answer.status:
        raise OrdersRefused(answer.message)
    return answer.status


def status(place: OrdersHome) -> Status:
    """This host's database."""
    return question(place, place.host, "status")


def lag(place: OrdersHome) -> str:
    """Seconds by which the standby is behind, as the primary sees it; asked on either host.

    Raises:
        Refused: No standby is attached, or there is no primary to ask.
    """
    here = status(place)
    primary = here if here.role == "primary" else question(place, place.peer, "status")
    if primary.role != "primary":
        message = "neither database is primary"
        raise OrdersRefused(message)
    if primary.link != "streaming":
        message = f"{primary.host}: {primary.link}"
        raise OrdersRefused(message)
    return f"{primary.lag:.2f}"


def promote(place: OrdersHome, *, force: bool) -> str:
    """Make this standby the primary.

    Raises:
        Refused: The other one is primary and answers; two primaries would take different orders.
    """
    if not force and _peer_is_primary(place):
        message = f"{place.peer} is primary and answers: hand over there (`orders handover`), or stop it first"
        raise OrdersRefused(message)
    now = question(place, place.host, "promote")
    return f"{now.host} is primary in epoch {now.epoch}, last order {now.last_seq}"


def demote(place: OrdersHome) -> str:
    """Stop taking orders here and follow the other database."""
    now = question(place, place.host, "demote")
    return f"{now.host} is standby, last order {now.last_seq}"


def handover(place: OrdersHome) -> str:
    """Move the primary role to the other database without losing an order.

    Raises:
        Refused: The other one is not ready, or did not catch up in time; this one then is primary as before.
    """
    here = status(place)
    if here.role != "primary" or here.link != "streaming":
        message = (
            f"{place.host} is {here.role} and its link is: {here.link}. Only a primary with a standby can hand over"
        )
        raise OrdersRefused(message)
    final = question(place, place.host, "demote")
    if not _caught_up(place, final.last_seq):
        question(place, place.host, "promote")
        message = f"{place.peer} did not catch up within {HANDOVER_LIMIT:.0f} s; {place.host} stays primary"
        raise OrdersRefused(message)
    now = question(place, place.peer, "promote")
    return f"{now.host} is primary in epoch {now.epoch}, last order {now.last_seq}"


def rejoin(place: OrdersHome) -> str:
    """Make this database a standby of the other, whatever it held.

    Orders that only this side has are kept in a file beside the data, because somebody acknowledged them once.

    Raises:
        Refused: The other one is not primary or does not answer, or nothing flows from it afterwards.
    """
    there = _whole(place)
    if not there.status or there.status.role != "primary":
        message = f"{place.peer} is not primary: there is nothing to rejoin"
        raise OrdersRefused(message)
    service.stop(place, "orders-db")
    path = place.data / "orders.log"
    data = path.read_bytes()
    lost = diverged(decode(data[: data.rfind(b"\n") + 1]), there.orders)
    if lost:
        write_orders(place.data / f"diverged-{lost[0].epoch}-{lost[0].seq}.log", lost)
    write_orders(path, there.orders)
    write_role(place.data, Role("standby", there.status.epoch, read_role(place.data).schema))
    service.start(place, "orders-db")
    _wait_streaming(place)
    return f"{place.host} follows {place.peer}; {len(lost)} orders were only here and are kept beside the data"


def diverged(here: tuple[Order, ...], there: tuple[Order, ...]) -> tuple[Order, ...]:
    """The orders of `here` from the first on that `there` does not have in the same place."""
    common = next((i for i, order in enumerate(here) if i >= len(there) or there[i] != order), len(here))
    return here[common:]


def _whole(place: OrdersHome) -> Answer:
    """Every order of the other database, at once and with nothing held back."""
    try:
        return ask(place.socket_of(place.peer), Request("fetch"))
    except Silent as cause:
        raise OrdersRefused(str(cause)) from cause


def _peer_is_primary(place: OrdersHome) -> bool:
    try:
        return question(place, place.peer, "status").role == "primary"
    except OrdersRefused:
        return False


def _wait_streaming(place: OrdersHome) -> None:
    deadline = time.monotonic() + HANDOVER_LIMIT
    while (link := status(place).link) != "streaming":
        if time.monotonic() > deadline:
            message = f"{place.host} has the data of {place.peer} but does not follow: {link}"
            raise OrdersRefused(message)
        time.sleep(0.02)


def _caught_up(place: OrdersHome, seq: int) -> bool:
    deadline = time.monotonic() + HANDOVER_LIMIT
    while question(place, place.peer, "status").last_seq < seq:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
