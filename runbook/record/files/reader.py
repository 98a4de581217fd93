"""Reading a journal that may be growing, cut off or edited: everything up to the first bad line, then what is wrong.

The chain is checked while reading, so whatever a replay or a report shows is part of an unbroken chain. The reader
stops for good at the first line that does not belong to it. An unfinished last line is different: in a live run it is
about to be finished, so it counts as damage only for whoever has read to the end, and a later look may find it whole.
What a newer version wrote is no damage at all: it is read as far as it goes, and `newer` says so.

No timers and no watching: a live view calls `more` when it is told that there is more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec

from runbook.core.events.entry import Entry
from runbook.problem import Exit, Problem, Problems, Where, problem
from runbook.record.files.journal_file import JOURNAL, LONGEST, may_be_unfinished, whole_lines
from runbook.record.files.plain import closed, open_plain
from runbook.record.form.codec import Tip, follow
from runbook.record.form.newer import TELLING, Newer

TORN = "journal-torn"
"""The code of the one damage that may be none: a last line without its end, after a crash or while it is written."""


class RecordReader:
    """Implements `reading.Reading` over the journal of a run."""

    def __init__(self, folder: Path) -> None:
        """Start before the first line.

        Raises:
            Problems: `no-record` when there is no journal in that folder.
        """
        self.path = folder / JOURNAL
        self.address = str(self.path)
        self.damage: Problem | None = None
        """Why reading stopped, with the line's number; None while every line so far is good and whole."""
        self.tip = Tip()
        """After the last good line."""
        self.length = 0
        """Bytes of good lines so far."""
        self.newer = Newer()
        """Signs so far that a newer version wrote in it."""
        self._folder = folder
        self._stopped = False
        try:
            os.close(open_plain(folder, JOURNAL))
        except FileNotFoundError:
            raise _no_record(folder) from None
        except Problems as unreadable:
            self._stop(unreadable.problems[0])

    def entries(self) -> Iterator[Entry]:
        """Every good entry that is there and was not yet read; then look at `damage`."""
        return (entry for entry, _ in self.lines())

    def lines(self) -> Iterator[tuple[Entry, bytes]]:
        """The same with the line of each."""
        while not self._stopped:
            self.damage = None
            lines = self._whole_lines()
            if not lines:
                return
            yield from self._followed(lines)

    def more(self) -> list[Entry]:
        """The good entries that came since the last look, all at once; empty when there are none."""
        return list(self.entries())

    def _followed(self, lines: bytes) -> Iterator[tuple[Entry, bytes]]:
        for line in BytesIO(lines):
            try:
                entry, tip = follow(self.tip, line)
            except Problems as damage:
                self._stop(damage.problems[0])
                return
            self.tip = tip
            self.length += len(line)
            if type(entry.event) in TELLING:
                self.newer.see(entry)
            yield entry, line

    def _stop(self, damage: Problem) -> None:
        self.damage = self._flaw(damage)
        self._stopped = True

    def _whole_lines(self) -> bytes:
        """Some more bytes up to a line feed, none where reading stops; what is left without one is noted as torn."""
        try:
            number = open_plain(self._folder, JOURNAL)
            try:
                lines, beginning = whole_lines(number, self.length)
            finally:
                os.close(number)
        except FileNotFoundError:
            self._stop(_no_record(self._folder).problems[0])
        except OSError as error:
            self._stop(closed(self.path, error).problems[0])
        except Problems as unreadable:
            self._stop(unreadable.problems[0])
        else:
            if beginning and not lines:
                self._note_unfinished(beginning)
            return lines
        return b""

    def _note_unfinished(self, beginning: bytes) -> None:
        if may_be_unfinished(beginning):
            self.damage = self._flaw(Problem(what="The line is cut off", why=_CUT, code=TORN))
        else:
            self._stop(Problem(what="This is not a line of a journal", why=_ENDLESS, code="journal-json"))

    def _flaw(self, found: Problem) -> Problem:
        if found.where is not None:
            return found
        told = self.newer.problem if found.code == "journal-unknown" else None
        fix = told.fix if told else "What came before this line is sound and was used."
        where = Where(str(self.path), self.tip.seq + 1)
        return msgspec.structs.replace(found, where=where, fix=fix, exit=Exit.FAILED)


_ENDLESS = f"It does not begin as one does, or has no end within {LONGEST // 2**20} MiB"
_CUT = "Its line feed is missing, as after a crash, a full disk or a cut"


def _no_record(folder: Path) -> Problems:
    return problem(
        "There is no record here",
        why=f"The folder has no {JOURNAL}",
        fix="Use `runbook runs` to see what is recorded.",
        where=Where(str(folder)),
        code="no-record",
    )
