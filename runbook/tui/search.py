"""Looking for a text in one host's output, a slice at a time, forwards from where one reads and then round.

It never holds more than a slice of text; what it keeps of a million lines is the numbers of those that match. What is
searched is what is shown: the sanitised line. A slice is small, so that keys are answered between two of them, and
whoever looks may stop at any moment. Plain text only, because a pattern with nested repeats can hold a key for minutes.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left

from runbook.feed.feed import Output
from runbook.view.sanitize import is_safe, safe_row

SLICE = 32 * 1024
"""Bytes searched in one go: about half a millisecond of plain lines, five of lines full of colours."""


class Search:
    """What is looked for, where it was found so far, and what has not been looked at."""

    def __init__(self, output: Output, host: str, wanted: str, origin: int) -> None:
        """Look for `wanted` in a host's lines, those from number `origin` on first. Capitals make case count."""
        self.wanted = wanted
        self._output = output
        self._host = host
        self._origin = origin
        self._next = origin
        self._next_before = 0
        self._after = array("L")
        self._before = array("L")
        case = 0 if any(char.isupper() for char in wanted) else re.IGNORECASE
        self._text = re.compile(re.escape(wanted), case)
        self._line = re.compile(rf"{re.escape(wanted)}[^\n]*", case)

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Every line known at the moment has been looked at."""
        return self._next >= self._output.count(self._host) and self._next_before >= self._origin

    @property
    def looked_at(self) -> int:
        """How many lines were looked at."""
        return self._next - self._origin + self._next_before

    def look(self) -> None:
        """Search one slice: what is left behind the origin, else what is left before it."""
        if self._next < self._output.count(self._host):
            self._next += self._slice(self._next, self._after, None)
        elif self._next_before < self._origin:
            self._next_before += self._slice(self._next_before, self._before, self._origin)

    def _slice(self, start: int, hits: array[int], stop: int | None) -> int:
        """Append the numbers of the lines that match; how many lines were in the slice, at least one."""
        text = _shown(self._output.text(self._host, start, SLICE))
        number, passed = start, 0
        for found in self._line.finditer(text):
            number += text.count("\n", passed, found.start())
            passed = found.start()
            if stop is None or number < stop:
                hits.append(number)
        return max(1, text.count("\n"))

    # --- what was found -----------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Lines found so far."""
        return len(self._before) + len(self._after)

    @property
    def first(self) -> int | None:
        """Where to go first: the first hit from the origin on; from the beginning once all has been searched."""
        if self._after:
            return self._after[0]
        return self._before[0] if self._before and self.is_done else None

    def at(self, index: int) -> int:
        """The line number of hit `index`, in the order of the output."""
        before = len(self._before)
        return self._before[index] if index < before else self._after[index - before]

    def rank(self, line: int) -> int | None:
        """Which hit a line is, from 1 on; None where it is none."""
        index = self._index(line)
        return index + 1 if index < self.count and self.at(index) == line else None

    def _index(self, line: int) -> int:
        """How many hits stand before a line."""
        if line < self._origin:
            return bisect_left(self._before, line)
        return len(self._before) + bisect_left(self._after, line)

    def following(self, line: int) -> int | None:
        """The nearest hit behind a line, round the end where there is none; None without any hit."""
        if not self.count:
            return None
        index = self._index(line + 1)
        return self.at(index if index < self.count else 0)

    def preceding(self, line: int) -> int | None:
        """The nearest hit before a line, round the beginning."""
        return self.at((self._index(line) - 1) % self.count) if self.count else None

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where it stands in a line as shown: first and last character."""
        return tuple(found.span() for found in self._text.finditer(text))


def _shown(data: bytes) -> str:
    """Lines as they are shown, a line feed behind each; quick where there is nothing to take out."""
    text = data.decode("utf-8", "replace")
    if is_safe(text) or not text:
        return text.expandtabs() if "\t" in text else text
    return "".join(f"{safe_row(line)}\n" for line in text.removesuffix("\n").split("\n"))
