"""Runs one command and tells what it cost: wall time, and the processor time of everything it left running too.

    python benchmarks/measured.py FILE COMMAND...

A runner of ours outlives the command that started it, as an Ansible control connection does, so what is orphaned is
adopted (PR_SET_CHILD_SUBREAPER, prctl(2)) and counted. A process of its own, because whoever adopts must wait for
everybody, and the benchmark has servers that are not to be waited for. Linux only, as the rest of the benchmarks.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

SUBREAPER = 36
LINGER = 2.0
"""Seconds in which what is left may end by itself; then it is asked to, or its connections would be the next one's."""


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own."""
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)


def main(told: Path, command: list[str]) -> int:
    """Write `{"seconds": wall, "processor": user + system}` to a file, and give the command's exit code."""
    adopt_orphans()
    began = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    seconds = time.perf_counter() - began
    while _adopted() and time.perf_counter() - began - seconds < LINGER:
        if os.waitpid(-1, os.WNOHANG) == (0, 0):
            time.sleep(0.02)
    for pid in _adopted():
        os.kill(int(pid), signal.SIGTERM)
        os.waitpid(int(pid), 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told.write_text(json.dumps({"seconds": seconds, "processor": used.ru_utime + used.ru_stime}))
    return code


def _adopted() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
