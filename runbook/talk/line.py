"""The client's end of the talk with a runner: finding whoever has the run, looking at who that is, asking, hearing.

Nothing is said to anybody before the kernel has named whoever listens: what a person asks of a run, such as to stop it,
must not reach somebody else who only seems to be there. That somebody is never taken for nobody: it is told who it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from runbook.core.intent import Intent
from runbook.problem import Exit, Problem, Problems, Where, problem
from runbook.talk.door import NO_RUNNER, NOT_ITS_RUNNER, Doorway, clear, is_there, not_its_runner
from runbook.talk.messages import MAX_REQUEST, Asking, Look, Looking, Reply, Request, Watching
from runbook.talk.peer import Peer, known_as, peer_of


class Line:
    """One conversation with a runner. Replies to requests come in order; watch notices come between them."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer, *, is_certain: bool, via: str
    ) -> None:
        """Take over an open connection to somebody who was looked at."""
        self._reader = reader
        self._writer = writer
        self._via = via
        self.peer = peer
        """Who listens, as the kernel says."""
        self.is_certain = is_certain
        """It is known that this is whose run it is, and not only claimed by where the socket lies."""
        self._asked: deque[asyncio.Future[Reply]] = deque()
        """Requests without a reply yet, in order; one that nobody waits for any more still takes its reply."""
        self._listening = asyncio.create_task(self._listen(), name="listen to the runner")
        self.news = asyncio.Event()
        """Set when there is more to read, and when the runner has gone."""
        self.is_open = True
        self.parting: Problem | None = None
        """Why the runner went before the run had ended, when it could still say so."""

    @classmethod
    async def open(cls, doorway: Doorway, *, via: str) -> Line:
        """Call a runner, and say nothing before it is known to be that user's.

        Raises:
            Problems: Nobody answers at that socket, or somebody else listens.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(str(doorway.path), limit=16 * MAX_REQUEST)
            peer = _looked_at(writer)
        except OSError as wrong:
            raise _no_answer(doorway, wrong) from wrong
        if peer.uid != doorway.uid:
            writer.close()
            raise not_its_runner(doorway, str(peer))
        return cls(reader, writer, peer, is_certain=doorway.is_certain, via=via)

    async def watch(self) -> None:
        """From now on, be told when there is more.

        Raises:
            Problems: The runner has gone: a short run may end between the call and the first word.
        """
        try:
            await self._send(Watching())
        except ConnectionError as lost:
            raise Problems([gone()]) from lost

    async def look(self) -> Look:
        """What waits for people.

        Raises:
            Problems: This user may not ask, or the runner has gone.
        """
        reply = await self._ask(Looking())
        if reply.view is None:
            raise Problems([reply.problem or gone()])
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
            return Reply(problem=self.parting or gone())
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
            self._answer(Reply(problem=self.parting or gone()))

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


def _looked_at(writer: asyncio.StreamWriter) -> Peer:
    try:
        return peer_of(writer.get_extra_info("socket"))
    except (OSError, Problems):
        writer.close()
        raise


def _no_answer(doorway: Doorway, wrong: OSError) -> Problems:
    is_dead = isinstance(wrong, ConnectionRefusedError | FileNotFoundError)
    return problem(
        "the run's runner does not answer",
        # The socket's own words would tell an operator nothing.
        why="its runner is gone" if is_dead else str(wrong.strerror or wrong),
        fix="If it died, continue the run with: runbook resume",
        where=Where(str(doorway.path)),
        code=NO_RUNNER if is_dead else "no-answer",
        exit=Exit.REFUSED,
    )


async def reach(doorways: Sequence[Doorway], *, via: str) -> Line:
    """A line to the run's runner: the first that is certainly its user's, else the only one there is.

    Raises:
        Problems: Nobody listens (`NO_RUNNER`), only somebody else does (`NOT_ITS_RUNNER`), or several claim the run.
    """
    found: list[Line] = []
    refused: list[Problem] = []
    for doorway in doorways:
        try:
            line = await Line.open(doorway, via=via) if is_there(doorway) else None
        except Problems as wrong:
            refused.extend(wrong.problems)
            clear(doorway.path)
            continue
        if line is not None:
            found.append(line)
        if line is not None and doorway.is_certain:
            await _hang_up(found[:-1])
            return line
    if len(found) == 1:
        return found[0]
    await _hang_up(found)
    raise _whose(found) if found else Problems([_gravest(refused)])


async def _hang_up(lines: Sequence[Line]) -> None:
    for line in lines:
        await line.close()


def _gravest(refused: Sequence[Problem]) -> Problem:
    """Somebody in the runner's place is told before everything else, and a runner that died before none at all."""
    nobody = Problem(
        what="the run is not live",
        why="no runner listens for it",
        fix="Look with: runbook runs; continue an interrupted run with: runbook resume",
        code=NO_RUNNER,
        exit=Exit.REFUSED,
    )
    ranks = (NOT_ITS_RUNNER, "no-answer", NO_RUNNER)
    return min(refused, key=lambda one: ranks.index(one.code), default=nobody)


def _whose(lines: Sequence[Line]) -> Problems:
    names = "; ".join(known_as(line.peer.uid) for line in lines)
    return problem(
        f"runners of several people say that they have this run: {names}",
        why="its record is not yours to read, so nothing here says whose it is",
        fix="Say whose you mean: --operator NAME",
        code="whose-run",
        exit=Exit.REFUSED,
    )


def gone() -> Problem:
    """What is said of a runner that is there no more."""
    return Problem(
        what="the runner has gone",
        why="it ended, or was killed",
        fix="Look with: runbook runs; continue an interrupted run with: runbook resume",
        code="no-runner",
        exit=Exit.REFUSED,
    )
