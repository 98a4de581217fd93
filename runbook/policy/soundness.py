"""What is wrong with the rules of a place themselves, told by `check` and not when somebody needs the place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runbook.calendar.hours import HORIZON
from runbook.core.gate.gates import APPROVERS
from runbook.core.planned.plan import Environment
from runbook.policy.judging import RUN
from runbook.policy.times import BREAK_GLASS, hours_of
from runbook.problem import Problem, Where, near
from runbook.view.words import plural

_RULING = (RUN, APPROVERS, BREAK_GLASS)
"""Roles that a rule asks for by name; any other is for the `approvers` of runbooks."""


def unsound_rules(environment: Environment, where: Where, now: datetime) -> Iterator[Problem]:
    """Windows that never open, freezes that are over, approvals that nobody could give, roles that look misspelt."""
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
    yield from _misspelt_roles(environment, where)


def _misspelt_roles(environment: Environment, where: Where) -> Iterator[Problem]:
    """A rule whose role is missing lets everybody through, so a slip of a letter would open the place in silence."""
    missing = [role for role in _RULING if role not in environment.roles]
    for name in sorted(environment.roles.keys() - set(_RULING)):
        if meant := near(name, missing):
            what = f'the role "{name}" rules nothing here, and roles.{meant} is missing'
            yield Problem(what=what, fix=f'Did you mean "{meant}"?', where=where, code="misspelt-role", warning=True)
