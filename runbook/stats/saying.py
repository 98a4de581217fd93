"""The figures for people, a few lines a service, and for Prometheus. Pure.

The names for Prometheus follow its conventions: a prefix, base units, seconds of the epoch, gauges throughout, because
what is counted slides with its period and may become less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from runbook.register.measures import Spread
from runbook.stats.figures import Count, Figures, Recovered
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured, plural

_BARS = " .:-=+*#%@"
"""From nothing to the most, in ASCII: a serial console shows it as well."""
_STEADY = 0.5
"""Seconds a run below which a trend is none."""
_Reading = tuple[str, str, Callable[[Figures], float | None]]


def spark(values: Sequence[float]) -> str:
    """One character a value, as high as its share of the highest; what is more than nothing is never blank."""
    top = max(values, default=0.0)
    if top <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[max(value > 0, round(value / top * (len(_BARS) - 1)))] for value in values)


def told(one: Figures, days: int) -> Iterator[str]:
    """The lines of one service in one place."""
    yield safe(f"{one.service or 'no service'} in {one.environment}")
    yield f"  releases      {one.releases} in {plural(days, 'day')}  [{spark(one.weekly)}] by week"
    yield f"  went wrong    {_of(one.failed, 'release')}"
    yield f"  drills well   {_of(one.drills, 'drill')}"
    yield f"  objectives    {_of(one.objectives, 'run')} met them"
    yield f"  time away     {_spread(one.restored)} in incidents"
    for took in one.recovered:
        promised = f", promised {duration(took.promised)}" if took.promised is not None else ""
        yield f"  recovery      {_spread(took.spread)}{promised}  [{spark(took.newest)}] {safe(took.runbook)}"


def _of(count: Count, noun: str) -> str:
    return f"{count.part} of {plural(count.whole, noun)}"


def _spread(one: Spread) -> str:
    if one.last is None:
        return "not measured"
    median = f", median {measured(one.p50)}" if one.p50 is not None else ""
    return f"last {measured(one.last)}{median} over {plural(one.count, 'run')}{_trend(one.trend)}"


def _trend(slope: float | None) -> str:
    if slope is None:
        return ""
    if abs(slope) < _STEADY:
        return ", steady"
    return f", {'slower' if slope > 0 else 'faster'} by {measured(abs(slope))} a run"


_TIMES: tuple[tuple[str, str, Callable[[Recovered], float | None]], ...] = (
    ("runbook_recovery_last_seconds", "Recovery time of the newest drill.", lambda one: one.spread.last),
    ("runbook_recovery_median_seconds", "Median recovery time of drills.", lambda one: one.spread.p50),
    ("runbook_recovery_objective_seconds", "What the newest drill promised.", lambda one: one.promised),
)
_READINGS: tuple[_Reading, ...] = (
    ("runbook_releases", "Releases in the period.", lambda one: one.releases),
    ("runbook_releases_failed", "Releases that did not complete or were taken back.", lambda one: one.failed.part),
    ("runbook_drills", "Drills, failovers and restores that ended in the period.", lambda one: one.drills.whole),
    ("runbook_drills_completed", "Those of them that completed.", lambda one: one.drills.part),
    ("runbook_objectives_promised", "Runs whose objectives could be judged.", lambda one: one.objectives.whole),
    ("runbook_objectives_met", "Those of them that kept them.", lambda one: one.objectives.part),
    ("runbook_incident_median_seconds", "Median time away in incidents.", lambda one: one.restored.p50),
)


def prometheus(found: Sequence[Figures], now: datetime, days: int) -> str:
    """The text format, version 0.0.4; what is not known has no sample, since 0 would be a figure."""
    lines = [
        "# HELP runbook_stats_timestamp_seconds When these were counted.",
        "# TYPE runbook_stats_timestamp_seconds gauge",
        f"runbook_stats_timestamp_seconds {int(now.timestamp())}",
        "# HELP runbook_stats_period_days What they were counted over.",
        "# TYPE runbook_stats_period_days gauge",
        f"runbook_stats_period_days {days}",
    ]
    for name, text, reading in _READINGS:
        lines += _gauge(name, text, ((_labels(one), reading(one)) for one in found))
    for name, text, time in _TIMES:
        lines += _gauge(
            name, text, ((_labels(one, took.runbook), time(took)) for one in found for took in one.recovered)
        )
    return "\n".join(lines) + "\n"


def _gauge(name: str, text: str, read: Iterable[tuple[str, float | None]]) -> list[str]:
    samples = [f"{name}{labels} {value:g}" for labels, value in read if value is not None]
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge", *samples] if samples else []


def _labels(one: Figures, runbook: str = "") -> str:
    named = f',runbook="{_quoted(runbook)}"' if runbook else ""
    return f'{{service="{_quoted(one.service)}",environment="{_quoted(one.environment)}"{named}}}'


def _quoted(text: str) -> str:
    return safe(text).replace("\\", "\\\\").replace('"', '\\"')
