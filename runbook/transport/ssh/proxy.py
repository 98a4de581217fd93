"""A ProxyCommand: a program whose input and output are the connection, run by the user's shell as ssh runs it.

asyncssh would split the words itself and take what the program says on standard error for bytes of the server. So it is
given a shell, and the program's own words go to a file, from which a refusal can quote them.
Source: ssh_config(5), ProxyCommand.
"""

from __future__ import annotations

import os
import shlex
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

    def __exit__(self, *_: object) -> None:
        if self._words:
            Path(self._words).unlink(missing_ok=True)

    @property
    def words(self) -> tuple[str, ...]:
        """What is started; nothing where there is no program."""
        if not self._command:
            return ()
        shell = os.environ.get("SHELL") or "/bin/sh"
        # The outer shell stays, and with it its standard error: asyncssh takes its end for that of the connection.
        kept = f'{shlex.quote(shell)} -c "$1" 2>>{shlex.quote(self._words)}; exit $?'
        return ("/bin/sh", "-c", kept, "sh", f"exec {self._command}")

    def said(self) -> str:
        """Its own words so far, on one line."""
        if not self._words:
            return ""
        text = Path(self._words).read_text(encoding="utf-8", errors="replace")
        return "; ".join(line.strip() for line in text.splitlines() if line.strip())[:LONGEST]
