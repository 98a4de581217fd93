"""The attached grade on a shell that is open already: one frame, output straight from the channel.

As in `attached.py`, a command has ended when its status has come and not before. It leaves no file anywhere,
so it cannot be followed again when the link goes; that is what the durable grades are for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from runbook.core.command import Command
from runbook.core.outcome import Ending, Exited, Grade, Lost, NeverSent
from runbook.transport.session import Job, Sink, Stream
from runbook.transport.shell.attached import run_attached
from runbook.transport.shell.channel import ChannelRefused, Chunk, Gone
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
        nonce: New for each call; the cookie that the command's processes carry.

    Raises:
        Problems: The command cannot be said in a shell.
    """
    script = framed_script(command, nonce=nonce)
    async with shells.turn():
        try:
            async with shells.worker(command.become) as worker:
                if worker.ready.has_setsid and len(command.stdin) <= FRAME_CAP:
                    await sink.reached(Grade.ATTACHED)
                    return await follow_framed(shells, worker, _Frame(command, job, sink, nonce), script)
        except ChannelRefused as refused:
            return NeverSent(refused.reason)
        return await run_attached(shells.dialer, command, job, sink, nonce=nonce)


@dataclass(frozen=True, slots=True)
class _Frame:
    command: Command
    job: Job
    sink: Sink
    cookie: str


async def follow_framed(shells: Shells, worker: Worker, frame: _Frame, script: str) -> Ending:
    """Send the frame and read its answer to the end, within the job's limit."""
    following = asyncio.create_task(_follow(worker, frame, f"rb_script={quote(script)}\nrb_attached {frame.cookie}\n"))
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
                status = rest
            case Said(Stream.ERR, "end", _):
                is_quiet = True
            case Gone(reason):
                return Lost(reason)
            case _:
                pass  # What the shell itself says before it starts the command is not the command's output.
    code, late = status.split(" ")
    if late == "0":
        worker.done()
    return Exited(int(code), late_output=late != "0")


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


async def answered(worker: Worker, text: str, *, within: float) -> list[Said]:
    """Send a frame that prints no output and read its control lines up to its last word.

    Raises:
        ChannelRefused: No last word came in time (`within`, in seconds).
    """
    said: list[Said] = []
    try:
        async with asyncio.timeout(within):
            await worker.send(text)
            while True:
                match await worker.next():
                    case Said() as line:
                        said.append(line)
                        if line.word in _LAST_WORDS:
                            worker.done()
                            return said
                    case Gone(reason):
                        raise ChannelRefused(reason)
                    case _:
                        pass
    except TimeoutError:
        raise ChannelRefused(f"the host gave no answer within {within:g} s") from None


_LAST_WORDS = frozenset({"ended", "over", "fenced", "unknown", "forgot", "facts"})


def survivors(said: list[Said]) -> tuple[str, ...]:
    """Who is left, as `pid name`."""
    return tuple(line.rest for line in said if line.word == "left")
