"""What writer and readers of a record agree on: names, limits, and how whole lines are taken from a journal.

Lines are taken in pieces of bounded size, because a file that somebody made may have a line of any length. What cannot
be the beginning of a line is not read to its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO

JOURNAL = "journal.jsonl"
"""The name of the file in the folder of a run."""

RUNNER_LOG = "runner.log"
"""Where the runner's own trouble goes, beside the journal: no evidence."""

LARGEST_COPY = 64 * 1024 * 1024
"""Bytes of one copied file, at most: no runbook and no inventory comes near. The writer refuses a larger one."""

LONGEST = 64 * 1024 * 1024
"""Bytes of one line, at most: a plan of ten thousand steps takes a tenth of it. The writer refuses a longer one."""

_BATCH = 256 * 1024
"""Bytes of one read: measured a quarter faster than 4 MiB, because the entries of a batch stay few and in cache."""
_BEGINNING = b'{"prev":"'


def whole_lines(number: int, offset: int) -> tuple[bytes, bytes]:
    """Some whole lines from `offset` on, and the beginning of one that has no end; either may be empty.

    At most `LONGEST` bytes and one read are held. Of what begins like no line, one read is looked at.
    """
    pieces: list[bytes] = []
    size = 0
    while data := os.pread(number, _BATCH, offset + size):
        pieces.append(data)
        size += len(data)
        end = data.rfind(b"\n") + 1
        if end:
            rest = data[end:]
            return b"".join(pieces)[: size - len(rest)], rest
        if size > LONGEST or not pieces[0].startswith(_BEGINNING):
            break
    return b"", b"".join(pieces)


def every_line(number: int) -> Iterator[bytes]:
    """Every line from the first on, and at last the beginning of one that has no end."""
    offset = 0
    while True:
        lines, beginning = whole_lines(number, offset)
        yield from BytesIO(lines or beginning)
        if not lines:
            return
        offset += len(lines)


def may_be_unfinished(beginning: bytes) -> bool:
    """True for what a crash may have left at the end of a journal: part of a line, or blocks never written."""
    return len(beginning) < _BATCH or (len(beginning) <= LONGEST and beginning.startswith((_BEGINNING, b"\0")))
