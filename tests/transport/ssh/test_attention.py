"""A silent cut is noticed soon where somebody waits, and an idle host is left alone."""

from __future__ import annotations

import pytest

from runbook.transport.ssh.attention import CLOSELY, SELDOM, UNANSWERED, Attention


class Connection:
    """What it was told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def set_keepalive(self, interval: float) -> None:
        self.told.append(interval)


def test_a_silence_of_ten_seconds_is_forgiven_and_one_of_fifteen_is_not() -> None:
    assert 10 < CLOSELY * (UNANSWERED + 1) <= 15


def test_a_connection_is_watched_closely_from_the_first_that_waits_to_the_last() -> None:
    connection = Connection()
    attention = Attention(connection, closely=CLOSELY, seldom=SELDOM)
    with attention.waiting():
        with attention.waiting():
            pass
        assert connection.told == [SELDOM, CLOSELY]
    assert connection.told == [SELDOM, CLOSELY, SELDOM]


def test_who_gives_up_waiting_does_not_wait_any_more() -> None:
    connection = Connection()
    attention = Attention(connection, closely=1.0, seldom=9.0)
    with pytest.raises(RuntimeError), attention.waiting():
        raise RuntimeError
    assert connection.told == [9.0, 1.0, 9.0]
