"""Figures over many runs, each with how many runs it rests on: no figure is given that so few runs cannot give.

A median takes three runs and a 95th percentile twenty; below that the longest is said, with the number. A trend is the
Theil-Sen slope over the last ten (the median of all slopes between two of them), which one odd run does not turn, and
takes five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

import msgspec

_MEDIAN, _TREND, _PERCENTILE = 3, 5, 20
_NEWEST = 10
"""Runs that a trend looks at."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Recovery times, in seconds; None where too few runs are there to say it."""

    count: int
    last: float | None = None
    p50: float | None = None
    p95: float | None = None
    longest: float | None = None
    trend: float | None = None
    """Seconds that each further run took longer; negative where they get faster."""


def spread(newest_first: Sequence[float]) -> Spread:
    """The figures of recovery times, the newest first."""
    if not newest_first:
        return Spread(count=0)
    ordered, count = sorted(newest_first), len(newest_first)
    return Spread(
        count=count,
        last=newest_first[0],
        p50=median(ordered) if count >= _MEDIAN else None,
        p95=ordered[math.ceil(count * 0.95) - 1] if count >= _PERCENTILE else None,
        longest=ordered[-1],
        trend=_slope(tuple(reversed(newest_first[:_NEWEST]))) if count >= _TREND else None,
    )


def _slope(oldest_first: Sequence[float]) -> float:
    found = [
        (later - earlier) / (j - i)
        for i, earlier in enumerate(oldest_first)
        for j, later in enumerate(oldest_first)
        if j > i
    ]
    return median(found)


def widest_gap(moments: Sequence[datetime], begin: datetime, end: datetime) -> timedelta:
    """The longest time without a run between two instants: the mean would hide the year in which nobody looked."""
    inside = sorted(moment for moment in moments if begin <= moment <= end)
    before = max((moment for moment in moments if moment < begin), default=begin)
    return max(later - earlier for earlier, later in pairwise((before, *inside, end)))
