"""What the rules of an environment say, as lines: with a plan before anybody tries to run it, or all of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.policy.verdict import Verdict
from runbook.view.sanitize import safe

_WORDS = {"refuse": "refused", "warn": "mind", "allow": "allowed"}


def policy_lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """A line for each rule that has something against it; every line is safe to show."""
    for one in verdicts:
        if one.outcome != "allow":
            yield f"{_WORDS[one.outcome]} now ({one.rule}): {safe(one.sentence)}"


def every_line(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """A line for each rule, those that have nothing against it too."""
    for one in verdicts:
        yield f"{_WORDS[one.outcome]:<8} {one.rule:<16} {safe(one.sentence)}".rstrip()
