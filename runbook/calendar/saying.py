"""Instants and distances as an operator reads them: with the day of the week, the zone, and how far away it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from runbook.calendar.window import DAYS
from runbook.calendar.zone import zone_named

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not the language of the machine: two people compare what they read."""
_LONG = timedelta(days=10)
"""From here on hours do not matter to anybody."""


def moment_words(moment: datetime, zone: str) -> str:
    """`Mon 4 Jan 2027 00:00 Europe/Berlin`; with the offset where the clock shows the same twice."""
    return f"{date_words(moment, zone)} {clock_words(moment, zone)} {zone or 'UTC'}"


def clock_words(moment: datetime, zone: str) -> str:
    """`06:00`, and with the offset in an hour that comes twice."""
    wall = moment.astimezone(zone_named(zone))
    twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    return f"{wall:%H:%M} ({wall:%z})" if twice else f"{wall:%H:%M}"


def date_words(moment: datetime, zone: str) -> str:
    """`Mon 4 Jan 2027`."""
    wall = moment.astimezone(zone_named(zone))
    return f"{DAYS[wall.weekday()]} {wall.day} {_MONTHS[wall.month - 1]} {wall.year}"


def distance(length: timedelta) -> str:
    """`11 days`, `1 d 11 h 50 min`, `40 min`, `under a minute`."""
    if length >= _LONG:
        return f"{length.days} days"
    minutes = int(length.total_seconds() // 60)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "under a minute"
