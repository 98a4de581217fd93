"""What is wrong with the rules of a place themselves, told by `check` and not when somebody needs the place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runbook.calendar.hours import HORIZON
from runbook.core.gate.gates import APPROVERS
from runbook.core.plan import Environment
from runbook.policy.times import hours_of
from runbook.problem import Problem, Where
from runbook.view.words import plural


def unsound_rules(environment: Environment, where: Where, now: datetime) -> Iterator[Problem]:
    """Windows that never open, freezes that are over, and approvals that nobody could give."""
    hours = hours_of(environment)
    if hours.opens(now) is None:
        what = f"{environment.name} does not open within {HORIZON.days} days"
        yield Problem(what=what, fix="Look at windows and freeze together.", where=where, code="never-open")
    for freeze in hours.freezes:
        if freeze.last < now.date() and not freeze.holds(now):
            fix = "Take it out, or write the next one."
            yield Problem(what=f'freeze "{freeze.text}" is over', fix=fix, where=where, code="old-freeze", warning=True)
    names = environment.roles.get(APPROVERS, ())
    most = max(environment.approvals.values(), default=0)
    # How many a group is, only a machine that has it knows.
    if names and most > len(names) and not any(name.startswith("group:") for name in names):
        what = f"{plural(most, 'approval')} are wanted and {plural(len(names), 'person', 'people')} may approve"
        yield Problem(what=what, fix=f"Add somebody to roles.{APPROVERS}.", where=where, code="too-few-approvers")
