"""How closely a connection is watched: a cut that nobody tells of is seen by silence alone.

A cable that is pulled, a firewall that forgets, a laptop that changes its network: no packet says so, and a step would
wait for ever for an answer that cannot come. So a quiet connection is asked for signs of life, and ends when several in
a row stay out. While somebody waits for the host this is soon: within a quarter of a minute. It must not be sooner,
because a host may be busy, or a virtual machine be moved, for ten seconds, and answer then. While nobody waits, a host
is asked as seldom as serves to keep firewalls from forgetting it: a thousand idle hosts cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

UNANSWERED = 3
"""Signs of life that may stay out in a row: a connection ends after so many intervals, and one more."""

CLOSELY = 3.5
"""Seconds between them while something is waited for. Ends a silence of 14 s, and none of 10 s."""

SELDOM = 15.0
"""Seconds between them while nothing is waited for."""


class Watched(Protocol):
    """What asyncssh lets us tell a connection."""

    def set_keepalive(self, interval: float) -> None:
        """Ask after so many seconds without a byte."""


class Attention:
    """Of one connection."""

    def __init__(self, connection: Watched, *, closely: float, seldom: float) -> None:
        """Nothing is waited for yet."""
        self._connection, self._closely, self._seldom = connection, closely, seldom
        self._waiting = 0
        connection.set_keepalive(seldom)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits for an answer as long as the block lasts; several may at once."""
        self._waiting += 1
        if self._waiting == 1:
            self._connection.set_keepalive(self._closely)
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._connection.set_keepalive(self._seldom)
