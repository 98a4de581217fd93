"""The runner's door: a Unix socket through which people look at a live run and ask things of it.

Who is calling is what the kernel says (SO_PEERCRED), never what the caller claims; anybody but the owner and the
people named in the workspace's settings is shown out before a byte is understood. One JSON object a line. A watching
client is sent nothing but the newest entry's number and reads the journal itself, at its own pace, so a client that
stalls costs one number in one buffer and the run never waits for it. The path is short, because the system limits it
to about 100 bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runbook.core.actor import Actor
from runbook.core.intent import Intent
from runbook.core.run import GateState, Run
from runbook.engine.recorder import Recorder
from runbook.problem import Exit, Problem, Where, problem

MAX_REQUEST = 256 * 1024
"""Bytes of one request; an intent is a few hundred."""

PARTING = 1.0
"""Seconds that somebody who is shown out has to take the answer."""

STRANGERS = 16
"""How many at once get an answer at all: a descriptor each, and the run needs them for its hosts."""

_CREDENTIALS = struct.Struct("3i")
_STALL = 64 * 1024
"""Unsent bytes above which a watcher is not told more until it has read."""


class Watching(msgspec.Struct, frozen=True, tag_field="ask", tag="watch"):
    """Tell me whenever there is more."""


class Looking(msgspec.Struct, frozen=True, tag_field="ask", tag="look"):
    """What is waiting for people? For somebody who may not read the record itself."""


class Asking(msgspec.Struct, frozen=True, tag_field="ask", tag="intent"):
    """Please do this."""

    intent: Intent
    via: str = ""


Request = Watching | Looking | Asking


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The little that an approver without access to the record must know to decide."""

    run: str
    runbook: str
    title: str
    operator: str
    environment: str
    gates: tuple[GateState, ...]
    you: str


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer; a watcher gets one with a new `seq` whenever there is more."""

    seq: int = -1
    notice: bool = False
    """True for what a watcher is told without having asked."""
    problem: Problem | None = None
    view: Look | None = None


Submit = Callable[[Intent, Actor], Awaitable[Problem | None]]


class Control:
    """Serves one live run's socket."""

    def __init__(self, recorder: Recorder, submit: Submit, *, allowed: frozenset[int]) -> None:
        """`allowed` are the uids that get through, the owner's among them."""
        self._recorder = recorder
        self._submit = submit
        self._allowed = allowed
        self._clients: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._strangers = 0

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
            uid = _peer(writer)
            if uid in self._allowed:
                self._writers.add(writer)
                await self._converse(reader, writer, Actor(name=login_name(uid), uid=uid))
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
            await _say_last(reader, writer, Reply(problem=_shown_out(uid)))
        finally:
            self._strangers -= 1

    def part(self, problem: Problem) -> None:
        """Tell everybody who is there why the runner goes before the run has ended."""
        for writer in self._writers:
            writer.write(_encoded(Reply(problem=problem, notice=True)))

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
                        await _say(writer, Reply(view=_look(self._recorder.run, who)))
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


def login_name(uid: int) -> str:
    """The name that belongs to a uid; the number itself where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _peer(writer: asyncio.StreamWriter) -> int:
    connection: socket.socket = writer.get_extra_info("socket")
    if hasattr(socket, "SO_PEERCRED"):
        packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(packed)[1])
    raise problem("this system does not say who is calling", fix="Answer gates in the terminal of the run.")


def _shown_out(uid: int) -> Problem:
    return Problem(
        what=f"{login_name(uid)} may not control this run",
        why="only its owner and the people named under [control] allow in runbook.toml may",
        fix="Ask the owner to add you, or to answer for you.",
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


def _look(run: Run, who: Actor) -> Look:
    return Look(
        run=run.id,
        runbook=run.plan.runbook,
        title=run.plan.title,
        operator=run.operator.name,
        environment=run.plan.environment.name,
        gates=tuple(run.gates[gate] for gate in run.open_gates),
        you=who.name,
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


# --- where sockets are ------------------------------------------------------------------------------------------------


def socket_folder(*, shared: bool) -> Path:
    """The folder of this user's sockets: private, unless other people were named who must reach it.

    A shared one lies where others can come in; the socket's own check of who is calling then is the only door.
    """
    private = os.environ.get("XDG_RUNTIME_DIR", "")
    if private and not shared and Path(private).is_dir():
        return Path(private) / "runbook"
    return Path("/tmp") / f"runbook-{os.getuid()}{'-shared' if shared else ''}"  # noqa: S108 - owner and mode are checked


def socket_path(run: str, *, shared: bool) -> Path:
    """Where a run's socket is, or would be."""
    return socket_folder(shared=shared) / f"{run[-40:]}.sock"


@dataclass(frozen=True, slots=True)
class Door:
    """A bound socket and its name. Made before a record is, so that a run without a door leaves nothing behind."""

    path: Path
    socket: socket.socket

    def shut(self) -> None:
        """Take the name away; harmless when it is gone already."""
        self.socket.close()
        self.path.unlink(missing_ok=True)


def make_door(path: Path, allowed: frozenset[int]) -> Door:
    """A door for the people allowed. Its folder must be ours and closed to writing, or others could replace it.

    Raises:
        Problems: The socket cannot be made.
    """
    shared = allowed != {os.getuid()}
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.lstat()
        if state.st_uid != os.getuid() or state.st_mode & 0o022 or folder.is_symlink():
            raise problem(
                f"{folder} is not safe for a socket",
                why="it belongs to somebody else, or others may write to it",
                fix=f"Remove it, or run: chmod go-w {folder}",
                where=Where(str(folder)),
                exit=Exit.REFUSED,
            )
        # Explicitly, because the runner's umask would keep the others out who were let in.
        folder.chmod(0o711 if shared else 0o700)
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if shared:
            path.chmod(0o666)
    except OSError as wrong:
        raise problem(
            "the run's socket cannot be made",
            why=str(wrong),
            fix="Set XDG_RUNTIME_DIR to a short path that you may write to.",
            where=Where(str(path)),
            exit=Exit.REFUSED,
        ) from wrong
    return Door(path, listening)


def find_socket(run: str) -> Path | None:
    """The socket of a live run of ours or of somebody who shares one with us; None when there is none."""
    ours = [socket_path(run, shared=shared) for shared in (False, True)]
    others = sorted(Path("/tmp").glob(f"runbook-*-shared/{run[-40:]}.sock"))  # noqa: S108 - see _is_theirs
    return next((path for path in (*ours, *filter(_is_theirs, others)) if _is_socket(path)), None)


def _is_theirs(path: Path) -> bool:
    """True when the folder belongs to the uid in its name and only that uid can have put a socket there."""
    try:
        state = path.parent.lstat()
    except OSError:
        return False
    is_own = path.parent.name == f"runbook-{state.st_uid}-shared"
    return is_own and stat.S_ISDIR(state.st_mode) and not state.st_mode & 0o022


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False
