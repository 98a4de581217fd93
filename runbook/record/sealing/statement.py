"""What a seal says in words, as `SEAL.json`: of which run, up to where, as what, by whom, with which key or why none.

It lies in the permanent listing, so whoever signs that has signed this. A run that never ended is sealed as such, with
the reason that somebody gave: the seal then explains what is missing, and vouches for nothing else.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.actor import Actor


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seal."""

    seal: int = 1
    """Of this form."""
    run: str
    state: Literal["ended", "interrupted"]
    """Of the run when it was sealed; it never goes on."""
    lines: int
    """Whole lines of the journal."""
    head: str
    """SHA-256 of the last of them, its line feed with it."""
    torn: int = 0
    """Bytes behind it that are no whole line: what a crash left."""
    sealed: str
    """Wall time, ISO 8601 UTC, by the clock of the machine that sealed."""
    by: Actor | None = None
    reason: str = ""
    """Why a run that did not end never will."""
    key: str = ""
    """Fingerprint of the key that signs it."""
    certificate: str = ""
    """What the key's authority calls its holder."""
    unsigned: str = ""
    """Why nobody signed it; empty where somebody did."""
    stamp: str = ""
    """Which authority was asked when it was."""
    program: str = ""
    """Version of this program."""


def written(statement: Statement) -> bytes:
    """As it lies in the record. Its form is said though it is the default: other readers look for it first."""
    said = {"seal": statement.seal, **msgspec.to_builtins(statement)}
    return msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"


def read_statement(data: bytes) -> Statement:
    """The statement of a seal.

    Raises:
        ValueError: It is none.
    """
    return msgspec.json.decode(data, type=Statement)
