"""A server on loopback that answers every connection with the bytes it was given, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Answering:
    """Where it listens and what it heard."""

    scheme: str = "http"
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/health"


@asynccontextmanager
async def answering(
    answer: bytes, *, hang: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Answering]:
    """Answer and hang up; with `hang`, answer and say nothing more."""
    server, over = Answering("https" if tls else "http"), asyncio.Event()
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        server.heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        try:
            await writer.drain()
            if hang:
                await over.wait()
        except ConnectionError:
            pass  # The client had read enough.
        finally:
            writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        over.set()
        listener.close()
        await asyncio.gather(*talks, return_exceptions=True)
        await listener.wait_closed()


def http(status: str, body: bytes = b"", *headers: bytes) -> bytes:
    """An HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}".encode(), f"content-length: {len(body)}".encode(), *headers, b"connection: close"]
    return b"\r\n".join([*lines, b"", body])
