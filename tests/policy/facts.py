"""Facts for the rules: who wants to run what, where, and when."""

from __future__ import annotations

from datetime import UTC, datetime

from runbook.core.actor import Actor
from runbook.core.planned.plan import Environment, Plan
from runbook.policy.judging import Facts
from tests.builders import plan

ADA = Actor(name="ada", uid=1000, identity="uid:1000@here")
BOB = Actor(name="bob", uid=1001, identity="uid:1001@here")
FRIDAY = "2026-11-27T14:10+01:00"


def at(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


def facts(
    now: str = FRIDAY, *, by: Actor = BOB, groups: tuple[str, ...] = (), of: Plan | None = None, **environment: object
) -> Facts:
    """Bob wants to run something in production on a Friday afternoon."""
    chosen = of or plan(environment=Environment(**{"name": "production", **environment}))
    return Facts(plan=chosen, now=at(now), by=by, groups=frozenset(groups))
