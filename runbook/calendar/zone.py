"""Time zones by name, and the moments at which clocks there are set to another offset.

Everything in this room compares instants in UTC and asks a zone only for the wall clock of an instant. The other way
round, from a wall clock to an instant, has no answer in the hour that is left out in spring and two in the hour that
is repeated in autumn; so it is used for nothing but to propose instants, which are then looked at.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from runbook.problem import problem

_DAY = 24 * 60
"""Minutes."""
_LOOK = timedelta(hours=6)
"""No zone has set its clocks twice in so short a time."""


def is_zone(name: str) -> bool:
    """Whether this machine's zone data knows the name."""
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def zone_named(name: str) -> tzinfo:
    """The zone; UTC for an empty name.

    Raises:
        Problems: `unknown-zone`.
    """
    if not is_zone(name or "UTC"):
        fix = "Write UTC, or a name such as Europe/Berlin."
        raise problem(f'"{name}" is no time zone that this machine knows', fix=fix, code="unknown-zone")
    return zoneinfo.ZoneInfo(name or "UTC")


def instants(day: date, minute: int, zone: tzinfo) -> tuple[datetime, ...]:
    """Where a minute of a day (up to 24:00 and beyond) may lie, in UTC: one instant, or two where it is repeated.

    One that is left out gives the instant as if the clock had not been set; whoever asks looks at it again.
    """
    wall = datetime.combine(day + timedelta(days=minute // _DAY), time(minute % _DAY // 60, minute % 60))
    found = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(dict.fromkeys(found))


def shifts(zone: tzinfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants between two at which the offset of a zone changes, to the second, in UTC."""
    here = first
    while here < last:
        there = min(here + _LOOK, last)
        if _offset(zone, here) != _offset(zone, there):
            yield _shift(zone, here, there)
        here = there


def _shift(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first whole second with the new offset."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle <= before:
            break
        before, after = (middle, after) if _offset(zone, middle) == _offset(zone, before) else (before, middle)
    return after.replace(microsecond=0)


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
