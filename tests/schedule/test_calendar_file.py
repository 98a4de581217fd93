"""The calendar that clients subscribe to, read again by the library that reads calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar
from msgspec.structs import replace

from runbook.core.written.runbook import Runbook
from runbook.schedule.agenda import Item
from runbook.schedule.calendar_file import calendar_file
from runbook.schedule.duty import Duty
from tests.schedule.duties import BOOK, at, nightly, quarterly, ran

STAMP = at("2026-10-20T12:00")


def item(duty: Duty, *, title: str = "Fail over") -> Item:
    book = Runbook(version=1, kind="drill", name=BOOK, title=title, sections=())
    runs = (ran("2026-10-20T11:00"),)
    return Item(book=book, duty=duty, inventory="lab", now=STAMP, runs=runs)


def text(*items: Item) -> str:
    return calendar_file(items, stamp=STAMP, workspace="/somewhere")


def events(*items: Item) -> list:
    return Calendar.from_ical(text(*items)).walk("VEVENT")


def test_what_is_owed_by_the_day_is_a_day_with_an_alarm_the_day_before() -> None:
    [event] = events(item(quarterly()))
    assert event.decoded("dtstart") == date(2027, 1, 18)
    assert str(event["uid"]).startswith("orders-failover.lab.schedule@20270119T0000Z@")
    [alarm] = event.walk("VALARM")
    assert alarm.decoded("trigger") == timedelta(days=-1)
    assert "runbook run orders-failover -i lab" in event["description"]


def test_a_title_that_would_drive_a_terminal_stands_there_as_text() -> None:
    assert "\x1b" not in text(item(nightly(), title="Fail\x1b[2J over"))


def test_the_command_in_an_event_can_be_typed_whatever_the_values_are() -> None:
    event, *_ = events(item(replace(nightly(), parameters={"note": "all of it; now"})))
    assert event["description"].endswith("runbook run orders-failover -i lab -p 'note=all of it; now'")


def test_every_moment_of_a_year_is_an_event_of_its_own_in_utc() -> None:
    nights = events(item(nightly("30 2 * * *", "Europe/Berlin")))
    assert len(nights) == 400
    starts = [event.decoded("dtstart") for event in nights]
    assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) in starts
    assert starts == sorted(set(starts))
    assert not any(event.walk("VALARM") for event in nights)


def test_a_time_that_comes_twice_is_told_with_its_offset() -> None:
    names = [str(event["summary"]) for event in events(item(nightly("30 2 * * *", "Europe/Berlin")))]
    assert "orders-failover in lab at 02:30 (+0200)" in names


def test_the_same_sources_give_the_same_bytes() -> None:
    assert text(item(quarterly())) == text(item(quarterly()))


def test_lines_are_short_end_as_the_format_wants_and_cut_no_letter() -> None:
    written = text(item(quarterly(), title="Über die Brücke, " * 12))
    lines = written.split("\r\n")
    assert "\n" not in "".join(lines)
    assert all(len(line.encode()) <= 75 for line in lines)
    [event] = Calendar.from_ical(written).walk("VEVENT")
    assert "Über die Brücke, Über" in event["description"]
