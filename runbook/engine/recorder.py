"""The one writer of a live run: every event is stamped, journalled, folded and announced here, in this order.

Whoever watches (the executor's loop, the socket's clients) waits for `wait_beyond`; nobody is called back, so a slow
watcher cannot slow the run. Durability is asked for with `commit`, once for as many events as came together.
"""

from __future__ import annotations

import asyncio

from runbook.core.clock import Clock
from runbook.core.events.entry import Entry
from runbook.core.events.event import Event
from runbook.core.fold.evolve import evolve, open_run
from runbook.core.run import Run
from runbook.engine.clock import wall_text
from runbook.record.store import RecordWriter


class Recorder:
    """The record and the folded run of one live run."""

    def __init__(self, *, writer: RecordWriter, clock: Clock, origin: float, run: Run | None) -> None:
        """Continue at the record's tip. `origin` is the clock's reading at `at` = 0."""
        self._writer = writer
        self._tip = writer.tip
        self._durable = writer.tip.seq
        self._clock = clock
        self._origin = origin
        self._run = run
        self._changed = asyncio.Event()
        self.output = writer.output

    @property
    def run(self) -> Run:
        """The run as of the newest event. There is none before `RunOpened`."""
        if self._run is None:
            raise LookupError("the record has not been opened")
        return self._run

    @property
    def has_uncommitted(self) -> bool:
        """True while there is an entry that a power cut may take."""
        return self._durable < self._tip.seq

    def now(self) -> float:
        """Seconds since the run was opened; never behind the record."""
        return max(self._tip.at, self._clock.monotonic() - self._origin)

    def wall(self) -> float:
        """Wall time now, as the lines of the record will have it."""
        return self._clock.wall()

    def record(self, *events: Event) -> Run:
        """Write and fold events, all with the same time. Durable after the next `commit`.

        Raises:
            Problems: The record did not take them; none of them happened.
        """
        at, seq, wall = self.now(), self._tip.seq, wall_text(self._clock.wall())
        entries = [Entry(seq=seq + count, at=at, wall=wall, event=event) for count, event in enumerate(events)]
        self._tip = self._writer.append(self._tip, *entries)
        for entry in entries:
            opened = open_run(entry) if self._run is None else None
            self._run = opened or evolve(self.run, entry)
        self._announce()
        return self.run

    async def commit(self) -> None:
        """Return once every entry recorded so far is durable: what must be before a command leaves or an answer counts.

        The loop goes on meanwhile, so probes are asked and people are listened to; entries that come in then are for
        the next one.

        Raises:
            Problems: They are not, or the record is not this runner's any more: moved, replaced, taken over.
        """
        reached = self._tip.seq
        await self._writer.commit()
        self._durable = max(self._durable, reached)

    async def commit_output(self) -> None:
        """Make output bytes durable: a hundred files of a hundred hosts must not hold up a key press."""
        await self._writer.commit_output()

    def open_log(self) -> int:
        """A descriptor for the runner's own trouble, beside the record.

        Raises:
            OSError, Problems: There can be none.
        """
        return self._writer.open_log()

    def flush_output(self, host: str = "") -> None:
        """Record what is gathered of a host's output, or of everybody's."""
        events = self.output.flush(host)
        if events:
            self.record(*events)

    async def close(self) -> None:
        """Flush, commit and let go; also of a record that takes no more, for whoever resumes it needs its lock.

        Raises:
            Problems: As `record` and `commit`.
        """
        try:
            self.flush_output()
            await self.commit_output()
            await self.commit()
        finally:
            await self._writer.close()
            self._announce()

    async def wait_beyond(self, seq: int) -> int:
        """Return the newest entry's number once it is above `seq`."""
        while self._tip.seq - 1 <= seq:
            await self._changed.wait()
        return self._tip.seq - 1

    def _announce(self) -> None:
        # A fresh event for the next round: those who waited on this one all wake, and none can miss the one after.
        self._changed.set()
        self._changed = asyncio.Event()
