"""Watching a run from outside its runner: a live one through its socket and its files, a dead one through its files.

The client folds the journal itself with the same `evolve`, so a screen that was started late, or crashed and came back,
shows exactly what any other shows. When the runner goes away the feed stays readable and merely stops being live.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from runbook.core.entry import Entry
from runbook.core.evolve import evolve
from runbook.core.intent import Intent
from runbook.core.run import Run
from runbook.feed.output_view import OutputView
from runbook.problem import Exit, Problem, Problems, Where, problem
from runbook.record.beginning import begun
from runbook.record.reader import RecordReader
from runbook.talk.messages import MAX_REQUEST, Asking, Look, Looking, Reply, Request, Watching

EachEntry = Callable[[Run | None, Run, Entry], None]
"""Called with the run before an entry (None for the first), the run after it, and the entry."""


def ignore(_before: Run | None, _after: Run, _entry: Entry) -> None:
    """The `EachEntry` of whoever only looks at runs."""


class Line:
    """One conversation with a runner. Replies to requests come in order; watch notices come between them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, via: str) -> None:
        """Take over an open connection."""
        self._reader = reader
        self._writer = writer
        self._via = via
        self._asked: deque[asyncio.Future[Reply]] = deque()
        """Requests without a reply yet, in order; one that nobody waits for any more still takes its reply."""
        self._listening = asyncio.create_task(self._listen(), name="listen to the runner")
        self.news = asyncio.Event()
        """Set when there is more to read, and when the runner has gone."""
        self.is_open = True
        self.parting: Problem | None = None
        """Why the runner went before the run had ended, when it could still say so."""

    @classmethod
    async def open(cls, path: Path, *, via: str) -> Line:
        """Call a runner.

        Raises:
            Problems: Nobody answers at that socket.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=16 * MAX_REQUEST)
        except OSError as wrong:
            raise problem(
                "the run's runner does not answer",
                why=str(wrong),
                fix="If it died, continue the run with: runbook resume",
                where=Where(str(path)),
                code="no-runner",
                exit=Exit.REFUSED,
            ) from wrong
        return cls(reader, writer, via)

    async def watch(self) -> None:
        """From now on, be told when there is more."""
        await self._send(Watching())

    async def look(self) -> Look:
        """What waits for people.

        Raises:
            Problems: This user may not ask, or the runner has gone.
        """
        reply = await self._ask(Looking())
        if reply.view is None:
            raise Problems([reply.problem or _gone()])
        return reply.view

    async def send(self, intent: Intent) -> Problem | None:
        """Ask for something; the refusal, or None when it is granted and durable."""
        return (await self._ask(Asking(intent=intent, via=self._via))).problem

    async def close(self) -> None:
        """Hang up."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._fall_silent()  # a listener that never began has not done it
        self._writer.close()

    async def _ask(self, request: Request) -> Reply:
        if not self.is_open:
            return Reply(problem=self.parting or _gone())
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked.append(reply)
        try:
            await self._send(request)
        except ConnectionError:
            pass  # whoever listens notices it too, and answers for all who wait
        return await reply

    async def _send(self, request: Request) -> None:
        self._writer.write(msgspec.json.encode(request) + b"\n")
        await self._writer.drain()

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(msgspec.json.decode(line, type=Reply))
        except (OSError, ValueError):
            pass  # a line that breaks off means the same as one that ends: the runner has gone
        finally:
            self._fall_silent()

    def _fall_silent(self) -> None:
        """Nothing more will come: whoever waits is told so."""
        self.is_open = False
        self.news.set()
        while self._asked:
            self._answer(Reply(problem=self.parting or _gone()))

    def _take(self, reply: Reply) -> None:
        self.news.set()
        if not reply.notice:
            self._answer(reply)
        elif reply.problem is not None:
            self.parting = reply.problem

    def _answer(self, reply: Reply) -> None:
        waiting = self._asked.popleft() if self._asked else None
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)


def _gone() -> Problem:
    return Problem(
        what="the runner has gone",
        why="it ended, or was killed",
        fix="Look with: runbook runs; continue an interrupted run with: runbook resume",
        code="no-runner",
        exit=Exit.REFUSED,
    )


class LiveFeed:
    """Implements `feed.Feed` over a record that may still be growing."""

    def __init__(self, folder: Path, line: Line | None, each: EachEntry = ignore) -> None:
        """Read everything there is; `line` is None when no runner is there, `each` is called at every fold.

        Raises:
            Problems: There is no record, or its first line is damaged.
        """
        self._reader = RecordReader(folder)
        self._line = line
        self._each = each
        self._output = OutputView(folder)
        self._run = self._open()
        self.folder = folder
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
        return self._reader.damage or (self._line.parting if self._line else None)

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
        return _gone() if self._line is None else await self._line.send(intent)

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


async def watch(folder: Path, socket: Path | None, *, via: str, each: EachEntry = ignore) -> LiveFeed:
    """A feed of the record in `folder`, live when a runner listens at `socket`.

    Raises:
        Problems: There is no usable record.
    """
    line: Line | None = None
    if socket is not None:
        try:
            line = await Line.open(socket, via=via)
            await line.watch()
        except Problems:
            line = None  # a socket that outlived its runner: the record is still there to be read
    return LiveFeed(folder, line, each)
