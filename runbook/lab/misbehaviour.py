"""Bad manners on request: what a test, or somebody practising, can make a lab host do.

Half of them are what a process can do by itself (hang, flood, write bytes that are no text, die by a signal).
The other half are the server's: drop the link in the middle of a command, end a command without a status,
refuse connections. For those the `misbehave` command on a host asks the server over its socket; `ask_server`
is the same door for the lab's own verbs. Only the standard library is imported, because hosts run this
without site packages.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Wish(StrEnum):
    """What the server can be asked to do."""

    HELLO = "hello"
    """Nothing; an answer proves that it is there."""
    RESET = "reset"
    """Make every host new."""
    DROP = "drop"
    """Cut the link at once, without goodbye: of the session that asks, or all links of the host."""
    NO_STATUS = "no-status"
    """End the asking command's channel without an exit status."""
    REFUSE = "refuse"
    """Be down: cut all links of the host and refuse new ones. Its processes go on."""
    ACCEPT = "accept"
    """Be up again."""


class Asked(NamedTuple):
    """One wish as it travels."""

    wish: Wish
    host: str = ""
    session: str = ""
    """`connection.channel` of the command that asks; empty when somebody asks from outside."""


class Manners(StrEnum):
    """What a process can do by itself."""

    HANG = "hang"
    FLOOD = "flood"
    BAD_UTF8 = "bad-utf8"
    SIGNAL = "signal"


FLOOD_LINES = 200_000
"""About 13 MB: far more than any window, and done in a second."""

SERVER_SOCKET = "lab.sock"

USAGE = f"""\
misbehave {" | ".join((*Manners, Wish.DROP, Wish.NO_STATUS, Wish.REFUSE))}
misbehave flood LINES
"""


class NoServer(Exception):  # noqa: N818 - a state of the lab
    """The lab's server does not answer: the lab is down."""


def ask_server(sockets: Path, asked: Asked, *, timeout: float = 30.0) -> str:
    """Ask the lab's server and wait until it is done.

    Args:
        sockets: The lab's socket directory.
        asked: What, of whom.
        timeout: Seconds; a reset is the longest and takes about one.

    Returns:
        Why it was not done; empty when it was.

    Raises:
        NoServer: Nobody answers.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(os.fspath(sockets / SERVER_SOCKET))
            line.sendall(json.dumps(asked._asdict()).encode() + b"\n")
            with line.makefile("rb") as stream:
                answer = stream.readline()
    except OSError as cause:
        raise NoServer(str(cause)) from cause
    if not answer:
        message = "the server hung up"
        raise NoServer(message)
    return str(json.loads(answer))


def act(manners: Manners, lines: int) -> None:
    """Misbehave in this process."""
    match manners:
        case Manners.HANG:
            time.sleep(86_400)
        case Manners.FLOOD:
            line = b"x" * 63 + b"\n"
            for _ in range(lines):
                sys.stdout.buffer.write(line)
        case Manners.BAD_UTF8:
            sys.stdout.buffer.write(b"\xc3\xa9t\xc3\xa9 \xff\xfe cut: \xe2\x82\n")
        case Manners.SIGNAL:
            os.kill(os.getpid(), signal.SIGKILL)


def main(words: list[str]) -> int:
    """The `misbehave` command of a host; gives the exit code."""
    match words:
        case [word] if word in set(Manners):
            act(Manners(word), FLOOD_LINES)
        case [Manners.FLOOD, number] if number.isdigit():
            act(Manners.FLOOD, int(number))
        case [word] if word in (Wish.DROP, Wish.NO_STATUS, Wish.REFUSE):
            sockets = Path(os.environ["LAB_SOCKETS"])
            asked = Asked(Wish(word), os.environ["LAB_HOST"], os.environ.get("LAB_SESSION", ""))
            why_not = ask_server(sockets, asked)
            if why_not:
                sys.stderr.write(f"misbehave: {why_not}\n")
                return 1
        case _:
            sys.stderr.write(USAGE)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
