"""Hosts that exist only as a table of answers: the double with which everything above sessions is tested.

It passes the contract test of sessions, so what a test proves with it holds for real hosts as far as the
contract goes. Jobs belong to the world and not to a session: a job sent twice runs once, and one whose link
was lost can be followed again from a new session, also by another runner. Nothing here depends on chance or
on the wall clock.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from runbook.core.host import Host
from runbook.core.outcome import Ending, Exited, Expired, Grade, Lost, NeverSent, Signalled, Stopped, Withheld
from runbook.core.place import is_same_place
from runbook.core.planned.command import Command, Secret
from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.local import files
from runbook.transport.local.measuring import measure
from runbook.transport.session import HostFacts, Job, Session, Sink, Stream, Transferred


@dataclass(frozen=True, slots=True)
class Says:
    """Prints and exits."""

    out: bytes = b""
    err: bytes = b""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Dies:
    """Prints and is ended by a signal that was not ours."""

    signal: str
    out: bytes = b""


@dataclass(frozen=True, slots=True)
class Hangs:
    """Prints and runs until it is ended."""

    out: bytes = b""


@dataclass(frozen=True, slots=True)
class LosesLink:
    """Prints, then the link of its host goes; behind it, the host goes on to `then`, which prints `out` as well."""

    out: bytes = b""
    then: Reply = field(default_factory=Says)
    reason: str = "connection lost"


@dataclass(frozen=True, slots=True)
class Vanishes:
    """Prints, then is gone without an exit code; the link stays, and asking again gives no other answer."""

    out: bytes = b""
    reason: str = "the shell that ran it is gone"


Reply = Says | Dies | Hangs | LosesLink | Vanishes
Answers = Mapping[str, Reply] | Callable[[Host, Command], Reply]


@dataclass(frozen=True, slots=True)
class Sent:
    """One command that reached a host and was started there."""

    host: str
    job: str
    text: str


def command_text(command: Command) -> str:
    """What a table of answers is asked with: the shell text, or the arguments quoted and joined."""
    return command.shell or shlex.join(command.argv)


class ScriptedConnector:
    """A world of scripted hosts. Sessions come and go; jobs, files and what was sent stay."""

    def __init__(self, answers: Answers, *, unreachable: Mapping[str, Problem] | None = None) -> None:
        """Take the answers, by `command_text` or by a function, and the hosts that cannot be opened."""
        self._answers = answers
        self.unreachable = dict(unreachable or {})
        """Host name to the problem that opening it raises; may be changed while a test runs."""
        self.sent: list[Sent] = []
        """Every start, in order; a job that is sent twice appears once."""
        self.boot_id = "scripted"
        """What hosts that are opened from now on call their boot."""
        self.place = "scripted.1.scripted"
        """Where hosts that are opened from now on keep jobs; empty: nowhere."""
        self.claimed: list[str] = []
        """Jobs that were claimed and not started."""
        self.grade = Grade.SESSION
        """How durable a durable job can be here."""
        self.forgotten: list[str] = []
        """Jobs of which the record was said to hold everything."""
        self.files: dict[tuple[str, str], bytes] = {}
        """Host name and path to contents."""
        self.sessions: list[ScriptedSession] = []
        self._jobs: dict[str, Reply] = {}

    def grade_of(self, job: Job) -> Grade:
        """How durable it is: attached where it says so, and a unit only where it is worth one."""
        if not job.durable:
            return Grade.ATTACHED
        return Grade.SESSION if self.grade is Grade.UNIT and not job.as_unit else self.grade

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        """See `Connector.connect`; nothing leaves ahead here."""
        del look
        if problem := self.unreachable.get(host.name):
            raise Problems([problem])
        session = ScriptedSession(self, host)
        self.sessions.append(session)
        return session

    async def close(self) -> None:
        """Nothing is shared."""

    def cut(self, name: str, reason: str = "connection lost") -> None:
        """Cut every link to a host; what runs there runs on."""
        for session in self.sessions:
            if session.host.name == name:
                session.lose(reason)

    def started(self, job: str) -> Reply:
        """What a job does that was started.

        Raises:
            KeyError: It never was.
        """
        return self._jobs[job]

    def has_begun(self, job: str) -> bool:
        """Whether a job was started."""
        return job in self._jobs

    def start(self, host: Host, command: Command, job: str) -> Reply:
        """Start a job, or find it started already."""
        if job not in self._jobs:
            self.sent.append(Sent(host.name, job, command_text(command)))
            self._jobs[job] = self._reply(host, command)
        return self._jobs[job]

    def settle(self, job: str, reply: Reply) -> None:
        """Fix what a later follower of a job will see."""
        self._jobs[job] = reply

    def lose_trace(self, job: str) -> None:
        """Let a later follower of a job see what it sees of one that never started."""
        del self._jobs[job]

    def _reply(self, host: Host, command: Command) -> Reply:
        if callable(self._answers):
            return self._answers(host, command)
        text = command_text(command)
        return self._answers.get(text, Says(err=f"no answer is scripted for: {text}\n".encode(), code=127))


class ScriptedSession:
    """One scripted host, open."""

    def __init__(self, world: ScriptedConnector, host: Host) -> None:
        """Made by the connector."""
        self._world = world
        self.host = host
        self._boot_id, self._place = world.boot_id, world.place
        self._reason = ""
        self._lost = asyncio.Event()

    @property
    def facts(self) -> HostFacts:
        """Plausible and constant."""
        user = self.host.user or "scripted"
        return HostFacts(address=f"{self.host.target}:22", user=user, boot_id=self._boot_id, place=self._place)

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.run`."""
        if self._lost.is_set():
            return NeverSent(self._reason)
        kept = self._world.grade is not Grade.ATTACHED
        await sink.reached(self._world.grade_of(job), self._place if kept else "")
        if job.is_blind and job.leaves_trace and not self._world.has_begun(job.id):
            return Withheld("nothing tells whether it was begun before")
        if job.is_resumed and job.place and not is_same_place(job.place, self._place):
            return Withheld("jobs are kept in another place there than before")
        return await self._follow(self._world.start(self.host, command, job.id), job, sink)

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.reattach`."""
        if self._lost.is_set():
            return Lost(self._reason)
        await sink.reached(self._world.grade_of(job), job.place)
        try:
            reply = self._world.started(job.id)
        except KeyError:
            if self._is_here(job.place) and self._world.grade is not Grade.ATTACHED:
                return NeverSent(f"{command_text(command)} never started")
            return Lost("the host has no trace of it, though it may have begun")
        if self._world.grade is Grade.ATTACHED:
            return Lost("the host has no trace of it, though it may have begun")
        ending = await self._follow(reply, job, sink)
        if isinstance(ending, Exited) and not job.durable:
            return Lost(f"it ended with exit code {ending.code}, and what it printed is not there", is_over=True)
        return ending

    async def claim(self, job: Job) -> Ending | None:
        """See `Session.claim`."""
        if job.id in self._world.claimed or job.is_blind:
            return Withheld("it was begun before, or nothing tells whether it was")
        self._world.claimed.append(job.id)
        return None

    async def forget(self, job: Job) -> None:
        """See `Session.forget`."""
        self._world.forgotten.append(job.id)

    async def upload(
        self, source: Path, destination: str, *, mode: int | None = None, shown: Transferred | None = None
    ) -> Transferred:
        """See `Session.upload`."""
        del mode
        self._refuse_when_lost(destination)
        with files.Source(source) as file:
            sent = await measure(file)
            file.require(shown)
        self._world.files[self.host.name, destination] = await asyncio.to_thread(source.read_bytes)
        return sent

    async def download(self, source: str, destination: Path) -> Transferred:
        """See `Session.download`."""
        self._refuse_when_lost(source)
        try:
            data = self._world.files[self.host.name, source]
        except KeyError:
            raise files.failed(f"{source} was not transferred", "No such file") from None
        await asyncio.to_thread(destination.write_bytes, data)
        return Transferred(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    async def sudo_password(self) -> Secret:
        """See `Session.sudo_password`."""
        raise Problems([Problem(what=f"sudo on {self.host.name} knows no password", exit=Exit.FAILED)])

    async def close(self) -> None:
        """See `Session.close`."""
        self.lose("the session was closed")

    async def wait_lost(self) -> str:
        """See `Session.wait_lost`."""
        await self._lost.wait()
        return self._reason

    def lose(self, reason: str) -> None:
        """Cut this link; the first reason stays."""
        self._reason = self._reason or reason
        self._lost.set()

    def _is_here(self, place: str) -> bool:
        """The same folder since the same boot, in whatever visit."""
        return is_same_place(place, self._place) and place.rpartition(".")[2] == self._place.rpartition(".")[2]

    async def _follow(self, reply: Reply, job: Job, sink: Sink) -> Ending:
        match reply:
            case Says(out, err, code):
                await _send(sink, Stream.OUT, out[job.out_offset :])
                await _send(sink, Stream.ERR, err[job.err_offset :])
                return Exited(code)
            case Dies(signal, out):
                await _send(sink, Stream.OUT, out[job.out_offset :])
                return Signalled(signal)
            case LosesLink(out, then, reason):
                self._world.settle(job.id, then)
                await _send(sink, Stream.OUT, out[job.out_offset :])
                self.lose(reason)
                return Lost(self._reason)
            case Hangs(out):
                await _send(sink, Stream.OUT, out[job.out_offset :])
                return await self._hang(job)
            case Vanishes(out, reason):
                await _send(sink, Stream.OUT, out[job.out_offset :])
                return Lost(reason)
            case _:
                assert_never(reply)

    async def _hang(self, job: Job) -> Ending:
        try:
            async with asyncio.timeout(job.limit):
                await self._lost.wait()
        except TimeoutError:
            self._world.settle(job.id, Dies("TERM"))
            return Expired(job.limit or 0.0)
        except asyncio.CancelledError:
            if task := asyncio.current_task():
                task.uncancel()
            self._world.settle(job.id, Dies("TERM"))
            return Stopped()
        return Lost(self._reason)

    def _refuse_when_lost(self, path: str) -> None:
        if self._lost.is_set():
            raise files.failed(f"{path} was not transferred", self._reason)


async def _send(sink: Sink, stream: Stream, data: bytes) -> None:
    if data:
        await sink.receive(stream, data)


def unreachable(name: str, code: str = "refused", why: str = "scripted") -> Problem:
    """A problem such as opening a host raises."""
    return Problem(
        what=f"{name} cannot be reached",
        why=why,
        fix="Change the script.",
        where=Where(f"host {name}"),
        code=code,
        exit=Exit.UNREACHABLE,
    )
