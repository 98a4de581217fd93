"""A wire between a client and a server that can be cut, stalled, closed by half, corrupted and refused, each way apart.

One thread with one loop carries every wire of a world. It knows nothing of SSH: bytes come in on one side and go out on the
other, and are counted. A harm with `after` is done in front of exactly that byte, so no clock decides where it falls.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

UP, DOWN = "up", "down"
"""From the client to the server, and back."""


@dataclass
class Order:
    """A harm that waits for its byte."""

    after: int
    do: Callable[[Link, str], None]
    """Told the link and the way on which the byte came."""
    spoil: bool = False
    """The byte itself is changed."""


@dataclass
class Way:
    """What is known of one direction of one connection."""

    held: bytearray = field(default_factory=bytearray)
    stalled: bool = False
    deaf: bool = False
    """Bytes that come in go nowhere."""
    ended: bool = False
    """Its source will send no more."""


class Link:
    """One connection: two ends and two ways between them."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ends: dict[str, asyncio.Transport] = {}
        """By the way that comes out of it: the client's is `up`."""
        self.ways = {UP: Way(), DOWN: Way()}

    def sink(self, way: str) -> asyncio.Transport | None:
        return self.ends.get(DOWN if way == UP else UP)

    def carry(self, way: str, data: bytes) -> None:
        """Bytes came in."""
        state = self.ways[way]
        order = self.wire.orders.get(way)
        while order is not None and not state.stalled and len(data) > order.after:
            self._out(way, data[: order.after])
            data = data[order.after :]
            if order.spoil:
                data = bytes([data[0] ^ 0x55]) + data[1:]
            del self.wire.orders[way]
            order.do(self, way)
            order = self.wire.orders.get(way)
        if order is not None:
            order.after -= len(data)
        self._out(way, data)

    def _out(self, way: str, data: bytes) -> None:
        state, sink = self.ways[way], self.sink(way)
        if state.deaf or not data or (sink is not None and sink.is_closing()):
            return
        if state.stalled or sink is None:
            state.held += data
            return
        self.wire.carried[way] += len(data)
        sink.write(data)

    def end(self, way: str) -> None:
        """Its source will send no more."""
        state, sink = self.ways[way], self.sink(way)
        state.ended = True
        if sink is not None and not state.stalled and not sink.is_closing():
            with contextlib.suppress(OSError):
                sink.write_eof()

    def lost(self, way: str) -> None:
        """The end that this way comes out of is gone."""
        self.ends.pop(way, None)
        self.end(way)
        if not self.ends or not self.ways[way].stalled:
            self.close()

    def flow(self) -> None:
        """Nothing is stalled any more; what was held goes on its way."""
        for way, state in self.ways.items():
            state.stalled = False
            data, state.held = bytes(state.held), bytearray()
            self._out(way, data)
            if state.ended:
                self.end(way)
        if len(self.ends) == 1:
            self.close()

    def half_close(self, way: str) -> None:
        self.ways[way].deaf = True
        self.end(way)

    def cut(self) -> None:
        """Both ends are told that the connection was reset."""
        for end in list(self.ends.values()):
            _reset(end)

    def linger(self) -> None:
        """The client is told that the connection was reset; the server gets what was on its way, but late."""
        self.ways[UP].stalled = True
        self.ways[DOWN].deaf = True
        if UP in self.ends:
            _reset(self.ends[UP])

    def close(self) -> None:
        for end in list(self.ends.values()):
            end.close()


def _reset(end: asyncio.Transport) -> None:
    own = end.get_extra_info("socket")
    if own is not None and own.fileno() >= 0:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.abort()


class _End(asyncio.Protocol):
    """One end of a link, and the way that comes out of it."""

    def __init__(self, link: Link, way: str) -> None:
        self.link, self.way = link, way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.link.ends[self.way] = transport
        if self.way == UP and self.link.wire.refusing:
            self.link.cut()

    def data_received(self, data: bytes) -> None:
        self.link.carry(self.way, data)

    def eof_received(self) -> bool:
        self.link.end(self.way)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.lost(self.way)


class Wire:
    """A port of its own in front of a server's; every method may be called from any thread."""

    def __init__(self, thread: WireThread, server: int) -> None:
        self.thread, self.server = thread, server
        self.links: list[Link] = []
        self.orders: dict[str, Order] = {}
        self.carried = {UP: 0, DOWN: 0}
        self.refusing = False
        self.port = 0
        self.listener: asyncio.Server | None = None
        self.joining: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        self.listener = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]

    def _accept(self) -> asyncio.Protocol:
        link = Link(self)
        self.links.append(link)
        if not self.refusing:
            joining = asyncio.get_running_loop().create_task(self._join(link))
            self.joining.add(joining)
            joining.add_done_callback(self.joining.discard)
        return _End(link, UP)

    async def _join(self, link: Link) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: _End(link, DOWN), "127.0.0.1", self.server)
        except OSError:
            link.cut()
            return
        if UP not in link.ends:
            link.close()
        elif not link.ways[UP].stalled:
            link.flow()

    def _order(self, way: str, after: int, do: Callable[[Link, str], None], *, spoil: bool = False) -> None:
        def put() -> None:
            self.orders[way] = Order(after, do, spoil)

        self.thread.do(put)

    def cut(self, way: str = UP, after: int = 0) -> None:
        """Reset the connection on which the byte comes; without `after`, every one, now."""
        if after:
            self._order(way, after, lambda link, _: link.cut())
        else:
            self.thread.do(lambda: [link.cut() for link in self.links])

    def corrupt(self, way: str, after: int) -> None:
        """Change a byte on its way."""
        self._order(way, after, lambda link, way: None, spoil=True)

    def half_close(self, way: str, after: int) -> None:
        """The sink of this way sees its end; the other way goes on."""
        self._order(way, after, Link.half_close)

    def stall(self, way: str) -> None:
        """What comes this way on the connections of now is held."""

        def hold() -> None:
            for link in self.links:
                link.ways[way].stalled = True

        self.thread.do(hold)

    def linger(self) -> None:
        """Reset the client's end now and let the server hear of it late."""
        self.thread.do(lambda: [link.linger() for link in self.links])

    def flow(self) -> None:
        """Nothing is held, ordered or refused any more."""

        def let_go() -> None:
            self.refusing = False
            self.orders.clear()
            for link in self.links:
                link.flow()

        self.thread.do(let_go)

    def refuse(self) -> None:
        """New connections are reset until `flow`."""
        self.refusing = True


class WireThread:
    """The loop that carries the wires, in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.wires: list[Wire] = []
        self.thread.start()

    def wire(self, server: int) -> Wire:
        """One more wire, to this port of this machine."""
        made = Wire(self, server)
        asyncio.run_coroutine_threadsafe(made.listen(), self.loop).result(20)
        self.wires.append(made)
        return made

    def do(self, what: Callable[[], object]) -> None:
        """Do it on the loop's own thread, and wait until it is done."""

        async def done() -> None:
            what()

        asyncio.run_coroutine_threadsafe(done(), self.loop).result(20)

    def close(self) -> None:
        """Every wire is gone, and so is the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()

    async def _close(self) -> None:
        for wire in self.wires:
            assert wire.listener is not None
            wire.listener.close()
            for joining in list(wire.joining):
                joining.cancel()
            for link in wire.links:
                link.cut()
        # The loop forgets an aborted transport one turn after it was told to.
        for _ in range(3):
            await asyncio.sleep(0)
