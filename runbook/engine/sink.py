"""Where a live attempt's bytes go: through the masker, into the record's files, and named by events.

Secrets are masked here, before a byte is stored, also when one arrives in two pieces. A step with `no_log` stores
nothing. When events pile up faster than the loop takes them in, `receive` waits, so a flooding host slows its own
channel and nobody else's key presses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runbook.core.event import AttemptGraded, Event
from runbook.core.outcome import Grade
from runbook.record.output import OutputStore, Source
from runbook.transport.masking import Masker
from runbook.transport.session import Stream


class RecordSink:
    """The sink of one attempt."""

    def __init__(  # noqa: PLR0913 - what a stored byte needs, each once
        self,
        *,
        source: Source,
        output: OutputStore,
        masker: Masker,
        tell: Callable[[Event], None],
        room: Callable[[], Awaitable[None]],
        keep: bool = True,
        recorded: tuple[int, int] = (0, 0),
    ) -> None:
        """`source.stream` is ignored: each stream has its own masker and its own source.

        `recorded` are the masked bytes of each stream that an earlier runner put on record. A re-attach hands over
        every byte from the first, and masking gives the same bytes however they are cut, so that many are left out.
        """
        self._output = output
        self._tell = tell
        self._room = room
        self._keep = keep
        self._source = source
        self._maskers = {stream: masker.fresh() for stream in Stream}
        self._skip = dict(zip((Stream.OUT, Stream.ERR), recorded, strict=True))

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Mask, store, name."""
        self._store(stream, self._maskers[stream].feed(data))
        await self._room()

    async def reached(self, grade: Grade) -> None:
        """Put the grade on record."""
        source = self._source
        self._tell(AttemptGraded(step=source.step, host=source.host, number=source.number, grade=grade))

    def finish(self) -> None:
        """Store what the maskers still hold back, and name everything gathered."""
        for stream, masker in self._maskers.items():
            self._store(stream, masker.flush())
        for event in self._output.flush(self._source.host):
            self._tell(event)

    def _store(self, stream: Stream, data: bytes) -> None:
        skipped = min(self._skip[stream], len(data))
        self._skip[stream] -= skipped
        data = data[skipped:]
        if not data or not self._keep:
            return
        source = self._source
        named = Source(step=source.step, host=source.host, number=source.number, stream=stream.value)
        for event in self._output.write(named, data):
            self._tell(event)


class NoSink:
    """Takes everything and keeps nothing: the output of probes is in their verdict."""

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Let it go."""

    async def reached(self, grade: Grade) -> None:
        """Nobody asks how durable a probe was."""
