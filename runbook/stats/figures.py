"""How well it goes, counted over the runs of a period: for each service in each place, and never summed over them.

Few runs prove little, so every share keeps its two numbers, and medians and trends say how many runs they rest on.
Each figure rests on the rows of the list of runs alone, so that ten thousand records are counted in a moment; what such
a row does not tell (how long people were waited for, which steps fail most) is no figure here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from runbook.record.summary import RunSummary
from runbook.register.measures import Spread, spread

_WEEK = timedelta(days=7)
_DRILLS = frozenset({"drill", "failover", "restore"})
_DRAWN = 20
"""Recovery times that a line shows."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many."""

    part: int
    whole: int


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """How long one runbook's drills took to recover: times of two runbooks are never compared."""

    runbook: str
    spread: Spread
    newest: tuple[float, ...]
    """The oldest of them first."""
    promised: float | None
    """The objective of the newest run; None where it promised nothing."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One service in one place. Times in seconds."""

    service: str
    """Empty for runbooks that name none."""
    environment: str
    releases: int
    weekly: tuple[int, ...]
    """Releases in each week of the period, the oldest first; weeks without one are zeros."""
    failed: Count
    """Releases that did not complete, or were taken back; a run that takes one back is no release."""
    drills: Count
    """Drills, failovers and restores that completed, of all that ended."""
    objectives: Count
    """Of the runs that promised something measurable, those that kept it."""
    restored: Spread
    """How long the service was away in incidents."""
    recovered: tuple[Recovered, ...]
    """By runbook: of drills, failovers and restores that completed and measured it."""


def figures(runs: Sequence[RunSummary], now: datetime, period: timedelta) -> tuple[Figures, ...]:
    """The figures of every service and place with a run in the period.

    Args:
        runs: The newest first.
        now: The end of the period.
        period: Whole weeks of it are counted from its end.
    """
    inside = [run for run in runs if run.ended and run.proof is not None and now - period <= _begun(run) <= now]
    groups: dict[tuple[str, str], list[RunSummary]] = {}
    for run in inside:
        if run.proof is not None:
            groups.setdefault((run.proof.service, run.proof.environment), []).append(run)
    return tuple(_figures(*key, groups[key], now, period) for key in sorted(groups))


def _figures(service: str, environment: str, runs: list[RunSummary], now: datetime, period: timedelta) -> Figures:
    own = [run for run in runs if not (run.proof and run.proof.follows)]
    releases = [run for run in own if run.kind == "release"]
    drills = [run for run in own if run.kind in _DRILLS]
    promised = [run for run in own if run.objective in {"met", "missed"}]
    good = [run for run in drills if run.verdict == "completed"]
    return Figures(
        service=service,
        environment=environment,
        releases=len(releases),
        weekly=_weekly(releases, now, period),
        failed=Count(part=sum(map(_went_wrong, releases)), whole=len(releases)),
        drills=Count(part=len(good), whole=len(drills)),
        objectives=Count(part=sum(run.objective == "met" for run in promised), whole=len(promised)),
        restored=spread(list(_recoveries([run for run in runs if run.kind == "incident"]))),
        recovered=tuple(_recovered(good)),
    )


def _recovered(newest_first: Sequence[RunSummary]) -> Iterator[Recovered]:
    for name in sorted({run.runbook for run in newest_first}):
        mine = [run for run in newest_first if run.runbook == name]
        took = list(_recoveries(mine))
        if took:
            newest, proof = tuple(reversed(took[:_DRAWN])), mine[0].proof
            yield Recovered(runbook=name, spread=spread(took), newest=newest, promised=proof.rto if proof else None)


def _begun(run: RunSummary) -> datetime:
    found = datetime.fromisoformat(run.started) if run.started else datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _went_wrong(run: RunSummary) -> bool:
    return run.verdict not in {"completed", "completed with deviations"} or run.rollback not in {"", "none"}


def _recoveries(runs: Sequence[RunSummary]) -> Iterator[float]:
    """What is known; a time of which only the least is known is none."""
    return (run.recovery for run in runs if run.recovery is not None and not run.recovery_at_least)


def _weekly(runs: Sequence[RunSummary], now: datetime, period: timedelta) -> tuple[int, ...]:
    weeks = max(1, period // _WEEK)
    ages = [int((now - _begun(run)) // _WEEK) for run in runs]
    return tuple(ages.count(age) for age in reversed(range(weeks)))
