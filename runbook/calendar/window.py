"""Windows and freezes: on which days, at which times of day, something may be done or must not be done.

Both are tested by the wall clock that shows at an instant and never by turning their edges into instants. On the days
on which clocks are set, edges would give windows of no, of negative or of five times their length; a wall clock is
always inside or outside. So `02:30-02:45` opens twice in the repeated hour, a quarter of an hour each time, and a
window that lies within the hour that is left out does not exist on that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from runbook.calendar.zone import instants, is_zone, zone_named
from runbook.problem import problem

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WHOLE_DAY = 24 * 60
"""Minutes."""

_DAY = f"(?:{'|'.join(DAYS)})"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_WINDOW = re.compile(
    rf"(daily|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*) ({_CLOCK})-({_CLOCK}|24:00) ([A-Za-z0-9_+/-]+)"
)
_FREEZE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{4}-[0-9]{2}-[0-9]{2})(?: (\S.*))?")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the week, in one zone."""

    days: frozenset[int]
    """0 is Monday. One that goes past midnight belongs to the day on which it begins."""
    begins: int
    """Minutes since midnight by the wall clock."""
    ends: int
    """The first minute outside; not above 1440, and below `begins` where it goes past midnight."""
    zone: str
    text: str
    """As it is written."""

    def holds(self, moment: datetime) -> bool:
        """Whether the wall clock of that instant is inside."""
        wall = moment.astimezone(zone_named(self.zone))
        minute, today = wall.hour * 60 + wall.minute, wall.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        return (today in self.days and minute >= self.begins) or ((today - 1) % 7 in self.days and minute < self.ends)

    def edges(self, first: date, last: date) -> Iterator[datetime]:
        """Instants at which it may begin or end, of every day from the first to the last; in no order."""
        zone = zone_named(self.zone)
        late = self.ends if self.begins < self.ends else self.ends + WHOLE_DAY
        for day in _days(first, last):
            yield from (*instants(day, self.begins, zone), *instants(day, late, zone))


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which nothing is done, the first and the last of them included."""

    first: date
    last: date
    zone: str
    reason: str
    """Why, as somebody wrote it; empty where nobody did."""
    text: str

    def holds(self, moment: datetime) -> bool:
        """Whether the day of that instant, in the zone, is one of them."""
        return self.first <= moment.astimezone(zone_named(self.zone)).date() <= self.last

    def edges(self, first: date, last: date) -> Iterator[datetime]:
        """Instants at which it may begin or end, as far as they lie between those days; in no order."""
        for day in (self.first, self.last + timedelta(days=1)):
            if first <= day <= last:
                yield from instants(day, 0, zone_named(self.zone))


def read_window(text: str) -> Window:
    """Days, times and a zone: `Sun 02:00-06:00 Europe/Berlin`, `Mon,Wed-Fri 22:00-04:00 UTC`, `daily 00:00-24:00 UTC`.

    Raises:
        Problems: `bad-window`: it is none, or is empty.
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        fix = 'Write days, times and a time zone, as in "Sun 02:00-06:00 Europe/Berlin".'
        raise problem(f'"{text}" is no window', fix=fix, code="bad-window")
    days, begins, ends, zone = match.groups()
    if begins == ends:
        fix = "A window has to be longer than nothing; a whole day is 00:00-24:00."
        raise problem(f'"{text}" is no window', fix=fix, code="bad-window")
    if not is_zone(zone):
        fix = f'"{zone}" is no time zone; write UTC or a name such as Europe/Berlin.'
        raise problem(f'"{text}" is no window', fix=fix, code="bad-window")
    return Window(days=_weekdays(days), begins=_minute(begins), ends=_minute(ends), zone=zone, text=text)


def read_freeze(text: str, zone: str = "") -> Freeze:
    """The first and the last day, and perhaps why: `2026-12-20/2027-01-03 year-end closing`.

    Raises:
        Problems: `bad-freeze`.
    """
    match = _FREEZE.fullmatch(text)
    try:
        first, last = (date.fromisoformat(part) for part in match.groups()[:2]) if match else (date.max, date.min)
    except ValueError:
        first, last, match = date.max, date.min, None
    if match is None:
        fix = 'Write the first and the last day, as in "2026-12-20/2027-01-03", and the reason behind them.'
        raise problem(f'"{text}" is no freeze', fix=fix, code="bad-freeze")
    if first > last:
        fix = f"It ends before it begins; write {last}/{first}."
        raise problem(f'"{text}" is no freeze', fix=fix, code="bad-freeze")
    return Freeze(first=first, last=last, zone=zone or "UTC", reason=match[3] or "", text=text)


def _weekdays(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {(begin + count) % 7 for count in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=count) for count in range((last - first).days + 1))
