"""Watching a run from outside its runner: a live one through its socket and its files, a dead one through its files.

The client folds the journal itself with the same `evolve`, so a screen that was started late, or crashed and came back,
shows exactly what any other shows. When the runner goes away the feed stays readable and merely stops being live.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runbook.core.events.entry import Entry
from runbook.core.fold.evolve import evolve
from runbook.core.intent import Intent
from runbook.core.run import Run
from runbook.feed.output_view import OutputView
from runbook.problem import Problem, Problems
from runbook.record.beginning import begun
from runbook.record.store import Record
from runbook.talk.door import NOT_ITS_RUNNER, Doorway
from runbook.talk.line import Line, gone, reach

EachEntry = Callable[[Run | None, Run, Entry], None]
"""Called with the run before an entry (None for the first), the run after it, and the entry."""


def ignore(_before: Run | None, _after: Run, _entry: Entry) -> None:
    """The `EachEntry` of whoever only looks at runs."""


class LiveFeed:
    """Implements `feed.Feed` over a record that may still be growing."""

    def __init__(
        self, record: Record, line: Line | None, each: EachEntry = ignore, unreached: Problem | None = None
    ) -> None:
        """Read everything there is; `each` is called at every fold.

        `line` is None when no runner was reached, and `unreached` says why.

        Raises:
            Problems: There is no record, or its first line is damaged.
        """
        self._reader = record.read()
        self._line = line
        self._unreached = unreached
        self._each = each
        self._output = OutputView(record)
        self._run = self._open()
        self._advance()

    def _open(self) -> Run:
        entries = self._reader.more()
        run = begun(self._reader, entries)
        self._each(None, run, entries[0])
        for entry in entries[1:]:
            run = self._fold(run, entry)
        return run

    @property
    def run(self) -> Run:
        """The newest folded run."""
        return self._run

    @property
    def output(self) -> OutputView:
        """Its output."""
        return self._output

    @property
    def is_live(self) -> bool:
        """True while a runner is at the other end and the run has not ended."""
        return self._line is not None and self._line.is_open and not self._run.has_ended

    @property
    def damage(self) -> Problem | None:
        """Why the record cannot be followed, or why its runner stopped.

        A torn last line of a live run is only unfinished.
        """
        if self.is_live:
            return None
        unsound = self._reader.damage or self._output.damage
        if unsound is not None or self._line is not None:
            return self._reader.damage or (self._line.parting if self._line else None) or self._output.damage
        is_somebody_elses = self._unreached is not None and self._unreached.code == NOT_ITS_RUNNER
        return self._unreached if is_somebody_elses and not self._run.has_ended else None

    async def wait_changed(self) -> Run:
        """Return when the run has advanced, or at once when nothing more will come."""
        while not self._advance():
            if self._line is None or not self._line.is_open:
                return self._run
            await self._line.news.wait()
            self._line.news.clear() if self._line.is_open else None
        return self._run

    async def send(self, intent: Intent) -> Problem | None:
        """Ask the runner."""
        return self.damage or gone() if self._line is None else await self._line.send(intent)

    async def close(self) -> None:
        """Stop watching."""
        if self._line is not None:
            await self._line.close()

    def _advance(self) -> bool:
        entries = self._reader.more()
        for entry in entries:
            self._run = self._fold(self._run, entry)
        return bool(entries)

    def _fold(self, run: Run, entry: Entry) -> Run:
        self._output.take(entry)
        after = evolve(run, entry)
        self._each(run, after, entry)
        return after


async def watch(record: Record, doorways: Sequence[Doorway], *, via: str, each: EachEntry = ignore) -> LiveFeed:
    """A feed of the record, live when its runner listens at one of the doorways.

    Raises:
        Problems: There is no usable record.
    """
    try:
        line = await reach(doorways, via=via)
        await line.watch()
    except Problems as wrong:
        # A socket that outlived its runner, or somebody else's: the record is still there to be read.
        return LiveFeed(record, None, each, wrong.problems[0])
    return LiveFeed(record, line, each)
