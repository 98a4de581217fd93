"""Signs that a newer version of this program wrote in a record, which is no damage and must never be told as such.

A record names its format and the program that wrote it; beyond that, an event or a field that nobody here knows is sign
enough. Whoever only looks goes on, and says so. Whoever would continue the run must not: what it cannot read may be a
command that was sent.
"""

from __future__ import annotations

import re

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunnerStarted, RunOpened, Unknown
from runbook.problem import Exit, Problem
from runbook.record.form.codec import format_in
from runbook.record.form.formats import FORMAT

NEWER = "record-newer"
"""The code of everything that is said here."""

TELLING = frozenset({RunOpened, RunnerStarted, Unknown})
"""The kinds of event that can hold a sign: all others need not be shown to `Newer`, which spares a reader a call."""

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


class Newer:
    """What of a record is newer than this program, gathered entry by entry."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.format = 0
        """The newest that the record names."""
        self.version = ""
        """Of the program that opened the record."""
        self.sign = ""
        """The first sign that there was, as a clause; empty while there is none."""
        self.line = 0
        """Where it stands, 1-based."""

    def see(self, entry: Entry) -> None:
        """Look at the next entry; one that is of no kind in `TELLING` says nothing."""
        match entry.event:
            case RunOpened(format=number, version=wrote):
                self.version = wrote
                self._read(number, f"version {wrote} wrote it" if _is_ahead(wrote) else "", entry)
            case RunnerStarted(format=number):
                self._read(number, "", entry)
            case Unknown(name=name, raw=raw):
                self._read(format_in(raw), f'this version does not know what "{name}" says', entry)
            case _:
                pass

    def note(self, sign: str, entry: Entry) -> None:
        """Something else tells it; the first sign stays."""
        if sign and not self.sign:
            self.sign, self.line = sign, entry.seq + 1

    def _read(self, number: int, sign: str, entry: Entry) -> None:
        self.format = max(self.format, number)
        self.note(f"it has format {number}, and this version knows up to {FORMAT}" if number > FORMAT else sign, entry)

    @property
    def problem(self) -> Problem | None:
        """What to tell somebody who reads the record all the same; None when it is not newer."""
        told = self._problem("What this one does not know was passed over; read it with") if self.sign else None
        return msgspec.structs.replace(told, warning=True) if told else None

    @property
    def refusal(self) -> Problem | None:
        """What to tell somebody who would continue the run."""
        return self._problem("Resume it with") if self.sign else None

    def _problem(self, advice: str) -> Problem:
        later = f"version {self.version} of this program, or a later one" if _is_ahead(self.version) else "a later one"
        return Problem(
            what="The record was written by a newer version",
            why=self.sign,
            fix=f"{advice} {later}.",
            code=NEWER,
            exit=Exit.REFUSED,
        )


def _is_ahead(wrote: str) -> bool:
    from importlib.metadata import version  # noqa: PLC0415 - a twelfth of a start, for one line of a record

    return _numbers(wrote) > _numbers(version("runbook"))


def _numbers(text: str) -> tuple[int, ...]:
    found = _NUMBERS.match(text)
    return tuple(map(int, found[0].split("."))) if found else ()
