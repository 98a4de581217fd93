"""Steps that survive the link and the runner: the controller's half of `durable.sh`.

The shell that takes the frame makes the claim and the commit, runs the command with its output in files, and
answers when it has ended; a quick step thus costs one round trip. When no answer has come after a moment, a
second shell follows the growing files, exactly as it would for a runner that comes back after days. What the
record holds already is the offset to continue from; there is no second counter anywhere.

Certain and uncertain are kept apart: `NeverSent` is returned where the commit proves that the command never
ran and never will, `Lost` where its shell is gone without an exit code or where nobody could be asked. Codes
above 128 may be a signal's; a shell cannot tell, so neither do we.

A job that may be long is given to the host's systemd where there is one (`unit.sh`): its shell then lives outside of
the login that started it. That costs tens of milliseconds, so quick jobs, and those that nobody expects to be long,
stay with the shell that is open anyway, unless the host ends all that a login leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from runbook.core.outcome import Ending, Exited, Grade, Lost, NeverSent, Withheld
from runbook.core.planned.command import Become, Command, Secret
from runbook.problem import Exit, problem
from runbook.transport.session import Job, Sink, Stream
from runbook.transport.shell import last_words
from runbook.transport.shell.answer import answered, survivors
from runbook.transport.shell.channel import ChannelRefused, Chunk, Gone
from runbook.transport.shell.claim import claimed, file_name, terms
from runbook.transport.shell.framed import FRAME_CAP, run_framed
from runbook.transport.shell.limits import SETTLE, Overtaken, bounded
from runbook.transport.shell.quoting import framed_script, quote
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.worker import Ready, Said, Worker, library

QUICK = 0.75
"""Seconds after which a job counts as long and is followed live."""

FORGET_AT = 20
"""Finished jobs that are removed from a host in one go, with the frame of a later one; the rest goes at the end."""

_UNIT = library("unit.sh")
"""Sent along with what asks for a unit, because no other job needs it."""

_STREAMS = {"out": Stream.OUT, "err": Stream.ERR}


class Jobs:
    """The commands of one open host, in whatever grade it allows."""

    def __init__(self, shells: Shells, nonce: Callable[[], str]) -> None:
        """Own the host's shells."""
        self._shells, self._nonce = shells, nonce
        self._users: dict[str, Become | None] = {}
        """Job file to the user whose it is, for those that were run or followed here."""
        self._places: set[Become | None] = set()
        """Users in whose place something was begun here."""
        self._finished: list[str] = []

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.run`. Falls to the attached grade where the host has no room for files.

        Raises:
            Problems: The command cannot be said in a shell.
        """
        nonce = self._nonce()
        if job.leaves_trace:
            self._places.add(command.become)
        if not job.durable or len(command.stdin) > FRAME_CAP:
            return await run_framed(self._shells, command, job, sink, nonce=nonce)
        script = framed_script(command, nonce=nonce)
        async with self._shells.turn():
            try:
                async with self._shells.worker(command.become) as worker:
                    if worker.ready.grade is not Grade.ATTACHED:
                        flow = self._flow(command, job, sink, grade=_granted(worker.ready, job))
                        await sink.reached(flow.grade, worker.ready.place)
                        tidying = self._forgetting(command.become, FORGET_AT)
                        return await flow.limited(flow.start(worker, script, tidying))
            except ChannelRefused as refused:
                return NeverSent(refused.reason)
        return await run_framed(self._shells, command, job, sink, nonce=nonce)

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """See `Session.reattach`."""
        flow = self._flow(command, job, sink)
        async with self._shells.turn():
            try:
                async with self._shells.worker(command.become) as worker:
                    await sink.reached(_found(worker.ready, job), job.place)
                    return await flow.limited(flow.read(worker, flow.frame("rb_attach"), last_words.followed))
            except ChannelRefused as refused:
                return Lost(refused.reason)

    async def claim(self, job: Job) -> Ending | None:
        """See `Session.claim`. Where there is no folder nothing can be claimed, and nothing could be asked later."""
        try:
            async with self._shells.worker(None) as worker:
                if worker.ready.base:
                    return await claimed(worker, job, "held")
                return Withheld(last_words.BLIND) if job.is_blind else None
        except ChannelRefused as refused:
            return NeverSent(refused.reason)

    async def forget(self, job: Job) -> None:
        """See `Session.forget`. Files go in one go with those of the next jobs, behind the answer to a later frame."""
        if job.durable:
            self._finished.append(file_name(job.id))

    async def sudo_password(self) -> Secret:
        """See `Session.sudo_password`."""
        try:
            return await self._shells.sudo_password()
        except ChannelRefused as refused:
            raise problem(refused.reason, code="sudo-password", exit=Exit.FAILED) from refused

    async def close(self) -> None:
        """Remove what may go and let the shells end."""
        for become in {*self._places, *map(self._users.get, self._finished)}:
            age = "rb_age\n" if become in self._places else ""
            await self._framed(become, f"{self._forgetting(become)}{age}rb_say forgot\n")
        await self._shells.close()

    def _flow(self, command: Command, job: Job, sink: Sink, grade: Grade = Grade.SESSION) -> _Flow:
        self._users[file_name(job.id)] = command.become
        return _Flow(self._shells, command, job, sink, grade)

    def _forgetting(self, become: Become | None, at_least: int = 1) -> str:
        """A line that removes what may go of a user's; what fails there costs room on the host and nothing else."""
        names = [name for name in self._finished if self._users.get(name) == become]
        if len(names) < at_least:
            return ""
        self._finished = [name for name in self._finished if name not in names]
        for name in names:
            self._users.pop(name, None)
        return f"rb_forget {' '.join(names)}\n"

    async def _framed(self, become: Become | None, text: str) -> None:
        try:
            async with self._shells.worker(become) as worker:
                await answered(worker, text, within=SETTLE)
        except ChannelRefused:
            return


@dataclass(slots=True)
class _Flow:
    """One job on its way to its ending."""

    shells: Shells
    command: Command
    job: Job
    sink: Sink
    grade: Grade
    """In which it is begun, for a job that is."""
    counts: dict[Stream, int] = field(init=False)
    """Bytes of each stream that the sink has, those of earlier runners included."""
    is_started: bool = False
    """True once the first shell has committed: it prints nothing until the command has ended."""
    is_live: bool = False
    """True once a second shell prints the output; the first then only tells the exit code."""
    is_printed: bool = False
    """True once a shell has ended with the output printed to its end."""

    def __post_init__(self) -> None:
        self.counts = {Stream.OUT: self.job.out_offset, Stream.ERR: self.job.err_offset}

    def frame(self, verb: str) -> str:
        """A verb that takes the job and how much of its output is here."""
        counts = f"{self.counts[Stream.OUT]} {self.counts[Stream.ERR]}"
        wait = "" if self.job.outlast is None else int(self.job.outlast * 2)
        return f"rb_expect={quote(self.job.place)}\nrb_wait={wait}\n{verb} {file_name(self.job.id)} {counts}\n"

    async def limited(self, reading: Coroutine[None, None, Ending]) -> Ending:
        """Read to the end, within the job's limit."""
        following = asyncio.create_task(reading)
        try:
            return await bounded(following, self.job.limit, _Ender(self))
        finally:
            following.cancel()

    async def start(self, worker: Worker, script: str, tidying: str) -> Ending:
        """Start the job, or follow it if it was started before; then tidy, which nobody waits for."""
        verb = f"{_UNIT}rb_run_unit" if self.grade is Grade.UNIT else "rb_run"
        begin = f"rb_script={quote(script)}\n{verb} {file_name(self.job.id)}\n{tidying}"
        text = f"{terms(self.job, self.command.digest)}{begin}"
        telling = asyncio.create_task(
            self.read(worker, text, last_words.begun, first=dict.fromkeys(_STREAMS.values(), 0))
        )
        try:
            done, _ = await asyncio.wait({telling}, timeout=QUICK)
            if done or not self.is_started:
                return await telling
            return await self._start_long(worker, telling)
        finally:
            telling.cancel()

    async def _start_long(self, worker: Worker, telling: asyncio.Task[Ending]) -> Ending:
        """The first shell waits for the command; another prints what it writes meanwhile."""
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({telling, watching}, return_when=asyncio.FIRST_COMPLETED)
            ending = await telling
            if self.is_live:
                await asyncio.wait({watching}, timeout=SETTLE)
        finally:
            watching.cancel()
        if self.is_printed or not isinstance(ending, Exited):
            return ending
        # The shell that was to print came too late or was lost; the first one, idle again, prints the rest.
        return await self.read(worker, self.frame("rb_attach"), last_words.followed)

    async def _watch(self) -> None:
        """Follow the growing files on another shell."""
        try:
            async with self.shells.worker(self.command.become) as worker:
                await self.read(worker, self.frame("rb_live"), last_words.followed)
        except ChannelRefused:
            return  # Then the output comes at the end, in one piece.

    async def read(self, worker: Worker, text: str, meaning: Meaning, first: dict[Stream, int] | None = None) -> Ending:
        """Send a frame and pass its output on until it says how the job stands.

        Two shells may print the same: each byte is passed on once, by its place in the stream. `first` is where this
        frame begins; None: behind what is here.
        """
        await worker.send(text)
        at = first or dict(self.counts)
        stream: Stream | None = None
        while True:
            match await worker.next():
                case Chunk(Stream.OUT, data) if stream is not None:
                    fresh = data[max(0, self.counts[stream] - at[stream]) :]
                    at[stream] += len(data)
                    self.counts[stream] += len(fresh)
                    if fresh:
                        await self.sink.receive(stream, fresh)
                case Said(Stream.OUT, "out" | "err" as word, _):
                    stream = _STREAMS[word]
                case Said(Stream.OUT, "start", rest):
                    self.is_started = True
                    if rest == Grade.SESSION:
                        await self.sink.reached(Grade.SESSION, worker.ready.place)
                case Said(Stream.OUT, "live", _):
                    self.is_live = True
                case Said(Stream.OUT, word, rest) if word in _LAST_WORDS:
                    # A shell whose folder has no room is not asked again: the next one may find another.
                    worker.done() if word != "refused" else worker.close()
                    self.is_printed = self.is_printed or (word == "exit" and rest.endswith(" 1"))
                    return meaning(word, rest, has_output=self.job.durable)
                case Gone(reason):
                    return Lost(reason)
                case _:
                    pass  # What a shell prints on its own account is not the job's output.


_LAST_WORDS = last_words.WORDS | {"over"}


def _granted(ready: Ready, job: Job) -> Grade:
    """The grade in which a job begins here; a unit only where it is worth one, or nothing else outlives a login."""
    if ready.grade is Grade.UNIT and not (job.as_unit or ready.ends_with_login):
        return Grade.SESSION
    return ready.grade


def _found(ready: Ready, job: Job) -> Grade:
    """The grade of a job that was begun before, by a shell like this one."""
    if not job.durable:
        return Grade.ATTACHED
    if ready.grade is Grade.UNIT and not job.as_unit:
        return Grade.SESSION
    return ready.grade


class Meaning(Protocol):
    """What a last word comes to: `last_words.begun` or `last_words.followed`."""

    def __call__(self, word: str, rest: str, *, has_output: bool) -> Ending:
        """See there."""


@dataclass(frozen=True, slots=True)
class _Ender:
    flow: _Flow

    async def end(self) -> tuple[str, ...]:
        """See `Ender.end`."""
        flow = self.flow
        name = file_name(flow.job.id)
        text = f"rb_cancel {name} {name} {int(flow.job.grace * 10)}\n"
        async with flow.shells.urgent(flow.command.become) as helper:
            said = await answered(helper, text, within=flow.job.grace + SETTLE)
        if said[-1].word in {"over", "fenced"}:
            raise Overtaken
        if said[-1].word == "unknown":
            raise ChannelRefused("its files are not there")
        return survivors(said)
