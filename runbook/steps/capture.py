"""Keeps the beginning of what a command says while all of it goes on to the record.

Tolerances, `register` and expressions need text; the record needs every byte. So a capture stands between the session
and the record's sink: bytes pass through it untouched, and a masked head of each stream is kept. Masked, because what
is judged must be what is recorded, or nobody could check a verdict afterwards; and because a head that is cut in the
middle of a secret would show the half that no masker knows. Memory is bounded however much a host sends.
"""

from __future__ import annotations

import codecs

from runbook.core.outcome import Grade
from runbook.masking.masker import Masker
from runbook.steps.tolerance import Kept
from runbook.transport.session import Job, Sink, Stream

KEEP = 64 * 1024
"""Bytes of each stream that a result keeps (`core.event.Result`)."""


class Head:
    """The masked beginning of one stream of bytes."""

    def __init__(self, masker: Masker, limit: int = KEEP) -> None:
        """Keep at most `limit` bytes; the masker must be this stream's own."""
        self._masker = masker
        self._limit = limit
        self._kept = bytearray()
        self._overflowed = False

    def take(self, data: bytes) -> None:
        """Bytes as they arrived, cut anywhere."""
        if self._overflowed:
            return
        self._add(self._masker.feed(data))

    def ended(self) -> Kept:
        """All of it as text, without the newlines at its end, which no author means. Call once, when no more comes."""
        if not self._overflowed:
            self._add(self._masker.flush())
        # A character that the limit cut in two is left out; a broken one in the middle is replaced.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(bytes(self._kept), final=not self._overflowed)
        return Kept(text.rstrip("\r\n"), cut=self._limit if self._overflowed else 0)

    def _add(self, masked: bytes) -> None:
        self._overflowed = len(self._kept) + len(masked) > self._limit
        self._kept += masked[: self._limit - len(self._kept)]


class Capture:
    """A sink that tees: everything to the record's sink, the head of each stream to itself.

    When a job is followed again from its beginning, bytes that are on record already are kept here and not passed on.
    """

    def __init__(self, sink: Sink, masker: Masker, recorded: Job | None = None) -> None:
        """Take the record's sink and, for a job followed again, the offsets that the record has reached."""
        self.taken = dict.fromkeys(Stream, 0)
        """Bytes of each stream that came here, as the host counts them: where to continue when the link was lost."""
        self.grade: Grade | None = None
        """What the host told last; None until it has."""
        self.place = ""
        """Where it said that a trace of the job is kept."""
        self._sink = sink
        self._heads = {stream: Head(masker.fresh()) for stream in Stream}
        offsets = (recorded.out_offset, recorded.err_offset) if recorded else (0, 0)
        self._recorded = dict(zip((Stream.OUT, Stream.ERR), offsets, strict=True))

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Keep the head, pass on what is new. Counted first: whoever is cut off in here has taken it all the same."""
        self.taken[stream] += len(data)
        self._heads[stream].take(data)
        known = min(self._recorded[stream], len(data))
        self._recorded[stream] -= known
        if len(data) > known:
            await self._sink.receive(stream, data[known:])

    async def reached(self, grade: Grade, place: str = "") -> None:
        """The record wants to know."""
        self.grade, self.place = grade, place
        await self._sink.reached(grade, place)

    def expect_grade(self) -> None:
        """The host is asked anew: a grade that is here afterwards was told in answer."""
        self.grade = None

    def ended(self) -> tuple[Kept, Kept]:
        """Standard output and standard error, as far as they are kept. Call once."""
        return self._heads[Stream.OUT].ended(), self._heads[Stream.ERR].ended()
