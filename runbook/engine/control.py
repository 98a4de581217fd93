"""The runner's door: a Unix socket through which people look at a live run and ask things of it.

Who is calling is what the kernel says (SO_PEERCRED), never what the caller claims; anybody but the owner and the
people named in the workspace's settings is shown out before a byte is understood. One JSON object a line. A watching
client is sent nothing but the newest entry's number and reads the journal itself, at its own pace, so a client that
stalls costs one number in one buffer and the run never waits for it. Where the socket lies is `talk/door.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec

from runbook.core.actor import Actor
from runbook.core.intent import Intent
from runbook.core.proof import Approval
from runbook.core.run import Run
from runbook.engine.recorder import Recorder
from runbook.problem import Exit, Problem
from runbook.talk.door import Door
from runbook.talk.messages import MAX_REQUEST, Asking, Look, Looking, Reply, Request, Watching
from runbook.talk.peer import login_name, peer_of
from runbook.talk.person import person, this_machine
from runbook.view.asking.gates import briefly, gate_views

PARTING = 1.0
"""Seconds that somebody who is shown out has to take the answer."""

LAST_CALL = 30.0
"""Seconds that those who watch have to learn why the runner goes: what is still in our buffers then goes with it."""

STRANGERS = 16
"""How many at once get an answer at all: a descriptor each, and the run needs them for its hosts."""

_STALL = 64 * 1024
"""Unsent bytes above which a watcher is not told more until it has read."""


Submit = Callable[[Intent, Actor], Awaitable[Problem | None]]
Asks = Callable[[], Awaitable[Mapping[str, Approval]]]
"""By gate that waits for signatures, what is to be signed."""


class Control:
    """Serves one live run's socket."""

    def __init__(
        self, recorder: Recorder, submit: Submit, *, allowed: frozenset[int], asks: Asks | None = None
    ) -> None:
        """`allowed` are the uids that get through, the owner's among them."""
        self._asks = asks
        self._recorder = recorder
        self._submit = submit
        self._allowed = allowed
        self._clients: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._strangers = 0
        self._machine = this_machine()

    @contextlib.asynccontextmanager
    async def serve(self, door: Door) -> AsyncIterator[None]:
        """Listen there while the block runs; the door is shut afterwards."""
        server = await asyncio.start_unix_server(self._welcome, sock=door.socket, limit=MAX_REQUEST)
        try:
            yield
        finally:
            server.close()
            door.shut()
            for client in tuple(self._clients):
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)
        try:
            uid = peer_of(writer.get_extra_info("socket")).uid
            if uid in self._allowed:
                self._writers.add(writer)
                await self._converse(reader, writer, person(uid, machine=self._machine))
            elif self._strangers < STRANGERS:
                await self._show_out(reader, writer, uid)
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            return  # whoever hangs up, dawdles or is shut down gets no further answer
        except ValueError:  # what `readline` makes of a line above its limit
            await _say_last(reader, writer, Reply(problem=_TOO_LONG))
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _show_out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, uid: int) -> None:
        self._strangers += 1
        try:
            await _say_last(reader, writer, Reply(problem=_shown_out(uid, self._recorder.run)))
        finally:
            self._strangers -= 1

    async def part(self, problem: Problem) -> None:
        """Tell everybody who is there why the runner goes before the run has ended, and wait a moment for the slow."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CALL):
                await asyncio.gather(*(_told(writer, problem) for writer in self._writers), return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: Actor) -> None:
        watcher: asyncio.Task[None] | None = None
        try:
            while line := await reader.readline():
                match _understood(line):
                    case Problem() as refusal:
                        await _say(writer, Reply(problem=refusal))
                    case Watching():
                        watcher = watcher or asyncio.create_task(self._announce(writer))
                    case Looking():
                        look = _look(self._recorder.run, who, self._recorder.now())
                        asks = dict(await self._asks()) if self._asks else {}
                        await _say(writer, Reply(view=msgspec.structs.replace(look, asks=asks)))
                    case Asking(intent=intent, via=via):
                        refused = await self._submit(intent, msgspec.structs.replace(who, via=via[:80]))
                        await _say(writer, Reply(seq=self._recorder.run.seq, problem=refused))
        finally:
            if watcher is not None:
                watcher.cancel()

    async def _announce(self, writer: asyncio.StreamWriter) -> None:
        """Send the newest number and nothing else; a slow reader gets fewer of them."""
        seq = -1
        while True:
            seq = await self._recorder.wait_beyond(seq)
            if writer.transport.get_write_buffer_size() > _STALL:
                await writer.drain()
            writer.write(_encoded(Reply(seq=seq, notice=True)))
            await writer.drain()


async def _told(writer: asyncio.StreamWriter, problem: Problem) -> None:
    """Returns once the system has taken it, with all that stood before it."""
    writer.write(_encoded(Reply(problem=problem, notice=True)))
    writer.transport.set_write_buffer_limits(high=0)
    await writer.drain()


def _shown_out(uid: int, run: Run) -> Problem:
    owner, name = run.operator.name, login_name(uid)
    return Problem(
        what=f"{name} may not control run {run.id}",
        why=f"only {owner}, who started it, and the people named under [control] allow in runbook.toml then may",
        fix=f'Ask {owner} to write [control] allow = ["{name}"], which counts for runs begun after that, or to answer: '
        f"runbook approve {run.id}",
        code="not-allowed",
        exit=Exit.REFUSED,
    )


_TOO_LONG = Problem(
    what=f"a request of more than {MAX_REQUEST // 1024} KiB is not read",
    fix="Say it in fewer words; longer evidence belongs into a file.",
    code="too-long",
    exit=Exit.REFUSED,
)


def _understood(line: bytes) -> Request | Problem:
    try:
        request: Request = msgspec.json.decode(line, type=Request)
    except (msgspec.MsgspecError, RecursionError) as wrong:
        return Problem(what="the runner did not understand", why=str(wrong), fix="Use the same version on both sides.")
    return request


def _look(run: Run, who: Actor, now: float) -> Look:
    return Look(
        run=run.id,
        runbook=run.plan.runbook,
        title=run.plan.title,
        operator=run.operator.name,
        environment=run.plan.environment.name,
        gates=tuple(run.gates[gate] for gate in run.open_gates),
        you=who.name,
        started=run.started,
        kind=run.plan.kind,
        views=tuple(briefly(view) for view in gate_views(run, now)),
    )


async def _say(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(_encoded(reply))
    await writer.drain()


async def _say_last(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> None:
    """Say it to somebody who is hung up on.

    What they send is taken off the wire unread: a close over it would reset the line and lose our words.
    """
    try:
        async with asyncio.timeout(PARTING):
            await _say(writer, reply)
            while await reader.read(MAX_REQUEST):
                pass
    except (TimeoutError, ConnectionError):
        return


def _encoded(reply: Reply) -> bytes:
    return msgspec.json.encode(reply) + b"\n"
