"""Breaking the glass: who may override which rule, and what is put on record about it.

Only rules that are named, that refuse just now, and that a person's word can make right; only by whom the environment
names; only with a reason that says something. It holds for one run and for a few hours, so that nobody leaves a door
open behind himself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from runbook.core.events.policy_event import RuleOverridden
from runbook.core.run import Run
from runbook.policy.judging import Facts, holds, judged
from runbook.policy.times import BREAK_GLASS, holding
from runbook.policy.verdict import Verdict, listed, refusals
from runbook.problem import Exit, Problem, Problems, Where, nearest

LEAST_REASON = 20
"""Letters of a reason: fewer say nothing to whoever reviews it."""

HOLDS_FOR = 4 * 3600.0
"""Seconds for which a rule stays overridden in its run."""


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to override, and why."""

    rules: tuple[str, ...] = ()
    reason: str = ""


def permitted(facts: Facts, override: Override) -> tuple[RuleOverridden, ...]:
    """What goes on record about rules that were overridden; nothing where none refuses.

    Raises:
        Problems: Every rule that refuses, or what is wrong with overriding one.
    """
    refused = refusals(judged(facts))
    wrong = [*_wrong(facts, override, refused), *_refused(facts, override, refused)]
    if wrong:
        raise Problems(wrong)
    return tuple(
        RuleOverridden(rule=one.rule, by=facts.by, reason=override.reason.strip(), sentence=one.sentence)
        for one in refused
    )


def still_holding(run: Run, at: float, now: datetime) -> tuple[Verdict, ...]:
    """The rules about time that refuse in a live run at `now`, without those that are overridden in it at `at`."""
    open_glass = {one.given.rule for one in run.overridden if at - one.at <= HOLDS_FOR}
    return tuple(one for one in holding(run.plan.environment, now) if one.rule not in open_glass)


def _wrong(facts: Facts, override: Override, refused: tuple[Verdict, ...]) -> Iterator[Problem]:
    known = {one.rule: one for one in judged(facts)}
    if override.rules and len(override.reason.strip()) < LEAST_REASON:
        fix = f'Say it in {LEAST_REASON} letters or more: --reason "WHY".'
        yield _problem(facts, "no-reason", "overriding a rule goes on record with a reason", fix)
    for name in override.rules:
        if name not in known:
            yield _problem(facts, "unknown-rule", f'there is no rule "{name}"', nearest(name, known))
        elif all(one.rule != name for one in refused):
            yield _problem(facts, "not-refused", f"{name} does not refuse this run", f"Leave out --override {name}.")
    if override.rules and not holds(facts, BREAK_GLASS):
        who = facts.environment.roles.get(BREAK_GLASS, ())
        fix = f"Ask {listed(who)}." if who else f"Name somebody in roles.{BREAK_GLASS} of its environment.yaml."
        what = f"{facts.by.name} may not override a rule of {facts.environment.name}"
        yield _problem(facts, "no-break-glass", what, fix)


def _refused(facts: Facts, override: Override, refused: tuple[Verdict, ...]) -> Iterator[Problem]:
    said = [one for one in refused if one.rule not in override.rules or not one.overridable]
    # Each is told all that the next command needs: a run that is refused by two rules is refused once, not twice.
    words = " ".join(f"--override {one.rule}" for one in refused if one.overridable)
    for one in said:
        fix = _way_out(one, facts.environment.roles.get(BREAK_GLASS, ()), words)
        yield _problem(facts, one.rule, one.sentence.removesuffix("."), fix)


def _way_out(one: Verdict, may: tuple[str, ...], words: str) -> str:
    if not one.overridable:
        return "This rule cannot be overridden."
    if not may:
        return f"Nobody may override it: roles.{BREAK_GLASS} in its environment.yaml names nobody."
    return f'{listed(may)} may override it, with the same command and: {words} --reason "WHY".'


def _problem(facts: Facts, code: str, what: str, fix: str) -> Problem:
    where = Where(f"environment {facts.environment.name}")
    return Problem(what=what, fix=fix, code=code, where=where, exit=Exit.REFUSED)
