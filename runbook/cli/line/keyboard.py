"""Reading lines that a person types, without holding up the watching of a run.

Own buffering, because a buffered `readline` swallows what was typed ahead and the loop then waits for ever. What was
typed *before* a question was asked is not taken on a terminal, and that is said: a key pressed for something else must
never answer a gate. A reason belongs to the answer before it, so what was typed with that is kept. A pipe has no such
past; there every line counts.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import termios
from collections.abc import Callable

from runbook.cli.diagnostics import say

REASON = "Reason, goes on record: "
"""What asks for the reason of an answer that has just been given."""


class Keyboard:
    """Standard input, line by line."""

    def __init__(self) -> None:
        """Nothing is read until somebody asks."""
        self._pending = b""
        self._ended = False

    async def ask(self, prompt: str) -> str | None:
        """Show a prompt and give the line that follows; None when nobody can answer any more."""
        if prompt != REASON:
            self._forget_typed_ahead()
        sys.stdout.flush()
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201 - a prompt has no line end, so `say` does not fit
        while b"\n" not in self._pending and not self._ended:
            await self._more()
        if not self._pending:
            return None
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    async def offered(self, fits: Callable[[str], bool]) -> str:
        """Wait, without a prompt, for a line that was not asked for.

        On a terminal that is any line. In a pipe one that does not fit stays where it is: it answers what is yet to be
        asked. While nobody can type, or somebody types to another program, it waits for ever.
        """
        while b"\n" not in self._pending and not self._ended and is_ours():
            await self._more_or_end()
        line, end, rest = self._pending.partition(b"\n")
        text = line.decode("utf-8", "replace").strip()
        if not end or not (sys.stdin.isatty() or fits(text)):
            await asyncio.Event().wait()
        self._pending = rest
        return text

    async def _more_or_end(self) -> None:
        try:
            await self._more()
        except OSError:
            self._ended = True  # the terminal has gone; who watches by another way goes on watching

    def _forget_typed_ahead(self) -> None:
        if not sys.stdin.isatty():
            return
        if self._pending.strip() or _is_waiting():
            say("What was typed before this question was not taken.")
        self._pending = b""
        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    async def _more(self) -> None:
        number = sys.stdin.fileno()
        try:
            data = await self._when_readable(number)
        except (PermissionError, OSError):
            # A plain file cannot be polled and never keeps anybody waiting.
            data = os.read(number, 4096)
        self._pending += data
        self._ended = not data

    async def _when_readable(self, number: int) -> bytes:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(number, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(number)
        return os.read(number, 4096)


def _is_waiting() -> bool:
    """A whole line lies in the terminal, unread."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def ask_now(prompt: str) -> str | None:
    """As `Keyboard.ask`, for a verb that has nothing else to do meanwhile; None when nobody answers any more."""
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201 - as above
    line = sys.stdin.readline()
    return line.strip() if line else None


def is_ours() -> bool:
    """False in the background of a terminal: to read there would stop this program, and take what the shell is told."""
    try:
        return not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return True
