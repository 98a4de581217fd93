"""The screen as a terminal sees it: what it sends while nothing happens, what it costs, and how fast it is there.

    python -m benchmarks.screen [--write]

A child with the real screen runs on a pseudo-terminal; everything is measured from outside. Processor time is counted
and not the clock's, so that a busy machine changes little, and the first painting is a multiple of an empty Textual
application's. The run shown is held at a gate, on 40 hosts, and only its clock moves.
"""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from benchmarks.table import publish, rows

ROOT = Path(__file__).parent.parent
SETTLES, WATCHED = 6.0, 20.0
"""Seconds in which it may paint, and in which it is then watched."""
SIZES = ((80, 24), (120, 40), (160, 48))
BYTES_A_SECOND, CORE, FIRST = 200.0, 1.0, 1.5
"""Budgets: bytes a second and percent of a core while idle; processor time of the first painting as multiples."""
EMPTY = "from textual.app import App; App().run()"
TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """A program on a pseudo-terminal."""

    def __init__(self, size: tuple[int, int], *words: str) -> None:
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        self._program = subprocess.Popen(
            (sys.executable, *words),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def sent(self, seconds: float, until: bytes = b"") -> bytes:
        """What it writes within so many seconds, or until something was written."""
        deadline, data = time.monotonic() + seconds, b""
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                data += os.read(self._master, 65536)
            if until and until in data:
                break
        return data

    @property
    def processor(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self._program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self) -> float:
        """End it; the processor time of its whole life."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._program.send_signal(signal.SIGKILL)
        self._program.wait(10)
        os.close(self._master)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def idle(size: tuple[int, int]) -> tuple[float, float]:
    """Bytes a second, and percent of a core, of a run that waits."""
    child = Child(size, "-m", "benchmarks.screen_shown", "held")
    child.sent(SETTLES)
    before = child.processor
    data = child.sent(WATCHED)
    used = child.processor - before
    child.end()
    return len(data) / WATCHED, used / WATCHED * 100


def painted(*words: str) -> float:
    """Processor time up to the first whole picture."""
    child = Child((160, 48), *words)
    child.sent(SETTLES)
    return child.end()


def main() -> int:
    found = {f"{columns}x{lines}": idle((columns, lines)) for columns, lines in SIZES}
    first = min(painted("-m", "benchmarks.screen_shown", "held") for _ in range(3))
    empty = min(painted("-c", EMPTY) for _ in range(3))
    figures = [
        *((f"idle at {size}, bytes a second", sent, BYTES_A_SECOND) for size, (sent, _) in found.items()),
        *((f"idle at {size}, percent of a core", core, CORE) for size, (_, core) in found.items()),
        ("first painting and the seconds behind it, x an empty app", first / empty, FIRST),
    ]
    body = [(what, f"{value:.1f}", f"{budget:.1f}", _kept(value, budget)) for what, value, budget in figures]
    publish("screen", rows(("what", "measured", "budget", ""), body), write="--write" in sys.argv)
    return int(any(row[3] for row in body))


def _kept(value: float, budget: float) -> str:
    return "missed" if value > budget else ""


if __name__ == "__main__":
    sys.exit(main())
