"""The attached grade on a shell that is open already: one frame, output straight from the channel.

As in `attached.py`, a command has ended when its status has come and not before. What it prints is kept nowhere; of a
step its claim and its exit code stay on the host, so that it never happens twice and can be waited for or ended when
its link is gone. A look leaves nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from runbook.core.outcome import Ending, Exited, Grade, Lost, NeverSent, Withheld
from runbook.core.planned.command import Command
from runbook.transport.session import Job, Sink, Stream
from runbook.transport.shell import last_words
from runbook.transport.shell.answer import answered, survivors
from runbook.transport.shell.attached import Words, run_attached
from runbook.transport.shell.channel import ChannelRefused, Chunk, Gone
from runbook.transport.shell.claim import claimed, file_name, terms
from runbook.transport.shell.limits import SETTLE, bounded
from runbook.transport.shell.quoting import framed_script, quote
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.worker import Said, Worker

FRAME_CAP = 1024 * 1024
"""Bytes of input that a frame carries in its text; more goes through a channel of its own."""


async def run_framed(shells: Shells, command: Command, job: Job, sink: Sink, *, nonce: str) -> Ending:
    """Run a command attached, on one of a host's shells where it can, on a channel of its own where not.

    Args:
        shells: The host's.
        command: What to run.
        job: Its limit and grace.
        sink: Receives output.
        nonce: New for each call.

    Raises:
        Problems: The command cannot be said in a shell.
    """
    script = framed_script(command, nonce=nonce)
    commit = ""
    async with shells.turn():
        async with shells.glance(command) as glance:
            if glance is not None and not job.leaves_trace:
                await sink.reached(Grade.ATTACHED)
                return await follow_framed(shells, glance.worker, _Frame(command, job, sink, glance.cookie), "")
        try:
            async with shells.worker(command.become) as worker:
                if job.leaves_trace and job.is_blind and not worker.ready.base:
                    return Withheld(last_words.BLIND)
                leaves_trace = bool(worker.ready.base) and job.leaves_trace
                cookie = file_name(job.id) if leaves_trace else nonce
                await sink.reached(Grade.ATTACHED, worker.ready.place if leaves_trace else "")
                if worker.ready.has_setsid and len(command.stdin) <= FRAME_CAP:
                    frame = _Frame(command, job, sink, cookie)
                    return await follow_framed(shells, worker, frame, frame.text(script))
                if leaves_trace:
                    if (refused := await claimed(worker, job, "channel", command.digest)) is not None:
                        return refused
                    commit = f"{worker.ready.base}/{cookie}.run"
        except ChannelRefused as refusal:
            return NeverSent(refusal.reason)
        dialer = shells.dialer(command.become)
        return await run_attached(dialer, command, job, sink, Words(nonce, cookie, commit))


@dataclass(frozen=True, slots=True)
class _Frame:
    command: Command
    job: Job
    sink: Sink
    cookie: str

    def text(self, script: str) -> str:
        """What the shell is told to do."""
        if not self.job.leaves_trace:
            return f"rb_script={quote(script)}\nrb_look {self.cookie}\n"
        return (
            f"{terms(self.job, self.command.digest)}rb_script={quote(script)}\nrb_attached {file_name(self.job.id)}\n"
        )


def glance_frame(command: Command, *, nonce: str) -> str:
    """The frame of a look that goes with the opening of a host.

    It begins no shell of its own, so it is for our own questions: what they start has ended when they have.

    Raises:
        Problems: The command cannot be said in a shell.
    """
    return f"rb_script={quote(framed_script(command, nonce=nonce))}\nrb_glance {nonce}\n"


async def follow_framed(shells: Shells, worker: Worker, frame: _Frame, text: str) -> Ending:
    """Send the frame, unless it has left already, and read its answer to the end, within the job's limit."""
    following = asyncio.create_task(_follow(worker, frame, text))
    try:
        return await bounded(following, frame.job.limit, _Ender(shells, worker, frame))
    finally:
        following.cancel()


async def _follow(worker: Worker, frame: _Frame, text: str) -> Ending:
    await worker.send(text)
    status, is_started, is_quiet = "", False, False
    while not (status and is_quiet):
        match await worker.next():
            case Chunk(stream, data) if is_started:
                await frame.sink.receive(stream, data)
            case Said(Stream.OUT, "start", _):
                is_started = True
            case Said(Stream.OUT, "end", rest):
                status = rest or "?"
            case Said(Stream.ERR, "end", _):
                is_quiet = True
            case Said(Stream.OUT, word, rest) if word in last_words.WORDS and not is_started:
                # A shell whose folder has no room is not asked again: the next one may find another.
                worker.done() if word != "refused" else worker.close()
                return last_words.begun(word, rest, has_output=False)
            case Gone(reason):
                return Lost(reason)
            case _:
                pass  # What the shell itself says before it starts the command is not the command's output.
    ending = last_words.followed("exit", f"{status} 1")
    if isinstance(ending, Exited) and not ending.late_output:
        worker.done()
    return ending


@dataclass(frozen=True, slots=True)
class _Ender:
    shells: Shells
    worker: Worker
    frame: _Frame

    async def end(self) -> tuple[str, ...]:
        """See `Ender.end`. Everything below the worker is this command's; the worker itself is spared."""
        pid = self.worker.ready.pid
        grace = self.frame.job.grace
        text = f"rb_end {pid} {self.frame.cookie} ' {pid} ' {int(grace * 10)} | rb_each\nrb_say ended\n"
        async with self.shells.urgent(self.frame.command.become) as helper:
            words = await answered(helper, text, within=grace + SETTLE)
        return survivors(words)
