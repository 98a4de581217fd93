"""A link that takes its time: loopback addresses that lead to others, with so many milliseconds there and back.

One thread with one loop carries every connection. Nothing is lost and nothing is narrow: only late, as over an ocean. A
connection stands when its first round trip is over, as TCP's does. What is counted are round trips that somebody waited
for: a round begins with bytes of the client's, and what it sends before their answer can have come belongs to the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Address = tuple[str, int]


@dataclass(slots=True)
class Link:
    """All connections that go the long way."""

    seconds: float
    """One round trip."""
    rounds: int = 0
    """Round trips of all connections so far, the first of each included."""


@contextlib.contextmanager
def link(ways: Mapping[Address, Address], seconds: float) -> Iterator[Link]:
    """Listen on each address and carry to the one that it leads to, for as long as the block lasts."""
    one, loop = Link(seconds), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="link", daemon=True)
    thread.start()
    try:
        servers = asyncio.run_coroutine_threadsafe(_listen(one, ways), loop).result(10)
        yield one
        for server in servers:
            loop.call_soon_threadsafe(server.close)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _listen(one: Link, ways: Mapping[Address, Address]) -> list[asyncio.Server]:
    loop = asyncio.get_running_loop()
    return [await loop.create_server(lambda far=far: _Client(one, far), *near) for near, far in ways.items()]


class _End(asyncio.Protocol):
    """One end of a connection: what it hears is handed to the other end, later."""

    def __init__(self, one: Link) -> None:
        self._link = one
        self.transport: asyncio.Transport
        self.other: _End | None = None
        self._waiting = deque[bytes]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._later(data)

    def eof_received(self) -> bool:
        self._later(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._later(b"")

    def _later(self, data: bytes) -> None:
        """Out at the other end when it has been on its way; empty is the end."""
        self._waiting.append(data)
        if self.other is not None:
            asyncio.get_running_loop().call_later(self._link.seconds / 2, self._arrive)

    def _arrive(self) -> None:
        data, sink = self._waiting.popleft(), self.other
        assert sink is not None
        if not data:
            sink.transport.close()
        elif not sink.transport.is_closing():
            sink.transport.write(data)


class _Client(_End):
    """The end that has dialled."""

    def __init__(self, one: Link, far: Address) -> None:
        super().__init__(one)
        self._far = far
        self._round_ends = 0.0
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    def data_received(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._round_ends:
            self._link.rounds += 1
            self._round_ends = now + self._link.seconds
        super().data_received(data)

    async def _dial(self) -> None:
        """TCP's own round trip, then everything that has come meanwhile."""
        await asyncio.sleep(self._link.seconds)
        loop = asyncio.get_running_loop()
        _, server = await loop.create_connection(lambda: _End(self._link), *self._far)
        self.other, server.other = server, self
        for _ in self._waiting:
            loop.call_later(self._link.seconds / 2, self._arrive)
