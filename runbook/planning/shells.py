"""Which program reads the text of a command or a script, and what a plain `sh` would make of it.

A script's own `#!` line says it, as the kernel reads such a line: a program, and whatever stands behind it as one
argument (`env -S` splits it). An `interpreter` that says otherwise is refused, because one of the two is wrong. For a
`command`, `shell:` of the step, its section or the runbook says it; where nobody does, `/bin/sh` reads the text. Bash
words that `sh` reads as something else, or not at all, are a warning here and a silent mistake at night.
"""

from __future__ import annotations

import re
import shlex

from runbook.core.planned.command import SH
from runbook.problem import Where, problem

_SHELLS = frozenset({"ash", "bash", "busybox", "dash", "ksh", "mksh", "sh", "zsh"})
_POSIX = frozenset({"ash", "busybox", "dash", "sh"})

_BASHISMS = (
    (re.compile(r"(?:^|[\s;&|(!])\[\[\s", re.MULTILINE), "[["),
    (re.compile(r"(?:^|[;&|]|\bthen|\bdo)\s*source\s", re.MULTILINE), "source"),
    (re.compile(r"\bset\s+[-+]\w*o\s+pipefail\b|\bset\s.*\bpipefail\b"), "pipefail"),
    (re.compile(r"(?:^|[\s;])(?:declare|typeset)\s+-", re.MULTILINE), "declare"),
    (re.compile(r"(?:^|[\s;])\w+\+?=\(", re.MULTILINE), "an array"),
    (re.compile(r"\$\{!?\w+\[[^\]]*\]\}"), "an array"),
    (re.compile(r"(?:^|\s)[<>]\((?!\()"), "<("),
    (re.compile(r"<<<"), "<<<"),
    (re.compile(r"&>>?(?!&)\s*\S"), "&>"),
    (re.compile(r"\$\{\w+(?:,,|\^\^|//|:\d)"), "${x//a/b}"),
    (re.compile(r"(?:^|[\s;])function\s+\w+", re.MULTILINE), "function"),
)
"""What stands in a text, and how it is called: words of bash that dash, the `sh` of Debian, does not have."""


def program_of(interpreter: tuple[str, ...]) -> str:
    """The program that a host needs: behind `env` the one that env looks for."""
    if interpreter[0].rpartition("/")[2] != "env":
        return interpreter[0]
    words = (word for word in interpreter[1:] if not word.startswith("-") and "=" not in word)
    return next(words, interpreter[0])


def is_shell(interpreter: tuple[str, ...]) -> bool:
    """Whether a shell reads it, of whatever family: values are quoted for shells."""
    return program_of(interpreter or SH).rpartition("/")[2] in _SHELLS


def is_posix_sh(interpreter: tuple[str, ...]) -> bool:
    """Whether it may be a shell that knows no more than POSIX."""
    return program_of(interpreter or SH).rpartition("/")[2] in _POSIX


def shell_words(shell: str, where: Where) -> tuple[str, ...]:
    """The words of a `shell:` key; none where none is written.

    Raises:
        Problems: code `bad-shell`: it is no program with arguments.
    """
    try:
        words = tuple(shlex.split(shell))
    except ValueError as error:
        fix = "Write a program and its options: bash -eu."
        raise problem(
            f"shell {shell!r} cannot be read", why=str(error), fix=fix, where=where, code="bad-shell"
        ) from error
    return words


def interpreter_of(text: str, written: tuple[str, ...], where: Where) -> tuple[str, ...]:
    """What runs a script: its `#!` line, the `interpreter` beside it, or `/bin/sh`.

    Raises:
        Problems: code `two-interpreters`: the two name different programs.
    """
    said = _first_line(text)
    if not said:
        return written or SH
    ours, theirs = (program_of(words).rpartition("/")[2] for words in (written or said, said))
    if ours != theirs:
        raise problem(
            f"the script begins with #!{' '.join(said)}, and interpreter says {' '.join(written)}",
            why="one of them would be obeyed and the other not",
            fix="Remove interpreter, or the script's first line.",
            where=where,
            code="two-interpreters",
        )
    return written or said


def bashisms(text: str) -> tuple[str, ...]:
    """Words of bash in a text that `sh` is to read, each once."""
    bare = re.sub(r"(?m)(^|\s)#.*$", "", re.sub(r"'[^']*'", "''", text))
    return tuple(dict.fromkeys(name for pattern, name in _BASHISMS if pattern.search(bare)))


def _first_line(text: str) -> tuple[str, ...]:
    """The words of a `#!` line as the kernel takes them; none where the text has no such line."""
    line = text.partition("\n")[0]
    if not line.startswith("#!"):
        return ()
    program, _, rest = line[2:].strip().partition(" ")
    rest = rest.strip()
    if not program:
        return ()
    if program.rpartition("/")[2] == "env" and rest.startswith("-S"):
        return (program, *shlex.split(rest.removeprefix("-S")))
    return (program, rest) if rest else (program,)
