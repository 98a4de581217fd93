"""What can be said of a pattern without asking: quickly, because a check is to be quick and most patterns are tame."""

from __future__ import annotations

import re
import warnings

from runbook.problem import problem

LONGEST_PATTERN = 1024
"""Characters of an expression. A longer one is a program, and belongs in a script."""

_WILD = re.compile(r"\)[*+?{]|\\[1-9]|\(\?[^:]")
"""A group that is repeated, a backward reference, or a group that is more than a group."""


def check_pattern(pattern: str) -> None:
    """Find out whether it is a regular expression.

    Raises:
        Problems: `bad-regex`, or `no-answer` where that cannot be found out soon.
    """
    if len(pattern) > LONGEST_PATTERN:
        what, fix = f"a pattern of {len(pattern)} characters", f"Write at most {LONGEST_PATTERN}, or a script."
        raise problem(what, fix=fix, code="bad-regex")
    if "(?" in pattern:
        # Only with flags does compiling so little take long, as when every character of Unicode has two cases.
        from runbook.matching.matcher import matcher  # noqa: PLC0415 - said above

        matcher().found("search", pattern, ())
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what Python may mean by "[[" some day
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise problem(f'"{pattern[:60]}" cannot be read', why=str(wrong), code="bad-regex") from wrong


def may_be_endless(pattern: str) -> bool:
    """Whether it could need a time that doubles with each character; false is certain."""
    return _WILD.search(pattern) is not None
