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
import subprocess
import sys
import time
from pathlib import Path

SUBREAPER = 36
LINGER = 2.0
"""Seconds in which what is left may end; what has not is counted as far as it has come."""


def main(told: Path, command: list[str]) -> int:
    """Write `{"seconds": wall, "processor": user + system}` to a file, and give the command's exit code."""
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)
    began = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    seconds = time.perf_counter() - began
    while _adopted() and time.perf_counter() - began - seconds < LINGER:
        if os.waitpid(-1, os.WNOHANG) == (0, 0):
            time.sleep(0.02)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime + sum(_ticks(pid) for pid in _adopted()) / os.sysconf("SC_CLK_TCK")
    told.write_text(json.dumps({"seconds": seconds, "processor": processor}))
    return code


def _adopted() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def _ticks(pid: str) -> int:
    """User and system time of one process: fields 14 and 15 of proc(5), counted behind the name."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
