"""A step has no terminal: whoever asks a person something is told so at once, and nobody waits for an answer.

Without this `input()` ends in an EOFError that says nothing, `getpass` looks for a terminal of its own, and `c.shell()`
waits for keys that never come. What was asked is printed as it would have been, so it stands in the step's output; what
a task does about an EOFError it does about this one.
"""

from __future__ import annotations

import builtins
import getpass
import sys
from typing import Any, NoReturn, TextIO

from invoke.exceptions import Failure
from invoke.runners import Runner

from runbook.problem import Exit, Problem


class NoTerminal(EOFError):  # noqa: N818 - it says what is missing
    """The fabfile asked somebody who is not there."""

    def __init__(self, by: str) -> None:
        """`by` is what it asked with: `input()`."""
        super().__init__(f"{by} needs a terminal, and a step has none")
        self.problem = Problem(
            what=f"the task asks with {by}",
            why="a step has no terminal",
            fix="Give the answer in args or env, and put an ask or a confirm step before it where a person decides.",
            code="no-terminal",
            exit=Exit.FAILED,
        )


class NoShell(Runner):
    """Stands where Fabric has the runner of `c.shell()`."""

    def run(self, command: str, **options: Any) -> NoReturn:
        """Refuse."""
        del command, options
        raise NoTerminal("c.shell()")


def put_away() -> None:
    """Replace what asks. Call before the fabfile is read: libraries keep what they find then."""
    builtins.input = _input
    getpass.getpass = _getpass


def asked(error: BaseException) -> NoTerminal | None:
    """The question behind an ending, also one that Invoke has wrapped."""
    inner = error.reason if isinstance(error, Failure) else error
    return inner if isinstance(inner, NoTerminal) else None


def _input(prompt: object = "", /) -> str:
    if prompt:
        print(prompt)  # noqa: T201 - where it would have been shown
    raise NoTerminal("input()")


def _getpass(prompt: str = "Password: ", stream: TextIO | None = None, **options: Any) -> str:
    del options
    print(prompt, file=stream or sys.stderr)
    raise NoTerminal("getpass()")
