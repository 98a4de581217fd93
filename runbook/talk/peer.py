"""Who is at the other end of a Unix socket, by the kernel's word: for the runner that is called, and for who calls it.

Both ends ask the same way, because both are lied to in the same way: a path, a name and a message can be anybody's.
For a socket that listens the kernel keeps whoever called listen(2), so that a program which passes every byte on to the
right runner is still seen as itself. The uid decides. The process number is only for a person to look at: numbers are
used again, and in another container they count anew.
"""

from __future__ import annotations

import errno
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

from runbook.problem import problem

_CREDENTIALS = struct.Struct("=iII")
"""`struct ucred` of unix(7): process, user, group."""
_NOBODY_YET = 2**32 - 1
"""What the kernel gives for a socket that is not connected, as one is whose call waits in a full queue."""


class Connection(Protocol):
    """What a connected socket and asyncio's view of one have in common."""

    def getsockopt(self, _level: int, _option: int, _length: int, /) -> bytes:
        """An option of the socket, as bytes."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process as the kernel knows it."""

    pid: int
    """0 where it cannot be seen from here."""
    uid: int

    def __str__(self) -> str:
        """As a message names them: `uid 1001, atk2, process 4242`."""
        return f"{known_as(self.uid)}{f', process {self.pid}' if self.pid else ''}"


def peer_of(connection: Connection) -> Peer:
    """Who is at the other end.

    Raises:
        BlockingIOError: Nobody yet: whoever listens takes no more calls now.
        Problems: This system does not say.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        raise problem("this system does not say who is calling", fix="Answer gates in the terminal of the run.")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _group = _CREDENTIALS.unpack(packed)
    if uid == _NOBODY_YET:
        raise BlockingIOError(errno.EAGAIN, "whoever listens there takes no more calls now")
    return Peer(pid, uid)


def login_name(uid: int) -> str:
    """The name that belongs to a uid; the number itself where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def known_as(uid: int) -> str:
    """A uid and the name that this machine has for it: `uid 1001, atk2`."""
    name = login_name(uid)
    return name if name == f"uid {uid}" else f"uid {uid}, {name}"
