"""Moments of cron expressions, as Debian's cron takes them, in a zone by name.

cronsim walks the clock on the wall; this file alone knows it, and holds it to rules of its own. What comes out is
instants in UTC, each later than the one before and than the one asked about, whatever clocks were set in between. `*`
and `*/n` as the minute or the hour mean time that passes, and come in every hour that there is; anything else means a
moment of the day: one that is left out comes when the clock is set, one that is repeated comes once, the first time. A
day that a whole zone left out (Samoa, 2011) is a day that was not there, and nothing of it is made up for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from cronsim import CronSim, CronSimError

from runbook.calendar.zone import is_zone, zone_named
from runbook.problem import problem

_FIELDS = 5
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FARTHEST = timedelta(days=5 * 366)
"""What does not come within this never comes, as far as anybody who planned it is concerned."""
_SETTING = timedelta(hours=3)
"""A clock that is moved by more was not set: days were left out, or a zone was corrected."""
_LOOKS_BACK = (timedelta(days=2), timedelta(days=40), timedelta(days=400), _FARTHEST)
"""Where a moment is sought backwards: what comes often is found in the first, and nothing is walked for long."""
_WAY = "Write minute, hour, day, month and day of the week, as in 30 2 * * 1-5."


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that can be read, and its zone."""

    text: str
    """Five fields; words such as `@daily` are written out."""
    zone: str

    @property
    def is_of_the_day(self) -> bool:
        """It means moments of the day, and not time that passes."""
        minute, hour, *_ = self.text.split()
        return not (minute.startswith("*") or hour.startswith("*"))


def read_cron(text: str, zone: str = "") -> Cron:
    """Five fields, or one of cron's words; the zone is a name, and UTC where there is none.

    Raises:
        Problems: `bad-cron`, `unknown-zone`: it is none, or its zone is no place.
    """
    plain = " ".join(_WORDS.get(text.strip().lower(), text).split())
    if len(plain.split()) != _FIELDS:
        raise problem(f'"{text}" is no cron expression', why=_why(plain), fix=_WAY, code="bad-cron")
    if zone and not _is_place(zone):
        fix = "Write UTC, or a place such as Europe/Berlin: an offset is wrong for half of the year."
        raise problem(f'"{zone}" is no zone for a schedule', fix=fix, code="unknown-zone")
    try:
        CronSim(plain, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as wrong:
        raise problem(f'"{text}" is no cron expression', why=str(wrong).lower(), fix=_WAY, code="bad-cron") from wrong
    return Cron(text=plain, zone=zone or "UTC")


def moments(cron: Cron, after: datetime) -> Iterator[datetime]:
    """Every moment behind an instant, in order, in UTC, for as long as one comes within five years of the last."""
    zone = zone_named(cron.zone)
    last = after.astimezone(UTC)
    for found in CronSim(cron.text, last.astimezone(zone)):
        moment = found.astimezone(UTC)
        if moment - last > _FARTHEST:
            return
        if moment > last and not _is_of_a_missing_day(cron, moment):
            yield moment
            last = moment


def next_after(cron: Cron, after: datetime) -> datetime | None:
    """The first moment behind an instant; None where none comes within five years."""
    return next(moments(cron, after), None)


def latest(cron: Cron, until: datetime) -> datetime | None:
    """The newest moment up to an instant, itself included; None where there was none for five years."""
    for back in _LOOKS_BACK:
        found = None
        for moment in moments(cron, until - back):
            if moment > until:
                break
            found = moment
        if found is not None:
            return found
    return None


def moved(cron: Cron, after: datetime, before: datetime) -> Iterator[datetime]:
    """The moments between two instants that come at another time of day than is written, because a clock is set."""
    if not cron.is_of_the_day:
        return
    for moment in moments(cron, after):
        if moment >= before:
            return
        if not _is_as_written(cron, moment):
            yield moment


def in_words(cron: Cron) -> str:
    """The expression as a sentence in English."""
    return f"{CronSim(cron.text, datetime(2000, 1, 1, tzinfo=UTC)).explain()} ({cron.zone})"


def _why(plain: str) -> str:
    if plain.startswith("@"):
        return f"of the words only {', '.join(_WORDS)} mean moments"
    return f"it has {len(plain.split())} fields"


def _is_place(zone: str) -> bool:
    return zone == "UTC" or ("/" in zone and not zone.startswith("Etc/") and is_zone(zone))


def _is_as_written(cron: Cron, moment: datetime) -> bool:
    wall, written = moment.astimezone(zone_named(cron.zone)), CronSim(cron.text, datetime(2000, 1, 1, tzinfo=UTC))
    return wall.minute in written.minutes and wall.hour in written.hours


def _is_of_a_missing_day(cron: Cron, moment: datetime) -> bool:
    zone = zone_named(cron.zone)
    now, before = (one.astimezone(zone).utcoffset() for one in (moment, moment - timedelta(seconds=1)))
    leapt = now is not None and before is not None and abs(now - before) > _SETTING
    return leapt and cron.is_of_the_day and not _is_as_written(cron, moment)
