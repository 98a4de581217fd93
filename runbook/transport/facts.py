"""What a host says of itself when it is opened: one command, one round trip, measured and never configured.

Facts are evidence and help to read a record, so a host that cannot say them (an appliance without `uname`) is
opened all the same; its fields stay empty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from runbook.core.command import Command
from runbook.core.outcome import Ending, Exited, Grade
from runbook.transport.session import HostFacts, Job, Sink, Stream

Run = Callable[[Command, Job, Sink], Awaitable[Ending]]

LIMIT = 15.0
"""Seconds. A login shell that takes longer would make every step slow; the host is used without facts."""

_CAP = 16 * 1024

# The date comes first, so that the round trip around it is as short as it can be. Nanoseconds are not POSIX:
# where `date` does not know them it prints something that is not a number, and whole seconds are used.
_ASK = """\
date +%s.%N
uname -srm
id -un
cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime 2>/dev/null || echo
"""


class _Answer:
    """Collects a short answer and notes when its first byte came."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.began = 0.0
        self.heard = 0.0
        self.data = b""

    async def reached(self, grade: Grade) -> None:
        del grade
        self.began = self._wall()

    async def receive(self, stream: Stream, data: bytes) -> None:
        if stream is Stream.OUT and len(self.data) < _CAP:
            self.heard = self.heard or self._wall()
            self.data += data


async def measured(run: Run, known: HostFacts, *, wall: Callable[[], float]) -> HostFacts:
    """`known`, completed by what the host answers.

    Args:
        run: Runs one command on the host.
        known: What opening the connection has shown already.
        wall: Our wall clock, in seconds since the epoch.
    """
    answer = _Answer(wall)
    ending = await run(Command(shell=_ASK), Job(id="facts", limit=LIMIT, durable=False), answer)
    lines = answer.data.decode("utf-8", "replace").splitlines()
    if not isinstance(ending, Exited) or len(lines) < 4:  # noqa: PLR2004 - one line for each question
        return known
    offset, error = _clock(lines[0], answer)
    system, user, boot_id = (line.strip() for line in lines[1:4])
    return dataclasses.replace(known, system=system, user=user, boot_id=boot_id, clock_offset=offset, clock_error=error)


def _clock(said: str, answer: _Answer) -> tuple[float, float]:
    """Offset and its error in seconds.

    The host read its clock somewhere between our asking and our hearing.
    """
    middle, error = (answer.began + answer.heard) / 2, (answer.heard - answer.began) / 2
    try:
        return float(said) - middle, error
    except ValueError:
        whole = said.split(".", 1)[0]
    # Half a second in the middle of the second that was shown.
    return (int(whole) + 0.5 - middle, error + 0.5) if whole.isdigit() else (0.0, float("inf"))
