"""The two streams, and what belongs on which: standard output is what was asked for, standard error all the rest.

What was asked for is data, a verdict, or the story of a run: what somebody pipes into `tee` or a log. Where it is one
JSON object, the story steps aside to standard error. Questions, warnings, problems and advice never mix with it.

Problems are printed one after another: where it is, what happened and why, then what to do about it on a line of its
own, because that is the line which a tired reader looks for. Text from outside goes through the sanitiser like
everywhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from runbook.problem import Problem, Problems
from runbook.view.sanitize import safe

Tell = Callable[[str], None]
"""Says one line on a stream that somebody else has chosen."""


def say(text: str = "") -> None:
    """A remark, a question's text or advice: one line for a person, on standard error."""
    # What was printed before must not appear after it when both go to one terminal.
    give_up_output()
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - this file is the only one that may
    except BrokenPipeError:
        _forget(sys.stderr)


def tell(text: str = "") -> None:
    """One line of what was asked for, on standard output, and at once: a log that is followed must not lag behind.

    Whoever stops reading does not stop the run that is being told: the rest is told to nobody.
    """
    try:
        print(text, flush=True)  # noqa: T201 - this file is the only one that may
    except BrokenPipeError:
        _forget(sys.stdout)
        say("Nobody reads the lines any more; still watching, for the exit status.")


def story(*, beside_data: bool) -> Tell:
    """Where the story of a run goes; `beside_data` when standard output holds one JSON object."""
    return say if beside_data else tell


def give_up_output() -> None:
    """Let what could not be written go; without this the interpreter would complain at its own flush."""
    try:
        sys.stdout.flush()
    except OSError:
        _forget(sys.stdout)


def _forget(stream: TextIO) -> None:
    """From now on that stream leads nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


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
