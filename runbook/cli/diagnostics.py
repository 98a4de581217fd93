"""Everything that is said on standard error. Standard output is data, and no other file writes narration.

Problems are printed one after another: where it is, what happened and why, then what to do about it on a line of its
own, because that is the line which a tired reader looks for. Text from outside goes through the sanitiser like
everywhere else.
"""

from __future__ import annotations

import os
import sys

from runbook.problem import Problem, Problems
from runbook.view.sanitize import safe


def say(text: str = "") -> None:
    """Narration: one line for a person."""
    # What was printed as data before must not appear after it when both go to one terminal.
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this file is the only one that may


def explain(wrong: Problems) -> None:
    """Print every problem."""
    for one in wrong.problems:
        say(problem_text(one))


def problem_text(one: Problem) -> str:
    """A problem as a terminal shows it."""
    head = f"{safe(str(one.where))}: " if one.where else ""
    word = paint("warning", "33") if one.warning else paint("error", "31")
    why = f"\n  why: {safe(one.why)}" if one.why else ""
    fix = f"\n  fix: {safe(one.fix)}" if one.fix else ""
    return f"{head}{word}: {safe(one.what)}{why}{fix}"


def paint(word: str, colour: str) -> str:
    """A word in colour where standard error is a terminal that wants it."""
    plain = not sys.stderr.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return word if plain else f"\x1b[1;{colour}m{word}\x1b[0m"


def can_show_screen() -> bool:
    """True when there is a terminal that a screen can be drawn on."""
    dumb = os.environ.get("TERM", "dumb") in {"", "dumb"}
    in_ci = bool(os.environ.get("CI"))
    return sys.stdin.isatty() and sys.stdout.isatty() and not dumb and not in_ci
