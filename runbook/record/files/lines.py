"""Reading a host's output by lines, live or years later, in constant memory.

A file of a million lines is shown forty at a time, so only the places where lines begin are kept: eight bytes each,
found as far as somebody has looked. Lines come as bytes, as they were written; whoever shows them sanitises them.
Safe against output that grows while it is read. It refuses to hold a file open or to keep any text, and knows only
ranges of bytes: they may lie in a file or anywhere else. Where one writer follows another a line begins, whether or not
the last one has ended its own: whoever knows the writers says where that is.
"""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Protocol

from runbook.record.files.output import output_file
from runbook.record.files.plain import open_plain

LONGEST_LINE = 64 * 1024
"""Bytes after which a line is cut on its way to a viewport; the file keeps all of it."""

_BLOCK = 1024 * 1024
_FEED = re.compile(rb"\n")


class OutputBytes(Protocol):
    """What one host printed, by range."""

    def size(self) -> int:
        """Bytes that are there now; none where it printed nothing.

        Raises:
            Problems: They cannot be read.
        """

    def read(self, offset: int, length: int) -> bytes:
        """Some of them, fewer where they end.

        Raises:
            Problems: They cannot be read.
        """


class OutputFile:
    """Implements `OutputBytes` over the file of one host in a record."""

    def __init__(self, folder: Path, host: str) -> None:
        """Look in the folder of a run."""
        self._folder = folder
        self._name = output_file(host)

    def size(self) -> int:
        """Of the file."""
        number = self._open()
        if number < 0:
            return 0
        try:
            return os.fstat(number).st_size
        finally:
            os.close(number)

    def read(self, offset: int, length: int) -> bytes:
        """Of the file, opened for this alone."""
        number = self._open()
        if number < 0:
            return b""
        try:
            return os.pread(number, length, offset)
        finally:
            os.close(number)

    def _open(self) -> int:
        try:
            return open_plain(self._folder, self._name)
        except FileNotFoundError:
            return -1


class OutputReader:
    """The lines that one host printed. A host that printed nothing has none."""

    def __init__(self, source: OutputBytes) -> None:
        """Read from there. Every method may raise the `Problems` of its source."""
        self._source = source
        self._starts = array("Q", [0])
        self._scanned = 0
        self._breaks = array("Q")

    def begin_at(self, offset: int) -> None:
        """A line begins there, whatever stands before it. Told in the order of the bytes."""
        self._breaks.append(offset)
        place = bisect_left(self._starts, offset)
        if offset <= self._scanned and self._starts[place : place + 1].tolist() != [offset]:
            self._starts.insert(place, offset)

    @property
    def count(self) -> int:
        """Lines found so far; the last may still be growing. All of them after `scan` has said True."""
        return len(self._starts) - (self._starts[-1] == self._scanned)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes as they are, fewer where they end."""
        return self._source.read(offset, length)

    def scan(self, limit: int = 32 * _BLOCK) -> bool:
        """Look for further lines in at most `limit` bytes; True when the end of the file is reached."""
        stop = self._scanned + limit
        while self._scanned < stop:
            block = self.read(self._scanned, min(_BLOCK, stop - self._scanned))
            if not block:
                return True
            base = self._scanned
            self._scanned += len(block)
            starts = [base + feed.end() for feed in _FEED.finditer(block)]
            breaks = self._breaks_in(base + 1, self._scanned + 1)
            self._starts.extend(sorted({*starts, *breaks}) if breaks else starts)
        return self._scanned >= self._source.size()

    def parted(self, offset: int, data: bytes) -> bytes:
        """What was read there, with a line feed in front of each line that begins without one."""
        parts: list[bytes] = []
        at = 0
        for cut in (start - offset for start in self._breaks_in(offset + 1, offset + len(data))):
            if data[cut - 1 : cut] != b"\n":
                parts += (data[at:cut], b"\n")
                at = cut
        return b"".join((*parts, data[at:]))

    def lines(self, first: int, count: int, *, until: int | None = None) -> tuple[bytes, ...]:
        """Lines from `first` (0-based), without line feeds, fewer where the output ends.

        Args:
            first: Number of the first line wanted.
            count: How many at most; a viewport's worth.
            until: Read as if the file ended at this byte, which is how a replay shows a moment of the past.
        """
        self._look_for(first + count)
        end = self._scanned if until is None else min(until, self._scanned)
        numbers = range(first, min(first + count, self.count))
        return tuple(self._line(number, end) for number in numbers if self._starts[number] < end)

    def line_at(self, offset: int) -> int:
        """The number of the line that the byte at `offset` belongs to."""
        while self._scanned <= offset and not self.scan():
            pass
        return bisect_right(self._starts, offset) - 1

    def start_of(self, line: int) -> int:
        """The offset of a line's first byte; the end of what was found for a line that is not there."""
        self._look_for(line)
        return self._starts[line] if line < len(self._starts) else self._scanned

    def _breaks_in(self, first: int, stop: int) -> array[int]:
        return self._breaks[bisect_left(self._breaks, first) : bisect_left(self._breaks, stop)]

    def _look_for(self, line: int) -> None:
        while len(self._starts) <= line and not self.scan(_BLOCK):
            pass

    def _line(self, number: int, end: int) -> bytes:
        start = self._starts[number]
        following = self._starts[number + 1] if number + 1 < len(self._starts) else end
        stop = min(following, end, start + LONGEST_LINE)
        return self.read(start, stop - start).removesuffix(b"\n")
