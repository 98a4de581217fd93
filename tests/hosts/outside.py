"""What shows of a host from outside: echoes of the network, and a name server for it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator


def echoes(address: str, count: int) -> int:
    """How many of so many ICMP questions are answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as wire:
        wire.settimeout(0.5)
        for number in range(count):
            wire.sendto(_question(number), (address, 0))
            time.sleep(0.002)
        answered = set()
        with contextlib.suppress(TimeoutError):
            while len(answered) < count:
                said, source = wire.recvfrom(2000)
                if source[0] == address and said[20] == 0:
                    answered.add(said[26:28])
    return len(answered)


def round_trip(address: str) -> float:
    """Seconds until one is answered; the best of five."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        if echoes(address, 1):
            times.append(time.monotonic() - began)
    return min(times, default=float("inf"))


def _question(number: int) -> bytes:
    head = struct.pack("!BBHHH", 8, 0, 0, 7, number)
    total = sum(struct.unpack("!4H", head))
    return struct.pack("!BBHHH", 8, 0, ~(total + (total >> 16)) & 0xFFFF, 7, number)


@contextlib.contextmanager
def name_server(address: str) -> Iterator[None]:
    """Finds every name at 203.0.113.7."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wire.bind((address, 53))
    thread = threading.Thread(target=_answer, args=(wire,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        wire.close()


def _answer(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            asked, who = wire.recvfrom(2000)
            end = asked.index(b"\0", 12) + 5
            is_a = asked[end - 4 : end - 2] == b"\0\1"
            head = asked[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
            found = b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4" + socket.inet_aton("203.0.113.7") if is_a else b""
            wire.sendto(head + asked[12:end] + found, who)
