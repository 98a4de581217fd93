"""What is due as a calendar that clients subscribe to (iCalendar, RFC 5545).

The same sources give the same bytes: stamps are the newest source's time and never the clock's, names of events are
made of what they are about. Every moment of the next 400 days is an event of its own, since windows, freezes and the
next run move them, which no rule of repetition could say. Times are in UTC, because a local time in the hour that comes
twice is two instants; what is owed by the day is a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from runbook.calendar.cron import moments
from runbook.calendar.hours import HORIZON
from runbook.calendar.saying import clock_words
from runbook.schedule.agenda import Item
from runbook.view.sanitize import safe

_NAME = "What is due"
_MOST = 400
"""Events of one schedule: one a day for as long as it is looked ahead."""
_REFRESH = timedelta(hours=1)
_NOTICE = timedelta(days=-1)
"""When an attended one is announced."""


def calendar_file(items: Iterable[Item], *, stamp: datetime, workspace: str) -> str:
    """The file's text, with the line ends that the format wants.

    Args:
        items: What is scheduled.
        stamp: The time of the newest source, from which on it is looked ahead as well.
        workspace: What tells events of two workspaces apart, where somebody subscribes to both.
    """
    here = hashlib.sha256(workspace.encode()).hexdigest()[:12]
    calendar = Calendar()
    calendar.add("prodid", "-//runbook//due//EN")
    calendar.add("version", "2.0")
    calendar.add("name", _NAME)
    calendar.add("x-wr-calname", _NAME)
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for item in items:
        for slot in _slots(item, stamp):
            calendar.add_component(_event(item, slot, stamp, here))
    return bytes(calendar.to_ical()).decode()


def _slots(item: Item, stamp: datetime) -> Iterator[datetime]:
    """The moment that is owed, and those that come, a bounded number of them."""
    duty, owed = item.duty, item.standing.slot
    if owed is not None:
        yield owed
    if duty.cron is None:
        return
    begin = max(owed, stamp) if owed is not None else stamp
    for count, slot in enumerate(moments(duty.cron, begin), start=1):
        if count >= _MOST or slot > begin + HORIZON:
            return
        yield slot


def _event(item: Item, slot: datetime, stamp: datetime, here: str) -> Event:
    duty, event = item.duty, Event()
    event.add("uid", f"{duty.slot_id(slot)}@{here}")
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("summary", _summary(item, slot))
    event.add("description", f"{safe(item.book.title)}\n{safe(item.command)}")
    if duty.every is not None:
        event.add("dtstart", duty.day(slot))
    else:
        event.add("dtstart", slot)
        event.add("dtend", slot + timedelta(seconds=_expected(item)))
    if duty.attended:
        event.add_component(_alarm(item))
    return event


def _summary(item: Item, slot: datetime) -> str:
    """With the local time where a schedule has a zone: clients show both times alike in the hour that comes twice."""
    duty = item.duty
    at = f" at {clock_words(slot, duty.cron.zone)}" if duty.cron and duty.cron.zone != "UTC" else ""
    return f"{duty.runbook} in {duty.environment}{at}"


def _expected(item: Item) -> float:
    """Seconds that it is planned to take; an hour where nobody says."""
    return sum(section.expected for section in item.book.sections) or 3600.0


def _alarm(item: Item) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", _NOTICE)
    alarm.add("description", f"{item.duty.runbook} is due tomorrow")
    return alarm
