"""What the file of orders promises: whole lines only, and damage is never read as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.lab.orders.cluster import diverged
from runbook.lab.orders.orderlog import Order, OrderLog, digest_of, encode, write_orders
from runbook.lab.orders.place import OrdersRefused


def order(seq: int, *, epoch: int = 1) -> Order:
    return Order(seq, epoch, 1000.0 + seq, seq * 10, f"item {seq}")


ORDERS = tuple(order(seq) for seq in range(1, 4))


def test_what_was_appended_is_there_after_opening_again(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "orders.log")
    log.append(ORDERS)
    log.close()
    again = OrderLog(tmp_path / "orders.log")
    assert tuple(again.after(0)) == ORDERS
    assert (again.last, again.last_seq, again.epoch_at(2), again.epoch_at(0)) == (ORDERS[-1], 3, 1, 0)
    again.close()


def test_a_log_cut_at_any_byte_keeps_every_whole_line_and_can_be_appended_to(tmp_path: Path) -> None:
    whole = encode(ORDERS)
    for cut in range(len(whole) + 1):
        path = tmp_path / f"cut{cut}"
        path.write_bytes(whole[:cut])
        log = OrderLog(path)
        kept = whole[:cut].count(b"\n")
        assert tuple(log.after(0)) == ORDERS[:kept]
        log.append((order(kept + 1),))
        log.close()
        assert path.read_bytes() == encode([*ORDERS[:kept], order(kept + 1)])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"not an order\n", "a line is not an order"),
        (encode(ORDERS[1:]), "order 2 stands at line 1"),
        (encode(ORDERS[:1]) + b'{"seq": 2}\n', "a line is not an order"),
    ],
)
def test_damage_is_refused_and_left_as_it_is(tmp_path: Path, damage: bytes, said: str) -> None:
    path = tmp_path / "orders.log"
    path.write_bytes(damage)
    with pytest.raises(OrdersRefused, match=said):
        digest_of(path)
    assert path.read_bytes() == damage


def test_a_digest_tells_sets_apart(tmp_path: Path) -> None:
    write_orders(tmp_path / "a", ORDERS)
    write_orders(tmp_path / "b", ORDERS[:2])
    a, b = digest_of(tmp_path / "a"), digest_of(tmp_path / "b")
    assert (a.orders, a.last_mark, b.orders, b.last_mark) == (3, 30, 2, 20)
    assert a.sha256 != b.sha256


@pytest.mark.parametrize(
    ("here", "there", "lost"),
    [
        (ORDERS, ORDERS, ()),
        (ORDERS[:1], ORDERS, ()),
        (ORDERS, ORDERS[:1], ORDERS[1:]),
        (ORDERS, (ORDERS[0], order(2, epoch=2)), ORDERS[1:]),
        ((), ORDERS, ()),
    ],
)
def test_what_only_one_side_has_begins_where_the_histories_part(
    here: tuple[Order, ...], there: tuple[Order, ...], lost: tuple[Order, ...]
) -> None:
    assert diverged(here, there) == lost
