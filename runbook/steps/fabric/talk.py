"""What a run and the child process that carries out one of its Fabric tasks say to each other.

One line of JSON each way at least, over a socket pair: orders in, first `Opened` and then one ending out. Not over
standard output, which is the fabfile's; not by arguments or the environment, which process lists show. Neither Fabric
nor a loop is imported here, so that both sides can read it.
"""

from __future__ import annotations

import msgspec

from runbook.core.host import Json
from runbook.problem import Problem
from runbook.transport.ssh.resolve import ResolvedHost

LONGEST = 1024 * 1024
"""Bytes of one line. Words are cut by the child long before."""

LARGEST_VALUE = 64 * 1024
"""Bytes of what a task returned, as JSON: as much as a result keeps of a stream."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A fabfile as it was shown. Empty for a plan that was made by hand, which vouches for nothing."""

    sha256: str = ""
    """Of the fabfile."""
    beside: dict[str, str] | None = None
    """Of what it brings along, by path from its project's folder; None lets everything through."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the child needs to know; it reads no inventory."""

    python: str
    """Path of the interpreter."""
    is_guest: bool = False
    """True where it is not ours."""
    task: str
    """As `fab --list` shows it, dots included."""
    file: str
    """Absolute path of a fabfile, or of a package that is one."""
    shown: Shown
    """What of the fabfile's folder may be loaded."""
    args: dict[str, Json]
    """Keyword arguments of the task, typed as they were written."""
    route: tuple[ResolvedHost, ...]
    """Bastions in the order in which they are dialled, then the host itself. Never empty."""
    env: dict[str, str] = {}
    """What the task finds in its environment, besides the little that every child has. Over the line and not at the
    start, so that no process list and no login sees it."""
    keys: dict[str, str]
    """Path of a key file behind a passphrase to the key itself, as it was opened before the run began."""
    connect_limit: float
    """Seconds for each of TCP, the server's banner and authentication."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """Logged in: from here on something may have happened. Before it the fabfile has not even been read."""

    engine: str
    """What carries the step, with versions: evidence."""


class Wants(msgspec.Struct, frozen=True, tag="wants"):
    """A sudo of the task asks for its password. Answered with `Told`."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The password, or why there is none."""

    word: str = ""
    why: str = ""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The task returned."""

    value: str = ""
    """What it returned, as JSON; empty for None, and for what cannot be kept."""
    unkept: str = ""
    """Why what it returned is not here; empty otherwise."""


class CommandFailed(msgspec.Struct, frozen=True, tag="command_failed"):
    """A command of the task ended with an exit code that the task did not expect."""

    command: str
    code: int
    place: str
    """`fabfile.py:12`, or empty."""


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """The fabfile ended by an exception of its own."""

    kind: str
    """The exception's class."""
    message: str
    place: str


class TaskRefused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot be done as it is written: no such task, wrong arguments, something that is not supported here."""

    problem: Problem
    place: str = ""


class NotOpened(msgspec.Struct, frozen=True, tag="not_opened"):
    """No login; nothing was sent and no line of the fabfile was run."""

    problem: Problem


class LinkLost(msgspec.Struct, frozen=True, tag="link_lost"):
    """The connection went away, or a command ended without a status."""

    reason: str


End = Done | CommandFailed | Raised | TaskRefused | NotOpened | LinkLost
Report = Opened | Wants | End

ORDERS = msgspec.json.Decoder(Orders)
TOLD = msgspec.json.Decoder(Told)
REPORT: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def line_of(said: Orders | Told | Report) -> bytes:
    """One line; JSON has no newline of its own."""
    return msgspec.json.encode(said) + b"\n"
