"""What checking a record can find, in words that an auditor may quote.

A check compares one thing that the record says with one thing that can be recomputed. Checks look at entries as they
are read, one after the other, so that a record of a million lines needs no more memory than one of ten.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import msgspec

from runbook.core.events.entry import Entry
from runbook.record.form.formats import FORMAT
from runbook.record.form.newer import Newer


class Soundness(IntEnum):
    """How one check came out, the gravest last."""

    OK = 0
    NOTE = 1
    """Nothing is wrong with the evidence, but a reader should know."""
    EXCEPTED = 2
    """Not as it should be, and explained by somebody who could: whoever reads it has to know and to agree."""
    NEWER = 3
    """A newer version wrote it, so that this one cannot judge it whole. Never said of damage to the chain."""
    MISSING = 4
    """Something that should be there is not: the run did not end, the journal was cut, output was lost."""
    ALTERED = 5
    """What is there is not what was recorded."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One check and how it came out."""

    name: str
    """Stable, for scripts: `chain`, `version`, `plan`, `ending`, `attempts`, `shown`, `gates`, `copies`, `output`,
    `torn`, `listing`, `files`, `seal`, `approvals`, `checkpoints`, `ledger`, `access`.
    """
    finding: Soundness
    detail: str
    """A sentence without its full stop: what was checked, or what is wrong and what that proves."""
    line: int = 0
    """Of the journal, 1-based, where it shows first; 0 when it belongs to no line."""
    kind: str = ""
    """What was found, in a stable word: what it proves stands under it in `meaning.py`. Empty: by the name alone."""

    @property
    def ok(self) -> bool:
        """False when the record cannot be relied on in this respect."""
        return self.finding <= Soundness.NOTE


class JournalEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How reading the journal stopped, for checks whose verdict depends on it."""

    ended: bool
    """A `RunEnded` was read."""
    lines: int
    """Good lines."""
    newer: Newer
    """Signs that a newer version wrote in it."""

    def judged(self, check: Examined, *, by_meaning: bool) -> Examined:
        """The check as a version may say it that is older than the record: what it misses may be what it cannot read.

        Args:
            check: As it came out.
            by_meaning: It rests on what events mean, and not on hashes whose rules stand with the format alone.
        """
        doubtful = self.newer.sign and (by_meaning or self.newer.format > FORMAT)
        if check.ok or not doubtful:
            return check
        detail = f"{check.detail}; whether that is wrong, only a version that knows this record can say"
        return msgspec.structs.replace(check, finding=Soundness.NEWER, detail=detail)


class Observer(Protocol):
    """A check over the entries of a record."""

    def see(self, entry: Entry) -> None:
        """Look at the next good entry."""

    def check(self, ending: JournalEnd) -> Examined:
        """Say how it came out, after the last."""


def line_of(entry: Entry) -> int:
    """The number of the line on which an entry stands."""
    return entry.seq + 1
