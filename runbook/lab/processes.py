"""Which processes belong to a lab, and ending them.

Every process of a lab carries `LAB_ROOT` in its environment, inherited from the server, whatever session or
parent it has by now. That is the one mark that survives daemons, killed parents and lost pid files, so it is
the only one used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

GRACE = 2.0
"""Seconds between asking processes to end and ending them."""


def lab_processes(root: Path) -> frozenset[int]:
    """Pids of living processes of the lab at `root`, without our own. A zombie has no environment and is not living."""
    mark = f"LAB_ROOT={root}"
    found = _from_proc(mark) if Path("/proc/self/environ").exists() else _from_ps(mark)
    return found - {os.getpid()}


def end_processes(root: Path) -> frozenset[int]:
    """End everything of this lab: TERM, a grace, KILL. Gives what survived, which is normally nothing."""
    _wait_gone(root, signal.SIGTERM)
    _wait_gone(root, signal.SIGKILL)
    return lab_processes(root)


def _wait_gone(root: Path, number: signal.Signals) -> None:
    signalled: frozenset[int] = frozenset()
    deadline = time.monotonic() + GRACE
    while (living := lab_processes(root)) and time.monotonic() < deadline:
        for pid in living - signalled:
            _signal(pid, number)
        signalled |= living
        time.sleep(0.02)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # it ended meanwhile, or its pid is another user's by now: then it was not ours to signal


def _from_proc(mark: str) -> frozenset[int]:
    wanted = mark.encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # another user's, or gone since the listing
        if wanted in environment.split(b"\0"):
            found.add(int(entry.name))
    return frozenset(found)


def _from_ps(mark: str) -> frozenset[int]:
    """Where there is no /proc, BSD's ps shows the environment of one's own processes behind their arguments."""
    listing = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    lines = (line.strip().partition(" ") for line in listing.stdout.splitlines())
    return frozenset(int(pid) for pid, _, shown in lines if f" {mark} " in f" {shown} ")
