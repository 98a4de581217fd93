"""A recorded run on its own time axis: the same fold as live, stopped at any moment.

Folding from the beginning for every key press would make seeking slower the longer the record is, so the folded run is
kept every `KEYFRAME` entries; runs share their persistent maps, so a keyframe costs little. Time is the viewer's clock
times the speed; long waits can be shortened for the viewer, while the position shown stays the recorded one.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right

from runbook.core.clock import Clock
from runbook.core.events.entry import Entry
from runbook.core.fold.evolve import evolve, fold
from runbook.core.intent import Intent
from runbook.core.run import Run
from runbook.feed.output_view import OutputView
from runbook.problem import Exit, Problem
from runbook.record.beginning import begun
from runbook.record.store import Record

KEYFRAME = 500
"""Entries between two kept states: a seek folds fewer than this."""

LONGEST_WAIT = 2.0
"""Seconds of the viewer's time that a stretch without events may take."""


class RecordedReplay:
    """Implements `feed.Replay` over a finished or interrupted record."""

    def __init__(self, record: Record, clock: Clock) -> None:
        """Read and fold the whole record once.

        Raises:
            Problems: There is no record, or not one good entry in it.
        """
        reader = record.read()
        self._entries = tuple(reader.entries())
        self._damage = reader.damage or reader.newer.problem
        first = begun(reader, self._entries)
        self._clock = clock
        self._output = OutputView(record)
        self._times = [entry.at for entry in self._entries]
        self._keyframes = self._fold_all(first)
        self._index = len(self._entries) - 1
        self._run = fold(self._keyframes[self._index // KEYFRAME], self._since_keyframe(self._index))
        self._position = self.length
        self._speed = 1.0
        self._playing = asyncio.Event()
        self.record = record

    def _fold_all(self, run: Run) -> list[Run]:
        keyframes = []
        for number, entry in enumerate(self._entries):
            self._output.take(entry)
            run = evolve(run, entry) if number else run
            if number % KEYFRAME == 0:
                keyframes.append(run)
        return keyframes

    def _since_keyframe(self, index: int) -> tuple[Entry, ...]:
        return self._entries[index - index % KEYFRAME + 1 : index + 1]

    @property
    def run(self) -> Run:
        """The run at the moment shown."""
        return self._run

    @property
    def output(self) -> OutputView:
        """Its output up to that moment."""
        return self._output

    @property
    def is_live(self) -> bool:
        """Never: the past takes no intents."""
        return False

    @property
    def damage(self) -> Problem | None:
        """Why the record ends where it ends, when it is not sound, or why some of its output cannot be read."""
        return self._damage or self._output.damage

    @property
    def position(self) -> float:
        """The moment shown, in seconds since the run was opened."""
        return self._position

    @property
    def length(self) -> float:
        """`at` of the last good entry."""
        return self._times[-1]

    @property
    def total(self) -> int:
        """Good entries."""
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All good entries."""
        return self._entries

    @property
    def playing(self) -> bool:
        """True while time runs."""
        return self._playing.is_set()

    @property
    def speed(self) -> float:
        """Recorded seconds for each second of the viewer."""
        return self._speed

    def seek(self, at: float) -> Run:
        """Show the moment `at`."""
        self._position = min(max(0.0, at), self.length)
        return self._show(max(0, bisect_right(self._times, self._position) - 1))

    def step(self, count: int) -> Run:
        """Show the moment `count` entries on."""
        index = min(max(0, self._index + count), self.total - 1)
        self._position = self._times[index]
        return self._show(index)

    def _show(self, index: int) -> Run:
        if index >= self._index and index - self._index < KEYFRAME:
            self._run = fold(self._run, self._entries[self._index + 1 : index + 1])
        else:
            self._run = fold(self._keyframes[index // KEYFRAME], self._since_keyframe(index))
        self._index = index
        self._output.show_until(None if index == self.total - 1 else self._times[index])
        return self._run

    def play(self, *, speed: float | None = None) -> None:
        """Let time run."""
        self._speed = self._speed if speed is None else speed
        if self._index >= self.total - 1 and not self.playing:
            self.seek(0.0)
        self._playing.set()

    def pause(self) -> None:
        """Stop time."""
        self._playing.clear()

    async def wait_changed(self) -> Run:
        """While playing, return at the next entry's time; paused, wait; at the end, pause there and return."""
        await self._playing.wait()
        following = self._index + 1
        if following >= self.total:
            self.pause()
            return self._run
        before = self._index
        await self._clock.sleep(min(LONGEST_WAIT, (self._times[following] - self._position) / self._speed))
        if self._index == before and self.playing:
            self._position = self._times[following]
            self._show(following)
        return self._run

    async def send(self, intent: Intent) -> Problem | None:  # noqa: ARG002 - every intent gets the same answer
        """Refuse: nothing can be asked of the past."""
        return Problem(what="a recorded run takes no commands", code="replay", exit=Exit.REFUSED)

    async def close(self) -> None:
        """Nothing is held open."""
