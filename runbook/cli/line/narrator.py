"""The story of a run with what its hosts print, told in lines at a pace at which somebody can follow it.

A host prints in a second what a terminal or a log collector takes minutes for, and whoever waits for the exit status
would wait for those minutes. So of each second of the run no more than so much output is told, beyond the first lines
of each attempt; what is left out is counted, and the record has it. The seconds are those of the record and not of the
reader, so a run and its replay tell the same lines.

Output is told chunk by chunk, as the journal names it, because a chunk knows its step: a line that one step has left
without an end is no part of what the next one says.
"""

from __future__ import annotations

from dataclasses import dataclass

from runbook.cli.diagnostics import Tell
from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived
from runbook.core.run import Run
from runbook.feed.feed import MAX_LINE
from runbook.feed.output_view import OutputView
from runbook.view.story.lines import Column, columns, narrate, output_line

LINES = 1000
"""Lines of output, of all hosts, that are told of one second of a run."""

BYTES = 256 * 1024
"""The same in bytes: once there are so many, nothing further is told of that second."""

FIRST = 20
"""Lines of each attempt that are told in any case, for what says little to be heard beside what says much."""


@dataclass(slots=True, kw_only=True)
class _Left:
    """What was left out of one host's output."""

    last: OutputArrived
    lines: int = 0
    size: int = 0
    """Bytes of lines whose beginning was told."""

    def __str__(self) -> str:
        lines = [f"{self.lines} more lines"] if self.lines else []
        rest = [f"{self.size} more bytes of long lines"] if self.size else []
        return f"({' and '.join(lines + rest)} are in the record: {self.last.file})"


@dataclass(slots=True)
class _Last:
    """A host's last line, while it may still grow, and how it came to be the last."""

    attempt: tuple[str, int]
    stream: str
    told: int = 0
    """Lines of the attempt that were told."""
    length: int = 0
    """Bytes of it so far; 0 at the beginning of a line."""
    is_counted: bool = False
    """True when it is one of the lines that were left out."""


class Narrator:
    """Tells each entry once, in order, and the output that came with it; live runs and records alike."""

    def __init__(self, output: OutputView, tell: Tell) -> None:
        """Take a view of its own: every line is told with its entry, also while a feed is still being opened."""
        self._output, self._tell = output, tell
        self._last: dict[str, _Last] = {}
        self._left: dict[str, _Left] = {}
        self._second = self._lines = self._bytes = 0

    def each(self, before: Run | None, after: Run, entry: Entry) -> None:
        """Tell one entry."""
        self._output.take(entry)
        said = narrate(before, after, entry)
        if said or int(entry.at) != self._second:
            self._own_up(after, entry)
        if isinstance(entry.event, OutputArrived):
            self._chunk(columns(after), entry.wall, entry.event)
        for text in said:
            self._tell(text)

    def _own_up(self, run: Run, entry: Entry) -> None:
        """Say what was left out, before anything else is said or counted."""
        if self._left:
            width = columns(run)
            for host, left in self._left.items():
                data = str(left).encode()
                self._tell(output_line(entry.wall, host=host, step=left.last.step, data=data, width=width))
            self._left.clear()
        if int(entry.at) != self._second:
            self._second, self._lines, self._bytes = int(entry.at), 0, 0

    def _chunk(self, width: Column, wall: str, event: OutputArrived) -> None:
        line, data, at = self._line_of(event), self._output.chunk(event), 0
        while at < len(data) and self._has_room(line):
            end = data.find(b"\n", at)
            part = data[at : end if end >= 0 else len(data)]
            shown = part[: max(0, MAX_LINE - line.length)]
            # What has grown stands on a line of its own; that it has come to its end only is no news.
            if shown or not line.length:
                self._tell(output_line(wall, host=event.host, step=event.step, data=shown, width=width))
                line.told, self._lines, self._bytes = line.told + 1, self._lines + 1, self._bytes + len(shown)
            self._leave_out(event, size=len(part) - len(shown))
            line.length, line.is_counted = (0 if end >= 0 else line.length + len(part)), False
            at += len(part) + 1
        self._pass_over(event, line, data[at:])

    def _has_room(self, line: _Last) -> bool:
        return line.told < FIRST or (self._lines < LINES and self._bytes < BYTES)

    def _pass_over(self, event: OutputArrived, line: _Last, data: bytes) -> None:
        if not data:
            return
        ends, rest = data.count(b"\n"), len(data) - data.rfind(b"\n") - 1
        began = ends + bool(rest) - bool(line.length)
        self._leave_out(event, lines=began, size=0 if began or line.is_counted else len(data))
        line.length = rest if ends else line.length + rest
        line.is_counted = bool(began) or line.is_counted

    def _leave_out(self, event: OutputArrived, *, lines: int = 0, size: int = 0) -> None:
        if lines or size:
            left = self._left.setdefault(event.host, _Left(last=event))
            left.last, left.lines, left.size = event, left.lines + lines, left.size + size

    def _line_of(self, event: OutputArrived) -> _Last:
        """The line that a chunk goes on with, or begins."""
        attempt = (event.step, event.number)
        last = self._last.get(event.host)
        if last is None or last.attempt != attempt:
            last = self._last[event.host] = _Last(attempt, event.stream)
        elif last.stream != event.stream:
            last = self._last[event.host] = _Last(attempt, event.stream, last.told)
        return last
