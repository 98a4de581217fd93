"""Where a live attempt's bytes go: through the masker, into the record's files, and named by events.

Secrets are masked here, before a byte is stored, also when one arrives in two pieces. A step with `no_log` stores
nothing. When events pile up faster than the loop takes them in, `receive` waits, so a flooding host slows its own
channel and nobody else's key presses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from runbook.core.events.event import AttemptGraded, Event, OutputArrived
from runbook.core.outcome import Grade
from runbook.core.place import is_same_place
from runbook.masking.masker import Masker
from runbook.problem import Problems
from runbook.record.files.output import Source
from runbook.record.store import OutputWriter
from runbook.transport.session import Stream


class RecordSink:
    """The sink of one attempt."""

    def __init__(  # noqa: PLR0913 - what a stored byte needs, each once
        self,
        *,
        source: Source,
        output: OutputWriter,
        masker: Masker,
        tell: Callable[[Event], None],
        room: Callable[[], Awaitable[None]],
        fail: Callable[[Problems], None],
        keep: bool = True,
        recorded: tuple[int, int] = (0, 0),
        announced: str = "",
        durable: Callable[[], Awaitable[bool]],
    ) -> None:
        """`source.stream` is ignored: each stream has its own masker and its own source.

        `fail` is told when a byte cannot be stored. That ends the runner and says nothing about the command, which
        runs on and is found again by a resume.

        `recorded` are the masked bytes of each stream that an earlier runner put on record. A re-attach hands over
        every byte from the first, and masking gives the same bytes however they are cut, so that many are left out.

        `announced` is the place that the record names for the attempt, and `durable` returns once what was told before
        is on disk: a command that is kept elsewhere does not leave before the record says so.
        """
        self.is_reached = False
        """True once something of the attempt may have left for its host."""
        self._output = output
        self._tell = tell
        self._room = room
        self._fail = fail
        self._keep = keep
        self._announced, self._durable = announced, durable
        self._source = source
        self._maskers = {stream: masker.fresh() for stream in Stream}
        self._skip = dict(zip((Stream.OUT, Stream.ERR), recorded, strict=True))

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Mask, store, name."""
        self._store(stream, self._maskers[stream].feed(data))
        await self._room()

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Put the grade on record."""
        self.is_reached = True
        source = self._source
        told = AttemptGraded(step=source.step, host=source.host, number=source.number, grade=grade, place=place)
        self._tell(told)
        if self._announced and not is_same_place(self._announced, place) and not await self._durable():
            await asyncio.Event().wait()  # The runner stops and begins nothing any more; it cancels us.

    def finish(self) -> None:
        """Store what the maskers still hold back, and name everything gathered."""
        for stream, masker in self._maskers.items():
            self._store(stream, masker.flush())
        self._tell_all(lambda: self._output.flush(self._source.host))

    def _store(self, stream: Stream, data: bytes) -> None:
        skipped = min(self._skip[stream], len(data))
        self._skip[stream] -= skipped
        data = data[skipped:]
        if not data or not self._keep:
            return
        source = self._source
        named = Source(step=source.step, host=source.host, number=source.number, stream=stream.value)
        self._tell_all(lambda: self._output.write(named, data))

    def _tell_all(self, stored: Callable[[], tuple[OutputArrived, ...]]) -> None:
        try:
            for event in stored():
                self._tell(event)
        except Problems as failure:
            self._fail(failure)


class Unwanted:
    """The sink of an attempt that is followed only to be ended: cancels whoever follows, once the job is found."""

    def __init__(self, sink: RecordSink) -> None:
        """Pass everything on to that sink."""
        self._sink = sink

    async def receive(self, stream: Stream, data: bytes) -> None:
        """What it printed meanwhile belongs on record."""
        await self._sink.receive(stream, data)

    async def reached(self, grade: Grade, place: str = "") -> None:
        """It is there: end it. The session does that when its task is cancelled (`Session.run`)."""
        await self._sink.reached(grade, place)
        following = asyncio.current_task()
        if following is not None:
            following.cancel()


class NoSink:
    """Takes everything and keeps nothing: the output of probes is in their verdict."""

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Let it go."""

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Nobody asks how durable a probe was."""
