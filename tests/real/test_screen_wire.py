"""What the screen really writes to a terminal, byte by byte, when every text it shows is hostile."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
ROWS, COLUMNS = 40, 120
SMUGGLED = {
    "clipboard write (OSC 52)": b"\x1b]52",
    "its payload": b"aGk=",
    "C1 introducer": b"\xc2\x9b",
    "right-to-left override": b"\xe2\x80\xae",
    "zero-width space": b"\xe2\x80\x8b",
    "delete": b"\x7f",
    "null": b"\x00",
}
_SGR = re.compile(rb"\x1b\[([\d;]*)m")


class Terminal:
    """A pseudo-terminal with the screen behind it and an emulator that reads along."""

    def __init__(self, *words: str, **environment: str) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        plain = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "RUNBOOK_THEME"}}
        self._child = subprocess.Popen(
            (sys.executable, "-m", "tests.real.haunted_screen", *words),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self._master = master
        self._emulator = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._emulator)
        self.written = b""

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, condition: Callable[[str], bool]) -> str:
        """Read until what is shown meets a condition."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if condition(self.shown):
                return self.shown
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self._master, 65536)
                except OSError:
                    break
                self.written += data
                self._stream.feed(data)
        raise AssertionError(f"it was never shown:\n{self.shown}")

    @property
    def shown(self) -> str:
        return "\n".join(line.rstrip() for line in self._emulator.display)

    def close(self) -> None:
        self._child.kill()
        self._child.wait(10)
        with contextlib.suppress(OSError):
            os.close(self._master)


@pytest.mark.parametrize("what", ["confirm", "failure", "replay"])
def test_no_hostile_text_reaches_the_terminal_as_anything_but_text(what: str) -> None:
    terminal = Terminal(what)
    try:
        if what != "replay":
            terminal.until(lambda shown: "Tab moves, Enter presses" in shown or "Esc not now" in shown)
            terminal.press(b"\x1b")
            terminal.until(lambda shown: "Not now" not in shown)
        terminal.press(b"\x1b[C\x1b[C" if what == "replay" else b"kk")
        terminal.until(lambda shown: "[red]not red[/red]" in shown)
        found = [name for name, smuggled in SMUGGLED.items() if smuggled in terminal.written]
        assert found == []
    finally:
        terminal.close()


def test_a_terminal_that_asks_for_no_colour_gets_none() -> None:
    terminal = Terminal("confirm", NO_COLOR="1")
    try:
        terminal.until(lambda shown: "Tab moves, Enter presses" in shown)
        numbers = {int(number) for found in _SGR.findall(terminal.written) for number in found.split(b";") if number}
        assert numbers <= {0, 1, 2, 3, 4, 7, 21, 22, 23, 24, 27, 39, 49}
        assert 7 in numbers, "states must still stand out, by reverse video"
    finally:
        terminal.close()
