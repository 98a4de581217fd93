"""Whether a run may begin: one pure function from facts to what every rule says of them.

All rules are asked, always, in one order; one that refuses does not hide the next, and none is asked twice. Nothing
else in the house refuses a run for where, when or by whom it is begun. What was asked for against a rule is judged in
`breaking.py`; the clock, the people and the groups are facts that somebody else found out.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import msgspec

from runbook.core.actor import Actor, distinct
from runbook.core.gate.gates import APPROVERS
from runbook.core.planned.plan import Environment, Plan
from runbook.policy import times
from runbook.policy.verdict import Verdict, listed
from runbook.view.words import plural

_ENOUGH = 20
"""Runs from which on the slowest one of a hundred is no surprise any more."""

RUN = "run"
"""The role that those hold who may run something; a place that does not say lets everybody."""


class LiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is live."""

    run: str
    by: str
    """Who started it."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at."""

    plan: Plan
    now: datetime
    by: Actor
    """Who wants it."""
    groups: frozenset[str] = frozenset()
    """Names of the Unix groups that they are in."""
    took: tuple[float, ...] = ()
    """Seconds that whole runs of it took there, the newest first."""
    live: tuple[LiveRun, ...] = ()
    """What is live there now."""
    inside: tuple[Actor, ...] | None = None
    """Who gets through to a run of theirs; None where nobody has looked."""

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
        times.window_end(facts.environment, facts.now, _length(facts)),
        _approvers_exist(facts),
        _parallel(facts),
    )


def holds(facts: Facts, role: str) -> bool:
    """Whether who wants it holds a role there, by login name, identity or group."""
    mine = {facts.by.name, facts.by.identity, *(f"group:{group}" for group in facts.groups)} - {"", "group:"}
    return bool(mine & set(facts.environment.roles.get(role, ())))


def _length(facts: Facts) -> times.Length | None:
    """By the 95th percentile of twenty runs and more, the longest of fewer, and the plan's own word without any."""
    took = sorted(facts.took)
    if took:
        enough = len(took) >= _ENOUGH
        seconds = took[math.ceil(len(took) * 0.95) - 1] if enough else took[-1]
        known = f"95 of 100 of {len(took)} runs" if enough else f"the longest of {plural(len(took), 'run')}"
        return times.Length(length=timedelta(seconds=seconds), known_from=known, is_measured=True)
    planned = sum(section.expected or sum(step.expected for step in section.steps) for section in facts.plan.sections)
    known = "as it is planned; it has never run there"
    return times.Length(length=timedelta(seconds=planned), known_from=known, is_measured=False) if planned else None


def _approvers_exist(facts: Facts) -> Verdict:
    """Refused before the run, and not at a gate that opens at night and that too few people can answer."""
    needed = max((step.must_agree for step in facts.plan.walk()), default=0)
    may = facts.environment.roles.get(APPROVERS, ())
    if not needed or facts.inside is None or {"all", "approve"} & set(facts.environment.auto):
        return Verdict(rule="approvers-exist", who=may)
    others = (one for one in facts.inside if not one.is_same_as(facts.by))
    able = [one for one in others if not may or {one.name, one.identity} & set(may)]
    if len(distinct(able)) >= needed:
        return Verdict(rule="approvers-exist", who=may)
    names = listed(tuple(one.name for one in distinct(able)))
    only = f"only {names} can" if names else "nobody can"
    sentence = (
        f"{facts.environment.name} wants {plural(needed, 'approval')} from others than {facts.by.name}, and {only}. "
        f"Name more in roles.{APPROVERS} of environment.yaml and in [control] allow of runbook.toml."
    )
    return Verdict(rule="approvers-exist", outcome="refuse", sentence=sentence, who=may)


def _parallel(facts: Facts) -> Verdict:
    most = facts.environment.max_parallel_runs
    if not most or len(facts.live) < most:
        return Verdict(rule="parallel")
    named = ", ".join(f"{one.run} ({one.by})" for one in facts.live)
    sentence = f"{facts.environment.name} takes {plural(most, 'run')} at one time, and live are: {named}."
    who = facts.environment.roles.get(times.BREAK_GLASS, ())
    return Verdict(rule="parallel", outcome="refuse", sentence=sentence, who=who, overridable=True)


def _run_role(facts: Facts) -> Verdict:
    may = facts.environment.roles.get(RUN, ())
    if RUN not in facts.environment.roles or holds(facts, RUN):
        return Verdict(rule="run-role", who=may)
    allowed = f"{listed(may)} may" if may else "Nobody may"
    sentence = f"{facts.by.name} may not run in {facts.environment.name}. {allowed} (roles.{RUN} in environment.yaml)."
    return Verdict(rule="run-role", outcome="refuse", sentence=sentence, who=may, overridable=True)
