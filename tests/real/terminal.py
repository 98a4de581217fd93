"""Typing `runbook` in a folder, with a terminal or without one, and answering what is asked there."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

Answers = tuple[tuple[str, str], ...]
"""What is asked, and what is typed then; each once, in this order."""


async def typed(folder: Path, *words: str, answers: Answers | None = None, **environment: str) -> tuple[int, str]:
    """The exit status and all that was said. At a terminal where there are answers, without one where they are None."""
    around = {**os.environ, "TERM": "dumb", **environment}
    return await asyncio.to_thread(_piped if answers is None else _at_terminal, folder, words, around, answers or ())


def _piped(folder: Path, words: tuple[str, ...], around: dict[str, str], _answers: Answers) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "runbook.cli", *words],
        cwd=folder,
        env=around,
        capture_output=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def _at_terminal(folder: Path, words: tuple[str, ...], around: dict[str, str], answers: Answers) -> tuple[int, str]:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execvpe(sys.executable, [sys.executable, "-m", "runbook.cli", *words], around)
    said, seen = b"", 0
    waiting = list(answers)
    while chunk := _read(terminal):
        said += chunk
        while waiting and (at := said.find(waiting[0][0].encode(), seen)) >= 0:
            seen = at + len(waiting[0][0])
            os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # What Linux says at the end of a terminal.
        return b""
