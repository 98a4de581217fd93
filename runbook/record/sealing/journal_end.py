"""Where a journal ends, read from its end: a seal must not have to read a gigabyte to say what its last line is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from runbook.core.events.event import RunEnded
from runbook.record.files.journal_file import JOURNAL, LONGEST
from runbook.record.files.plain import open_plain
from runbook.record.form.codec import decode

_STEP = 64 * 1024


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last whole line of a journal."""

    lines: int
    head: str
    """Its SHA-256."""
    torn: int
    """Bytes behind it."""
    has_ended: bool
    """It says that the run ended."""


def end_of(folder: Path) -> End:
    """By the last line that has an end.

    Raises:
        FileNotFoundError: There is no journal.
        OSError: What the system said.
        Problems: It is not as it was written; `record-not-plain`, `record-closed`.
    """
    number = open_plain(folder, JOURNAL)
    try:
        line, torn = _last_line(number)
    finally:
        os.close(number)
    entry, _ = decode(line)
    return End(
        lines=entry.seq + 1,
        head=hashlib.sha256(line).hexdigest(),
        torn=torn,
        has_ended=isinstance(entry.event, RunEnded) and not torn,
    )


def _last_line(number: int) -> tuple[bytes, int]:
    """The last line with its line feed, and how many bytes stand behind it."""
    size, length = os.fstat(number).st_size, _STEP
    while True:
        data = os.pread(number, length, max(0, size - length))
        end = data.rfind(b"\n") + 1
        begin = data.rfind(b"\n", 0, max(0, end - 1)) + 1
        if begin or length >= min(size, LONGEST * 2):
            return data[begin:end], len(data) - end
        length *= 4
