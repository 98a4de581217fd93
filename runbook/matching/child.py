"""The process in which expressions of others are tried: started by `matcher.py` as a file, with nothing else of ours.

It reads a question, answers it, and reads the next; a pipe that closes ends it. Time and memory are bounded by the
kernel, because no engine can be trusted to look at a clock: a question that uses up its processor time brings the
signal that ends the process, and whoever asked sees the pipe close. Compiling is part of the question, for it can take
as long. It refuses to know what anything is asked for.
"""

from __future__ import annotations

import marshal
import re
import resource
import signal
import sys
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST_MEMORY = 1 << 29
"""Bytes of address space: far above what an engine and 64 KiB of text need."""

MOST_VALUES = 10_000
"""Values that a path may pick."""


def main() -> None:
    """Answer until nobody asks."""
    for kind, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            pass  # a system without this limit still has the one on time
    warnings.simplefilter("ignore")
    while head := sys.stdin.buffer.read(4):
        within, kind, *rest = marshal.loads(  # noqa: S302 - whoever started us asks
            sys.stdin.buffer.read(int.from_bytes(head, "big"))
        )
        said = marshal.dumps(answer(within, kind, *rest))
        sys.stdout.buffer.write(len(said).to_bytes(4, "big") + said)
        sys.stdout.buffer.flush()


def answer(within: float, kind: str, *rest: object) -> tuple[str, Any]:
    """A word for how it went, and what came out."""
    try:
        work = _ASKED[kind](*rest)
        signal.setitimer(signal.ITIMER_PROF, within)
        return "answer", work()
    except MemoryError:
        return "none", "needs too much memory, or finds too much,"
    except (re.error, OverflowError, RecursionError, ValueError) as wrong:
        return "wrong", str(wrong) or type(wrong).__name__
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def search(how: str, pattern: str, texts: list[str]) -> Callable[[], object]:
    """For each text whether the pattern is found in it, in the way of that method of a compiled pattern."""

    def work() -> object:
        find = getattr(re.compile(pattern), how)
        return [find(text) is not None for text in texts]

    return work


def pick(path: str, text: str, folders: list[str]) -> Callable[[], object]:
    """The values that a path picks in JSON, each as JSON. What is imported for it does not count as its time."""
    sys.path[:] = folders
    import msgspec  # noqa: PLC0415 - most processes are asked for patterns only
    from jsonpath import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - as above

    def work() -> object:
        document = msgspec.json.decode(text)
        try:
            found = JSONPathEnvironment(strict=True).finditer(path, document)
            picked = [value.value for value, _ in zip(found, range(MOST_VALUES + 1))]  # noqa: B905 - the shorter decides
        except JSONPathError as wrong:
            raise ValueError(str(wrong.args[0]) if wrong.args else str(wrong)) from wrong
        if len(picked) > MOST_VALUES:
            raise MemoryError
        return msgspec.json.encode(picked)

    return work


_ASKED: dict[str, Callable[..., Callable[[], object]]] = {"search": search, "pick": pick}

if __name__ == "__main__":
    main()
