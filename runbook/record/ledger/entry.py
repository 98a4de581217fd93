"""One entry of the ledger: a small file of JSON that names the one before it by the hash of its bytes.

Entries are facts about records and never the records' contents. The kinds are closed here and open for a reader: one
that a newer version wrote is kept in its place, because what chains it is its bytes.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec
from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.record.form.codec import ZERO

Kind = Literal[
    "opened", "resumed", "sealed", "abandoned", "missed", "postponed", "finding", "key-added", "key-revoked",
    "redaction", "hold", "released", "destroyed", "heartbeat",
]  # fmt: skip
"""What can be told. A record is opened once, and closed by `sealed`, `abandoned` or `destroyed`."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of what happened to records."""

    seq: int = 0
    """From 1 without gaps; the name of its file. 0 until it has one."""
    prev: str = ""
    """SHA-256 of the file before it; 64 zeros in the first."""
    kind: str
    """One of `Kind`, or what a newer version tells."""
    time: str
    """Wall time, ISO 8601 UTC, by the clock of the machine that wrote it."""
    by: Actor | None = None
    run: str = ""
    plan: str = ""
    """SHA-256 of the plan that was opened."""
    head: str = ""
    """Of the journal, when it was sealed."""
    lines: int = 0
    manifest: str = ""
    """SHA-256 of the listing of the sealed record."""
    key: str = ""
    """Fingerprint: of the key that sealed, or that is added or revoked."""
    text: str = ""
    """Why, or what, for people."""

    def told(self, time: str, by: Actor) -> LedgerEntry:
        """The same, told now by that person."""
        return replace(self, time=time, by=by)

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return msgspec.json.encode(self) + b"\n"


def read_entry(data: bytes) -> LedgerEntry:
    """The entry in a file.

    Raises:
        ValueError: There is none in it.
    """
    try:
        return msgspec.json.decode(data, type=LedgerEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def hash_of_entry(data: bytes) -> str:
    """What the next entry names it by."""
    return hashlib.sha256(data).hexdigest()


FIRST = ZERO
"""`prev` of the first."""
