"""Findings: what came to light, who takes care of it until when, and what showed that it is mended. Values and rules.

A finding is two facts, that somebody wrote it down and that somebody closed it, and everything else follows from them.
What was opened because somebody broke the glass is closed by somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from runbook.core.actor import Actor
from runbook.problem import Exit, Problem, nearest

Severity = Literal["high", "medium", "low"]
Category = Literal["finding", "lesson", "improvement", "break-glass"]


class _Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="did"):
    """Which finding, when it was written (ISO 8601 UTC), and by whom."""

    finding: str
    at: str
    by: Actor


class Opened(_Fact, frozen=True, kw_only=True, tag="opened"):
    """Somebody wrote down what came to light."""

    title: str
    severity: Severity = "medium"
    owner: str = ""
    due: str = ""
    """A date; empty where nobody promised one."""
    category: Category = "finding"
    run: str = ""
    """In which run it came to light."""
    link: str = ""


class Closed(_Fact, frozen=True, kw_only=True, tag="closed"):
    """Somebody says that it is mended."""

    reason: str
    retest: str = ""
    """The run that showed it."""


FindingFact = Opened | Closed
"""The closed union."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, folded."""

    opened: Opened
    closed: Closed | None = None

    def state(self, today: date) -> Literal["open", "overdue", "closed"]:
        """How it stands on a day."""
        if self.closed is not None:
            return "closed"
        return "overdue" if self.opened.due and date.fromisoformat(self.opened.due) < today else "open"


def findings(facts: Iterable[FindingFact]) -> dict[str, Finding]:
    """Every finding by its name, in the order in which they were opened."""
    found: dict[str, Finding] = {}
    for fact in facts:
        if isinstance(fact, Opened):
            found[fact.finding] = Finding(opened=fact)
        elif fact.finding in found:
            found[fact.finding] = msgspec.structs.replace(found[fact.finding], closed=fact)
    return found


def why_not_closed(known: dict[str, Finding], closing: Closed) -> Problem | None:
    """Why somebody may not close it; None when they may."""
    found = known.get(closing.finding)
    if found is None:
        return _refused(f'there is no finding "{closing.finding}"', nearest(closing.finding, known))
    if found.closed is not None:
        return _refused(
            f"finding {closing.finding} is closed", f"{found.closed.by.name} closed it on {found.closed.at}."
        )
    if not closing.reason.strip():
        return _refused("a finding is closed with a reason", 'Say it: -m "WHY".')
    if found.opened.category == "break-glass" and found.opened.by.is_same_as(closing.by):
        return _refused(f"{closing.by.name} broke the glass, and somebody else reviews it", "Ask somebody else.")
    return None


def _refused(what: str, fix: str) -> Problem:
    return Problem(what=what, fix=fix, code="not-closed", exit=Exit.REFUSED)
