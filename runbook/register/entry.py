"""The register: each scenario of each service, held against what was really rehearsed. Pure.

Readiness is one of three words that other tools use as well (*verified*, *needs verifying*, *not verified*), or that
nobody has written a runbook. What is planned or promised never counts as evidence: it stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from runbook.calendar.saying import distance
from runbook.core.written.service import Scenario, Service
from runbook.record.summary import RunSummary
from runbook.register.measures import Spread, spread, widest_gap
from runbook.schedule.duty import Duty
from runbook.schedule.fulfilling import fulfils, is_about, quality, stale
from runbook.schedule.standing import ended_at

Readiness = Literal["verified", "needs verifying", "not verified", "no runbook"]

PERIOD = timedelta(days=365)
"""What is looked back at: once in twelve months is the least that anybody asks for."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. Times in seconds; None where nothing was promised, or nothing was measured."""

    service: str
    tier: int
    scenario: str
    kind: str
    impact: str
    likelihood: str
    method: str
    runbook: str
    environment: str
    readiness: Readiness
    because: str
    last_good: str
    """When the last run that holds ended, ISO 8601 UTC."""
    last_run: str
    rto: float | None
    rta: Spread
    rpo: float | None
    rpa: float | None
    """Of the last run that holds."""
    every: float
    """How often it must be rehearsed; 0 where nobody says."""
    gap: float | None
    """The longest time without a rehearsal in the last year; None where there was none at all."""
    rehearsals: int
    """In the last year."""
    people: tuple[str, ...]
    """Who has ever driven a run of it that holds."""
    never: tuple[str, ...]
    """Who is to be called and has never driven one."""


def entry(service: Service, scenario: Scenario, duty: Duty | None, runs: Sequence[RunSummary], now: datetime) -> Entry:
    """The entry of a scenario.

    Args:
        service: Whose scenario it is.
        scenario: What may happen.
        duty: What has to be rehearsed, and where; None where there is no runbook.
        runs: Of that runbook, the newest first.
        now: The instant that it is asked at.
    """
    good = [run for run in runs if duty is not None and fulfils(duty, run)]
    moments = [ended_at(run) for run in good]
    readiness, because = _readiness(scenario, duty, runs, now)
    people = tuple(dict.fromkeys(run.operator for run in good if run.operator))
    last = good[0] if good else None
    return Entry(
        service=service.name,
        tier=service.tier,
        scenario=scenario.name,
        kind=scenario.kind,
        impact=scenario.impact,
        likelihood=scenario.likelihood,
        method=scenario.method,
        runbook=scenario.runbook,
        environment=duty.environment if duty else scenario.environment,
        readiness=readiness,
        because=because,
        last_good=last.proof.ended if last and last.proof else "",
        last_run=last.run if last else "",
        rto=service.objectives.rto,
        rta=spread([run.recovery for run in good if run.recovery is not None and not run.recovery_at_least]),
        rpo=service.objectives.rpo,
        rpa=last.proof.rpa if last and last.proof else None,
        every=scenario.every,
        gap=widest_gap(moments, now - PERIOD, now).total_seconds() if moments else None,
        rehearsals=sum(moment >= now - PERIOD for moment in moments),
        people=people,
        never=tuple(name for name in _called(service) if name not in people),
    )


def _called(service: Service) -> tuple[str, ...]:
    """Who is to be called about it, by name."""
    rules = service.escalation.rules if service.escalation else ()
    named = (*(name for rule in rules for name in rule.to), *(one.name for one in service.contacts))
    return tuple(dict.fromkeys(named))


def _readiness(
    scenario: Scenario, duty: Duty | None, runs: Sequence[RunSummary], now: datetime
) -> tuple[Readiness, str]:
    if duty is None:
        return "no runbook", "nobody has written what to do" if not scenario.runbook else "its runbook cannot be read"
    newest = next((run for run in runs if is_about(duty, run)), None)
    if newest is None or newest.proof is None:
        return "needs verifying", f"never rehearsed in {duty.environment}"
    bad = [clause for clause in quality(duty, newest, newest.proof) if not clause.holds]
    if bad:
        return "not verified", f"{bad[0].otherwise}: {bad[0].seen}".rstrip(": ")
    old = [clause.asks.partition(" is ")[0] for clause in stale(duty, newest.proof) if not clause.holds]
    if old:
        return "needs verifying", f"{' and '.join(old)} changed since"
    age = now - ended_at(newest)
    if scenario.every and age > timedelta(seconds=scenario.every):
        return "needs verifying", f"last {distance(age)} ago, every {distance(timedelta(seconds=scenario.every))}"
    return "verified", f"{distance(age)} ago"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one tier is verified; scenarios weigh alike, since nobody can say by what they should not."""

    tier: int
    scenarios: int
    verified: int
    without_runbook: int


def coverage(entries: Sequence[Entry]) -> tuple[Coverage, ...]:
    """By tier, the first first."""
    return tuple(
        Coverage(
            tier=tier,
            scenarios=len(mine),
            verified=sum(one.readiness == "verified" for one in mine),
            without_runbook=sum(one.readiness == "no runbook" for one in mine),
        )
        for tier in sorted({one.tier for one in entries})
        if (mine := [one for one in entries if one.tier == tier])
    )
