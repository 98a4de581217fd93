"""The one writer of a live run: every event is stamped, journalled, folded and announced here, in this order.

Whoever watches (the executor's loop, the socket's clients) waits for `wait_beyond`; nobody is called back, so a slow
watcher cannot slow the run. Durability is asked for with `commit`, once for as many events as came together.
"""

from __future__ import annotations

import asyncio

from runbook.core.clock import Clock
from runbook.core.entry import Entry
from runbook.core.event import Event
from runbook.core.evolve import evolve, open_run
from runbook.core.run import Run
from runbook.engine.clock import wall_text
from runbook.problem import Exit, Where, problem
from runbook.record.journal import Journal
from runbook.record.output import OutputStore


class Recorder:
    """Journal, output files and the folded run of one live run."""

    def __init__(self, *, journal: Journal, output: OutputStore, clock: Clock, origin: float, run: Run | None) -> None:
        """Continue at the journal's tip. `origin` is the clock's reading at `at` = 0."""
        self._journal = journal
        self._clock = clock
        self._origin = origin
        self._run = run
        self._changed = asyncio.Event()
        self.output = output
        self.has_uncommitted = False
        """True while a line stands in the journal that a power cut may take."""

    @property
    def run(self) -> Run:
        """The run as of the newest event. There is none before `RunOpened`."""
        if self._run is None:
            raise LookupError("the record has not been opened")
        return self._run

    def now(self) -> float:
        """Seconds since the run was opened; never behind the record."""
        return max(self._journal.tip.at, self._clock.monotonic() - self._origin)

    def record(self, *events: Event) -> Run:
        """Journal and fold events, all with the same time. Durable after the next `commit`.

        Raises:
            Problems: The disk did not take them; none of them happened.
        """
        at, seq, wall = self.now(), self._journal.tip.seq, wall_text(self._clock.wall())
        entries = [Entry(seq=seq + count, at=at, wall=wall, event=event) for count, event in enumerate(events)]
        self._journal.append(*entries)
        self.has_uncommitted = True
        for entry in entries:
            opened = open_run(entry) if self._run is None else None
            self._run = opened or evolve(self.run, entry)
        self._announce()
        return self.run

    def commit(self) -> None:
        """Make every line recorded so far durable: what must be before a command leaves or an answer counts.

        Raises:
            Problems: `record-unwritable`, also when the record was moved or removed: the system goes on taking lines
                for a file that has no name any more, and keeps none of them.
        """
        if not self._journal.path.exists():
            raise problem(
                "The record has vanished",
                why="its folder was moved or removed while the run wrote to it",
                fix="Put it back, then resume the run.",
                where=Where(str(self._journal.path)),
                code="record-unwritable",
                exit=Exit.REFUSED,
            )
        self._journal.commit()
        self.has_uncommitted = False

    async def commit_output(self) -> None:
        """Make output bytes durable, in a thread: a hundred files of a hundred hosts must not hold up a key press."""
        unsynced = self.output.unsynced()
        if unsynced.files:
            await asyncio.to_thread(unsynced.sync)

    def flush_output(self, host: str = "") -> None:
        """Record what is gathered of a host's output, or of everybody's."""
        events = self.output.flush(host)
        if events:
            self.record(*events)

    def close(self) -> None:
        """Flush, commit and let go; also of a record that takes no more, for whoever resumes it needs its lock.

        Raises:
            Problems: As `record` and `commit`.
        """
        try:
            self.flush_output()
            self.output.unsynced().sync()
            self.commit()
        finally:
            self._journal.close()
            self._announce()

    async def wait_beyond(self, seq: int) -> int:
        """Return the newest entry's number once it is above `seq`."""
        while self._journal.tip.seq - 1 <= seq:
            await self._changed.wait()
        return self._journal.tip.seq - 1

    def _announce(self) -> None:
        # A fresh event for the next round: those who waited on this one all wake, and none can miss the one after.
        self._changed.set()
        self._changed = asyncio.Event()
