"""Regular expressions and JSONPaths of authors, tried on texts of hosts: an answer, or soon the news that none comes.

Python's `re` is what authors know, and it may take longer than anybody lives; so do paths that descend. No bound can be
put on them from inside, so they are tried in a process of their own (`child.py`), one for the whole program and started
with the first question, which the kernel ends when a question has used up its time. Time is processor time: on a busy
machine nothing fails that would not fail on a quiet one. An expression that has failed to answer often enough is not
asked any more, so that a thousand hosts do not wait a thousand times.

Asking waits, so whoever must not wait asks by `off_loop.py`.
"""

from __future__ import annotations

import atexit
import marshal
import select
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from runbook.core.host import Json
from runbook.problem import Problems, problem

if TYPE_CHECKING:
    import subprocess

How = Literal["search", "match", "fullmatch"]

WITHIN = 0.5
"""Seconds of processor time for one question."""

MOST_FAILURES = 10
"""Times that an expression may fail to answer before it is not asked any more."""

_STALLED = 60.0
"""Seconds after which a process that neither answers nor uses its time is given up, as on a machine that swaps."""

_CHILD = Path(__file__).with_name("child.py")


class Matcher:
    """Asks, one question after another; any thread may."""

    def __init__(self) -> None:
        """Begin without a process."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failures: Counter[str] = Counter()

    def found(self, how: How, pattern: str, texts: Sequence[str]) -> tuple[bool, ...]:
        """For each text, whether the pattern, which `check_pattern` has let through, is found in it.

        Raises:
            Problems: `bad-regex`, or `no-answer` when it takes too long or too much memory.
        """
        given = self._ask(pattern, sum(map(len, texts)), "search", how, pattern, list(texts))
        return msgspec.convert(given, tuple[bool, ...])

    def picked(self, path: str, text: str) -> list[Json]:
        """What a path finds in JSON, by RFC 9535 to the letter, so that a path that works here works elsewhere.

        Raises:
            Problems: `bad-regex` for what is no path, or `no-answer`.
        """
        said = self._ask(path, len(text), "pick", path, text, sys.path)
        return msgspec.json.decode(msgspec.convert(said, bytes), type=list[Json])

    def close(self) -> None:
        """End the process; the next question starts another."""
        with self._lock:
            self._give_up()

    def _ask(self, expression: str, size: int, *question: Any) -> object:
        if self._failures[expression] >= MOST_FAILURES:
            raise _no_answer(expression, f"is not tried any more: {MOST_FAILURES} times it gave no answer", size)
        with self._lock:
            word, said = self._answer(marshal.dumps((WITHIN, *question)))
        if word == "answer":
            return said
        if word == "wrong":
            raise problem(f'"{_short(expression)}" cannot be read', why=str(said), code="bad-regex")
        self._failures[expression] += 1
        raise _no_answer(expression, str(said), size)

    def _answer(self, question: bytes) -> tuple[str, object]:
        """A word for how it went, and what came out."""
        try:
            said = _conversation(self._started(), question)
        except OSError:
            said = b""
        if said:
            given: tuple[str, object] = marshal.loads(said)  # noqa: S302 - our own process, which was asked just now
            return given
        late = self._give_up() == -signal.SIGPROF
        return "none", f"did not answer within {WITHIN:g} s" if late else "gave no answer"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._give_up()
            import subprocess  # noqa: PLC0415 - most files have no expression, and a check is to be quick

            # Isolated and without site packages it is there in ten milliseconds; nothing of our environment is its.
            command = [sys.executable, "-I", "-S", str(_CHILD)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/",
                start_new_session=True,
            )  # fmt: skip
        return self._process

    def _give_up(self) -> int:
        """How the process ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)
        return process.wait()


@cache
def matcher() -> Matcher:
    """The one of this program: its process costs ten milliseconds and ten megabytes, and serves everybody."""
    made = Matcher()
    atexit.register(made.close)
    return made


def _conversation(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """Ask, and give what was answered; nothing when the process has ended, or does not come to an end."""
    if process.stdin is None or process.stdout is None:
        raise TypeError("the process is started with pipes")
    process.stdin.write(len(question).to_bytes(4, "big") + question)
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], _STALLED)
    size = int.from_bytes(process.stdout.read(4), "big") if ready else 0
    return process.stdout.read(size)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        pass  # what was still to be written is of no interest to a process that is gone


def _no_answer(expression: str, why: str, size: int) -> Problems:
    amount = f"{size:,} characters" if size < 2000 else f"{size // 1000} kB"  # noqa: PLR2004 - where kilobytes read better
    return problem(f'"{_short(expression)}" {why} on {amount} of text', fix="Simplify it.", code="no-answer")


def _short(expression: str) -> str:
    return expression if len(expression) <= 60 else f"{expression[:60]}..."  # noqa: PLR2004 - a line's worth
