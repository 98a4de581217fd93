"""Starting a runner and waiting for its one line.

The runner is a process of its own in a session of its own, so that nothing that happens to the launcher's terminal can
reach it. Everything it needs goes through its standard input; its arguments say nothing. Plain `subprocess` and not
asyncio's: asyncio kills the children that its loop leaves behind, and being left behind is what a runner is for.
"""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from runbook.problem import Exit, Problems, problem
from runbook.talk.handover import Handover, Started

START_LIMIT = 30.0
"""Seconds a runner may take until it is up; a busy laptop needs one."""


class WarmRunner:
    """A runner that is starting up and has not been told what to run.

    Most of a runner's start is importing what SSH needs, so a launcher begins with it and compiles meanwhile. Left
    without a handover, at the end of its `with`, it goes away without a trace.
    """

    def __init__(self) -> None:
        """Start the process; it waits for its orders."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runbook.engine.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=Path("/"),
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.returncode is None:
            self._process.communicate()

    async def hand_over(self, handover: Handover) -> int:
        """Tell it what to run; gives its pid once the run is on record and the socket is there.

        Raises:
            Problems: What the runner said, or that it said nothing.
        """
        return await asyncio.to_thread(self._hand_over, handover)

    def _hand_over(self, handover: Handover) -> int:
        answer = _conversation(self._process, msgspec.json.encode(handover))
        if not answer:
            self._process.kill()
            said = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
            raise problem(
                "the runner did not start",
                why=said[-1] if said else f"it said nothing within {START_LIMIT:g} s",
                fix="Try again; if it stays so, run: runbook doctor",
                code="no-runner",
                exit=Exit.FAILED,
            )
        started = msgspec.json.decode(answer, type=Started)
        if started.problems:
            self._process.communicate()
            raise Problems(started.problems)
        _let_go(self._process)
        return started.pid


def _conversation(process: subprocess.Popen[bytes], words: bytes) -> bytes:
    """Say everything, then wait for one line; an empty one when none came in time."""
    if process.stdin is None or process.stdout is None:
        raise TypeError("a runner is started with pipes")
    try:
        process.stdin.write(words)
        process.stdin.close()
        process.stdin = None  # or `communicate` would flush a closed pipe
    except BrokenPipeError:
        return b""
    ready, _, _ = select.select([process.stdout], [], [], START_LIMIT)
    return process.stdout.readline() if ready else b""


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Close our ends and forget the process: it is not ours to wait for."""
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.returncode = 0
    threading.Thread(target=_bury, args=(process.pid,), name=f"runner {process.pid}", daemon=True).start()


def _bury(pid: int) -> None:
    """A screen that stays for weeks must not keep the remains of every runner that it started."""
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass  # somebody else was quicker
