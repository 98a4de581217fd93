"""Whether a run may begin: one pure function from facts to what every rule says of them.

All rules are asked, always, in one order; one that refuses does not hide the next, and none is asked twice. Nothing
else in the house refuses a run for where, when or by whom it is begun. What was asked for against a rule is judged in
`breaking.py`; the clock, the people and the groups are facts that somebody else found out.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from runbook.core.actor import Actor
from runbook.core.plan import Environment, Plan
from runbook.policy import times
from runbook.policy.verdict import Verdict, listed

RUN = "run"
"""The role that those hold who may run something; a place that does not say lets everybody."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at."""

    plan: Plan
    now: datetime
    by: Actor
    """Who wants it."""
    groups: frozenset[str] = frozenset()
    """Names of the Unix groups that they are in."""

    @property
    def environment(self) -> Environment:
        """Where."""
        return self.plan.environment


def judged(facts: Facts) -> tuple[Verdict, ...]:
    """What every rule says, in the order in which it is shown."""
    return (
        _run_role(facts),
        times.freeze(facts.environment, facts.now),
        times.window(facts.environment, facts.now),
    )


def holds(facts: Facts, role: str) -> bool:
    """Whether who wants it holds a role there, by login name, identity or group."""
    mine = {facts.by.name, facts.by.identity, *(f"group:{group}" for group in facts.groups)} - {"", "group:"}
    return bool(mine & set(facts.environment.roles.get(role, ())))


def _run_role(facts: Facts) -> Verdict:
    may = facts.environment.roles.get(RUN, ())
    if RUN not in facts.environment.roles or holds(facts, RUN):
        return Verdict(rule="run-role", who=may)
    allowed = f"{listed(may)} may" if may else "Nobody may"
    sentence = f"{facts.by.name} may not run in {facts.environment.name}. {allowed} (roles.{RUN} in environment.yaml)."
    return Verdict(rule="run-role", outcome="refuse", sentence=sentence, who=may, overridable=True)
