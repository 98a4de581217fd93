"""A ProxyCommand: a program whose input and output are the connection, run by the user's shell as ssh runs it.

asyncssh would split the words itself and take what the program says on standard error for bytes of the server. So it is
given a shell, and the program's own words go to a file, from which a refusal can quote them. One that leads nowhere is
told to go, as ssh tells it: asyncssh ends the shell alone, and what is stuck behind it would stay.
Source: ssh_config(5), ProxyCommand.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import tempfile
from pathlib import Path
from typing import Self

LONGEST = 500
"""Characters of the program's words that a message repeats."""


class ProxyProgram:
    """One run of a proxy program, or none; a context that keeps its words until the connection stands."""

    def __init__(self, command: str) -> None:
        """Take a command with its tokens filled in; empty connects without one."""
        self._command = command
        self._words: str = ""

    def __enter__(self) -> Self:
        if self._command:
            descriptor, self._words = tempfile.mkstemp(prefix="runbook-proxy-")
            os.close(descriptor)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._words:
            if kind is not None:
                self._end()
            for name in (self._words, self._pid):
                Path(name).unlink(missing_ok=True)

    @property
    def _pid(self) -> str:
        """The file that says which process it is."""
        return f"{self._words}.pid"

    def _end(self) -> None:
        """Hang up on a program whose connection does not stand."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(Path(self._pid).read_text(encoding="ascii")), signal.SIGHUP)

    @property
    def words(self) -> tuple[str, ...]:
        """What is started; nothing where there is no program."""
        if not self._command:
            return ()
        shell = os.environ.get("SHELL") or "/bin/sh"
        # The outer shell stays, and with it its standard error: asyncssh takes its end for that of the connection.
        said, pid = shlex.quote(self._words), shlex.quote(self._pid)
        # By way of another descriptor: what a shell starts beside itself is given nothing to read.
        kept = f'exec 3<&0; {shlex.quote(shell)} -c "$1" <&3 3<&- 2>>{said} & echo $! >{pid}; wait $!; exit $?'
        return ("/bin/sh", "-c", kept, "sh", f"exec {self._command}")

    def said(self) -> str:
        """Its own words so far, on one line."""
        if not self._words:
            return ""
        text = Path(self._words).read_text(encoding="utf-8", errors="replace")
        return "; ".join(line.strip() for line in text.splitlines() if line.strip())[:LONGEST]
