"""Reading a journal that may be growing, cut off or edited: everything up to the first bad line, then what is wrong.

The chain is checked while reading, so whatever a replay or a report shows is part of an unbroken chain. The reader
stops for good at the first line that does not belong to it. An unfinished last line is different: in a live run it is
about to be finished, so it counts as damage only for whoever has read to the end, and a later look may find it whole.
What a newer version wrote is no damage at all: it is read as far as it goes, and `newer` says so.

No timers and no watching: a live view calls `more` when it is told that there is more.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec

from runbook.core.entry import Entry
from runbook.problem import Exit, Problem, Problems, Where, problem
from runbook.record.codec import Tip, follow
from runbook.record.journal import JOURNAL
from runbook.record.newer import TELLING, Newer

_BATCH = 256 * 1024
"""Bytes of one read: measured a quarter faster than 4 MiB, because the entries of a batch stay few and in cache."""
_LONGEST = 256 * 1024 * 1024
"""Bytes after which a line without an end is no line: a plan of ten thousand steps is far below it."""


TORN = "journal-torn"
"""The code of the one damage that may be none: a last line without its end, after a crash or while it is written."""


class RecordReader:
    """One pass over the journal of a run, from its first line."""

    def __init__(self, folder: Path) -> None:
        """Start before the first line.

        Raises:
            Problems: `no-record` when there is no journal in that folder.
        """
        self.path = folder / JOURNAL
        self.damage: Problem | None = None
        """Why reading stopped, with the line's number; None while every line so far is good and whole."""
        self.tip = Tip()
        """After the last good line."""
        self.length = 0
        """Bytes of good lines so far."""
        self.newer = Newer()
        """Signs so far that a newer version wrote in it."""
        self._stopped = False
        if not self.path.is_file():
            raise _no_record(folder)

    def entries(self) -> Iterator[Entry]:
        """Every good entry that is there and was not yet read; then look at `damage`."""
        while batch := self._batch():
            yield from batch[0]

    def lines(self) -> Iterator[tuple[Entry, bytes]]:
        """The same with the line of each."""
        while batch := self._batch():
            yield from zip(*batch, strict=True)

    def more(self) -> list[Entry]:
        """The good entries that came since the last look, all at once; empty when there are none."""
        return list(self.entries())

    def _batch(self) -> tuple[list[Entry], list[bytes]] | None:
        """Some more entries and their lines; None when there are no more."""
        if self._stopped:
            return None
        self.damage = None
        entries: list[Entry] = []
        lines = BytesIO(self._whole_lines()).readlines()
        try:
            for line in lines:
                entry, self.tip = follow(self.tip, line)
                if type(entry.event) in TELLING:
                    self.newer.see(entry)
                self.length += len(line)
                entries.append(entry)
        except Problems as damage:
            self.damage = self._flaw(damage.problems[0])
            self._stopped = True
        return (entries, lines[: len(entries)]) if entries else None

    def _whole_lines(self) -> bytes:
        """Some more bytes up to a line feed; what is left over without one is noted as torn."""
        size = _BATCH
        with self.path.open("rb") as file:
            while True:
                file.seek(self.length)
                data = file.read(size)
                end = data.rfind(b"\n") + 1
                if end or len(data) < size or size > _LONGEST:
                    break
                size *= 4
        if not end and data:
            self.damage = self._flaw(Problem(what="The line is cut off", why=_CUT, code=TORN))
        return data[:end]

    def _flaw(self, found: Problem) -> Problem:
        told = self.newer.problem if found.code == "journal-unknown" else None
        fix = told.fix if told else "What came before this line is sound and was used."
        where = Where(str(self.path), self.tip.seq + 1)
        return msgspec.structs.replace(found, where=where, fix=fix, exit=Exit.FAILED)


_CUT = "Its line feed is missing, as after a crash, a full disk or a cut"


def _no_record(folder: Path) -> Problems:
    return problem(
        "There is no record here",
        why=f"The folder has no {JOURNAL}",
        fix="Use `runbook runs` to see what is recorded.",
        where=Where(str(folder)),
        code="no-record",
    )
