"""One process somewhere and the pipes to it: what SSH and the local machine have in common below a command.

A channel delivers *arrivals* in order: bytes, then at most one ending, then `Gone` for ever. It does not know
markers, limits or outcomes. Its inbox is bounded: when nobody reads, it asks the transport to stop reading
too, so that a host that writes without end fills a window and not our memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runbook.core.outcome import Exited, Signalled
from runbook.transport.session import Stream

HIGH_WATER = 256 * 1024
"""Bytes waiting in one inbox before the transport is told to pause: one SSH window."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they arrived, never empty."""

    stream: Stream
    data: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing more will come."""

    reason: str
    """Empty when the other side closed in good order."""


Arrival = Chunk | Exited | Signalled | Gone


class ChannelRefused(Exception):  # noqa: N818 - it is what happened, and certain: nothing was sent
    """No channel could be opened, so nothing of the command has left."""

    def __init__(self, reason: str) -> None:
        """Keep the reason in the operator's words."""
        super().__init__(reason)
        self.reason = reason


class Channel(Protocol):
    """One running `/bin/sh` with its standard input, output and error."""

    @property
    def is_gone(self) -> bool:
        """True once nothing more can be sent or will come, also while arrivals still wait."""

    async def next(self) -> Arrival:
        """The next arrival. After `Gone`, `Gone` again."""

    async def write(self, data: bytes) -> None:
        """Send to its standard input.

        Waits while the other side does not take it, does nothing once it is gone.
        """

    def write_eof(self) -> None:
        """Close its standard input."""

    def signal(self, name: str) -> None:
        """Ask the other side to signal it (`TERM`, `KILL`). No answer is promised."""

    def close(self) -> None:
        """Let go. The process may live on; a second call does nothing."""


class Dialer(Protocol):
    """Opens channels on one host."""

    async def open(self, *, urgent: bool = False) -> Channel:
        """Start a `/bin/sh`. `urgent` uses the places that are kept for ending things.

        Raises:
            ChannelRefused: It did not start; certain.
        """


class Inbox:
    """Arrivals of one channel, waiting for its one reader."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Take the two calls that stop and restart the transport's reading."""
        self._pause, self._resume = pause, resume
        self._waiting: deque[Arrival] = deque()
        self._bytes = 0
        self._is_paused = False
        self._ended = Gone("")
        self._is_closed = False
        self._news = asyncio.Event()

    @property
    def is_gone(self) -> bool:
        """See `Channel.is_gone`."""
        return self._is_closed

    def put(self, arrival: Arrival) -> None:
        """Add what came; after `Gone` nothing is added any more."""
        if self._is_closed:
            return
        if isinstance(arrival, Gone):
            self._ended, self._is_closed = arrival, True
        else:
            self._waiting.append(arrival)
        if isinstance(arrival, Chunk):
            self._bytes += len(arrival.data)
            if self._bytes > HIGH_WATER and not self._is_paused:
                self._is_paused = True
                self._pause()
        self._news.set()

    async def next(self) -> Arrival:
        """Wait for the next arrival. Cancelling it loses nothing."""
        while not self._waiting:
            if self._is_closed:
                return self._ended
            self._news.clear()
            await self._news.wait()
        arrival = self._waiting.popleft()
        if isinstance(arrival, Chunk):
            self._bytes -= len(arrival.data)
            if self._is_paused and self._bytes <= HIGH_WATER // 2:
                self._is_paused = False
                self._resume()
        return arrival
