"""The ledger's root: one hash over all entries so far, in the form that transparency logs share.

A checkpoint is three lines (C2SP tlog-checkpoint: origin, size, root of RFC 6962 in base64), so the tools of that
world read it, and anybody who keeps one can tell years later whether the first entries are still those. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence

import msgspec

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,11})\n([A-Za-z0-9+/=]{44})\n(?:\n.*)?", re.DOTALL)


class LedgerCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger was."""

    origin: str
    """Which ledger."""
    size: int
    """Entries."""
    root: bytes
    """32 bytes."""

    @property
    def text(self) -> bytes:
        """What is signed and kept elsewhere."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def read_ledger_checkpoint(data: bytes) -> LedgerCheckpoint:
    """From its text; lines of signed notes behind it are left to their own tools.

    Raises:
        ValueError: It is none.
    """
    found = _TEXT.fullmatch(data.decode("utf-8"))
    if found is None:
        raise ValueError("it does not have the form of a checkpoint of a ledger")
    try:
        root = base64.b64decode(found[3], validate=True)
    except binascii.Error:
        raise ValueError("its root is no base64") from None
    return LedgerCheckpoint(origin=found[1], size=int(found[2]), root=root)


def leaf(entry: bytes) -> bytes:
    """The hash of one entry as a leaf (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\0" + entry).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves, from their hashes.

    A level is paired from the left and what is over is taken up as it is, which gives the same tree as splitting at the
    largest power of two.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]
