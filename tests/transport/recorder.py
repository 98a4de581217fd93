"""A sink that keeps what it is given, and a few short ways to say a command."""

import asyncio
import uuid
from dataclasses import dataclass, field

from runbook.core.outcome import Grade
from runbook.core.planned.command import Command
from runbook.transport.session import Job, Stream


@dataclass
class Recorder:
    out: bytes = b""
    err: bytes = b""
    grades: list[Grade] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """When set, receiving waits for it: a slow disk."""
    most: int = 0
    """The largest piece received."""
    wanted: bytes = b""
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when `wanted` has been printed."""

    async def reached(self, grade, place=""):
        self.grades.append(grade)

    async def receive(self, stream, data):
        if self.gate:
            await self.gate.wait()
        self.most = max(self.most, len(data))
        if stream is Stream.OUT:
            self.out += data
        else:
            self.err += data
        if self.wanted and self.wanted in self.out:
            self.seen.set()


class Counter:
    """A sink that only counts, for output that nobody should keep."""

    def __init__(self):
        self.total = 0

    async def reached(self, grade, place=""):
        pass

    async def receive(self, stream, data):
        self.total += len(data)


def attached(name="", **parts) -> Job:
    """A job of its own, unless it is named."""
    return Job(id=name or f"run/step/box/{uuid.uuid4()}", durable=False, **{"grace": 0.5, **parts})


def sh(text: str, **parts) -> Command:
    return Command(shell=text, **parts)


async def ran(session, command: Command, **parts):
    """Run attached, and return the ending with everything that was printed."""
    sink = Recorder()
    ending = await session.run(command, attached(**parts), sink)
    return ending, sink.out, sink.err
