"""What went wrong, said so that a tired operator can act on it.

A `Problem` has four parts because an error message that lacks one of them costs a second look at 03:00: *what*
happened, *why*, *where*, and *how to fix it*. It is a value, so a reader can collect every problem of a document and
raise once. `Problems` is the only exception that carries them across rooms. This file refuses to print and to log:
it knows the number that a verb should end with, and `cli/diagnostics.py` alone speaks.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from enum import IntEnum

import msgspec


class Exit(IntEnum):
    """What a verb's exit status promises. Scripts branch on these, so a number never changes its meaning."""

    HELD = 0
    """Everything that was asked for held."""
    FAILED = 1
    """A step failed, a steady state deviated, an objective was missed, or a record does not verify."""
    USAGE = 2
    """The command line, a document or a workspace file is wrong; nothing was started."""
    UNREACHABLE = 3
    """A host could not be reached or did not prove who it is."""
    FAULT_LIVE = 4
    """A fault may still be live on a host."""
    REFUSED = 5
    """Policy, permission or the state of a run does not allow it."""
    NEWER = 6
    """A newer version wrote the record; what this one knows of it holds, and nobody here can say more."""
    INTERRUPTED = 130
    """The operator interrupted it; the run, if one was started, goes on or can be resumed."""


class Where(msgspec.Struct, frozen=True):
    """A place in a file, or a named thing (`host db1`, `run 2026-...`) when there is no file."""

    file: str
    line: int = 0
    """1-based; 0 means the whole file or thing."""
    column: int = 0
    """1-based; 0 means the whole line."""

    def __str__(self) -> str:
        """`file:line:col` as editors and terminals link it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


def where_given(parameter: str, source: str) -> Where:
    """Of a parameter's value: who gave it (`command line`, `form`), so that it can be shown where it was typed."""
    return Where(f"parameter {parameter} ({source})")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, complete enough to be fixed without reading our code."""

    what: str
    """What happened, as a sentence without its full stop."""
    why: str = ""
    """The cause, when it is not already obvious from `what`."""
    fix: str = ""
    """What to do or to write instead, as a sentence."""
    where: Where | None = None
    """None only when the problem has no place, such as a full process table."""
    code: str = ""
    """A stable kebab-case name (`unknown-key`), for SARIF, for tests and for searching the manual."""
    exit: Exit = Exit.USAGE
    """How a verb that stops because of this problem ends."""
    warning: bool = False
    """True when work may go on; `check` shows it, nothing is refused."""

    def __str__(self) -> str:
        """`where: what: why. fix` on one line."""
        place = f"{self.where}: " if self.where else ""
        cause = f": {self.why}" if self.why else ""
        said = f"{place}{self.what}{cause}. {self.fix}".strip().rstrip(".")
        return said if said.endswith(("?", "!")) else f"{said}."


class Problems(Exception):  # noqa: N818 - it is the plural of the noun that operators read
    """Carries one or more problems to whoever can tell the operator. Never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order in which a reader meets them."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def exit(self) -> Exit:
        """The gravest ending: a live fault outranks a lost host, which outranks a typing error."""
        ranking = (Exit.FAULT_LIVE, Exit.REFUSED, Exit.UNREACHABLE, Exit.USAGE, Exit.FAILED, Exit.INTERRUPTED)
        ends = {problem.exit for problem in self.problems}
        return next((rank for rank in ranking if rank in ends), Exit.FAILED)


def problem(what: str, **parts: object) -> Problems:
    """Wrap a single one, ready to be raised: what happened first, its other parts by name."""
    return Problems([msgspec.convert({"what": what, **parts}, Problem)])


class SeveralMeant(Problems):
    """A word that means several things: nobody guesses. Whoever knows the whole command writes it out with one."""

    def __init__(self, one: Problem, *, typed: str, instead: str) -> None:
        """`instead` is what may be written for `typed`, and means one thing."""
        self.typed, self.instead = typed, instead
        super().__init__([msgspec.structs.replace(one, fix=f'Write one of them, such as "{instead}".')])

    def in_full(self, command: str) -> Problems:
        """The same with the next command as it can be typed."""
        return Problems([msgspec.structs.replace(self.problems[0], fix=f"Write one of them, such as: {command}")])


_SHORTEST_PART = 2
"""Letters that are enough to mean a name by a part of it: one alone is more likely a slip."""
_SHOWN = 6
"""Names that are told of those that are meant: a line's worth."""


def meant_by(part: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that have it somewhere in them, in their order; small and large letters are alike."""
    return tuple(name for name in names if len(part) >= _SHORTEST_PART and part.casefold() in name.casefold())


def told(names: Sequence[str]) -> str:
    """Names that are meant, as many as are read."""
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"


_LONGEST_NAME = 100
"""Characters of a name that somebody may have mistyped. Comparing longer ones takes long, and helps nobody."""
_MOST_NAMES = 2000
"""Names that are compared: what a host answers may hold any number of them."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the likeliest intended name, or lists what there is.

    Returns an empty string when nothing is known.
    """
    names = _comparable(known)
    close = near(name, names)
    if close:
        return f'Did you mean "{close}"?'
    return f"Known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}." if names else ""  # noqa: PLR2004 - a line's worth


def near(name: str, known: Iterable[str]) -> str:
    """The likeliest intended name; empty where none is near."""
    return next(
        iter(difflib.get_close_matches(name[: 2 * _LONGEST_NAME], _comparable(known)[:_MOST_NAMES], 1, 0.65)), ""
    )


def _comparable(known: Iterable[str]) -> list[str]:
    return [each for each in sorted(set(known)) if len(each) <= _LONGEST_NAME]
