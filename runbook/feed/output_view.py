"""Output of a run as views read it: lines by number, each with its step, stream and time, straight from the record.

Holds offsets and never text, so a million lines cost a few megabytes, live and in replay alike. Which chunk a line
belongs to is found by bisection over what the journal's `OutputArrived` events said. A view of an earlier moment is the
same object with a smaller end.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived
from runbook.feed.feed import MAX_LINE, OutputLine
from runbook.problem import Exit, Problem, Problems
from runbook.record.files.lines import OutputReader
from runbook.record.files.output import CHUNK
from runbook.record.store import Record

Seen = TypeVar("Seen")

_FARTHEST = 2**62
"""Bytes into a host's output: beyond it no system counts, and whoever says so forged the record."""


@dataclass(slots=True)
class _Chunks:
    """Where each chunk of a host begins and ends, and what it is; parallel arrays because there may be many."""

    reader: OutputReader
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    sources: array[int] = field(default_factory=lambda: array("L"))
    """Index into the view's table of (step, stream)."""
    writer: tuple[str, int, str] = ("", 0, "")
    """Step, attempt and stream of the last one."""


class OutputView:
    """Implements `feed.Output` over one record."""

    def __init__(self, record: Record) -> None:
        """Nothing is read before it is asked for."""
        self._record = record
        self._hosts: dict[str, _Chunks] = {}
        self._sources: dict[tuple[str, Literal["out", "err"]], int] = {}
        self._named: list[tuple[str, Literal["out", "err"]]] = []
        self._until: float | None = None
        self.damage: Problem | None = None
        """Why some of it cannot be read; what cannot be is empty."""

    def take(self, entry: Entry) -> None:
        """Learn of one more chunk, if the entry is about one."""
        event = entry.event
        if not isinstance(event, OutputArrived):
            return
        if not _is_somewhere(event):
            self.damage = self.damage or _nowhere(event)
            return
        chunks = self._hosts.get(event.host)
        if chunks is None:
            chunks = self._hosts[event.host] = _Chunks(OutputReader(self._record.output(event.host)))
        source = self._sources.setdefault((event.step, event.stream), len(self._named))
        if source == len(self._named):
            self._named.append((event.step, event.stream))
        writer = (event.step, event.number, event.stream)
        if chunks.ends and writer != chunks.writer:
            chunks.reader.begin_at(event.offset)
        chunks.writer = writer
        chunks.starts.append(event.offset)
        chunks.ends.append(event.offset + event.length)
        chunks.times.append(entry.at)
        chunks.sources.append(source)

    def show_until(self, at: float | None) -> None:
        """Show only what had been recorded by `at`; None shows everything."""
        self._until = at

    def hosts(self) -> tuple[str, ...]:
        """Hosts that had written anything by then."""
        return tuple(host for host, chunks in self._hosts.items() if self._end(chunks))

    def count(self, host: str) -> int:
        """Lines of a host by then; an unfinished last line counts."""
        chunks = self._hosts.get(host)
        end = self._end(chunks) if chunks else 0
        return self._read(lambda: chunks.reader.line_at(end - 1) + 1, 0) if chunks and end else 0

    def lines(self, host: str, start: int, count: int) -> tuple[OutputLine, ...]:
        """A viewport."""
        chunks = self._hosts.get(host)
        end = self._end(chunks) if chunks else 0
        if chunks is None or not end:
            return ()
        first = max(0, start)
        return self._read(lambda: self._viewport(chunks, first, max(0, count), end), ())

    def chunk(self, event: OutputArrived) -> bytes:
        """What one event that was taken names."""
        chunks = self._hosts.get(event.host)
        if chunks is None or not _is_somewhere(event):
            return b""
        return self._read(lambda: chunks.reader.read(event.offset, min(event.length, CHUNK)), b"")

    def text(self, host: str, start: int, size: int) -> bytes:
        """Whole lines in one read, which is what makes a million of them searchable in about a second."""
        chunks = self._hosts.get(host)
        end = self._end(chunks) if chunks else 0
        return self._read(lambda: _text(chunks.reader, start, size, end), b"") if chunks and end else b""

    def _read(self, look: Callable[[], Seen], nothing: Seen) -> Seen:
        """What was looked for, or nothing where it cannot be read; that is said once, by `damage`."""
        try:
            return look()
        except Problems as wrong:
            self.damage = self.damage or wrong.problems[0]
            return nothing

    def _viewport(self, chunks: _Chunks, first: int, count: int, end: int) -> tuple[OutputLine, ...]:
        found = chunks.reader.lines(first, count, until=end)
        return tuple(self._line(chunks, first + index, data) for index, data in enumerate(found))

    def _line(self, chunks: _Chunks, number: int, data: bytes) -> OutputLine:
        chunk = max(0, bisect_right(chunks.starts, chunks.reader.start_of(number)) - 1)
        step, stream = self._named[chunks.sources[chunk]]
        return OutputLine(number=number, data=data[:MAX_LINE], stream=stream, step=step, at=chunks.times[chunk])

    def _end(self, chunks: _Chunks) -> int:
        """Bytes of a host's file that belong to the moment shown."""
        if self._until is None:
            return chunks.ends[-1] if chunks.ends else 0
        index = bisect_right(chunks.times, self._until)
        return chunks.ends[index - 1] if index else 0


def _is_somewhere(event: OutputArrived) -> bool:
    return 0 <= event.offset <= event.offset + event.length <= _FARTHEST


def _nowhere(event: OutputArrived) -> Problem:
    return Problem(
        what=f"{event.file} cannot hold the output that the record names",
        why=f"no {event.length} bytes can begin at {event.offset}",
        fix="Look with: runbook verify",
        code="output-nowhere",
        exit=Exit.FAILED,
    )


def _text(reader: OutputReader, start: int, size: int, end: int) -> bytes:
    begin = reader.start_of(start)
    data = reader.read(begin, min(size, end - begin)) if begin < end else b""
    if not data:
        return b""
    is_last = begin + len(data) >= end
    data = reader.parted(begin, data)
    whole = data.rfind(b"\n") + 1
    return data[:whole] if whole and (whole == len(data) or not is_last) else data + b"\n"
