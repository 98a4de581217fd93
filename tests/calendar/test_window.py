"""Windows and freezes by the wall clock: what is inside, when it opens next, and the days on which clocks are set."""

from datetime import UTC, datetime, timedelta

import pytest

from runbook.calendar.hours import Hours
from runbook.calendar.window import read_freeze, read_window
from runbook.problem import Problems


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def hours(*windows: str, freeze: tuple[str, ...] = (), zone: str = "") -> Hours:
    return Hours(windows=tuple(map(read_window, windows)), freezes=tuple(read_freeze(text, zone) for text in freeze))


def openings(of: Hours, first: str, last: str) -> list[tuple[str, str]]:
    """Every stretch between two instants in which a place is open, in UTC."""
    found, now, end = [], at(first), at(last)
    while (begin := of.opens(now)) is not None and begin < end:
        now = of.closes(begin)
        found.append((f"{begin:%d %H:%M}", f"{now:%d %H:%M}"))
    return found


def test_a_window_is_open_at_its_first_minute_and_closed_at_its_last():
    sunday = hours("Sun 02:00-06:00 Europe/Berlin")
    assert [sunday.is_open(at(f"2026-11-29T{clock}+01:00")) for clock in ("01:59", "02:00", "05:59", "06:00")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_begins():
    friday = hours("Fri 22:00-04:00 UTC")
    assert openings(friday, "2026-11-23T00:00+00:00", "2026-12-06T00:00+00:00") == [
        ("27 22:00", "28 04:00"),
        ("04 22:00", "05 04:00"),
    ]


def test_days_are_listed_and_ranged_and_a_range_may_go_over_the_weekend():
    assert read_window("Mon,Wed-Fri 08:00-09:00 UTC").days == {0, 2, 3, 4}
    assert read_window("Fri-Mon 08:00-09:00 UTC").days == {4, 5, 6, 0}
    assert read_window("daily 00:00-24:00 UTC").days == set(range(7))


def test_a_window_in_the_hour_that_is_left_out_does_not_exist_on_that_day():
    sunday = hours("Sun 02:10-02:50 Europe/Berlin")
    assert openings(sunday, "2026-03-22T00:00+01:00", "2026-04-06T00:00+02:00") == [
        ("22 01:10", "22 01:50"),
        ("05 00:10", "05 00:50"),
    ]


def test_a_window_over_the_hour_that_is_left_out_is_shorter_by_it():
    assert openings(hours("Sun 01:30-03:30 Europe/Berlin"), "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00") == [
        ("29 00:30", "29 01:30")
    ]


def test_a_window_that_begins_in_the_hour_that_is_left_out_opens_when_the_clock_is_set():
    assert openings(hours("Sun 02:30-03:30 Europe/Berlin"), "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00") == [
        ("29 01:00", "29 01:30")
    ]


def test_a_window_in_the_hour_that_is_repeated_opens_twice():
    assert openings(hours("Sun 02:30-02:45 Europe/Berlin"), "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00") == [
        ("25 00:30", "25 00:45"),
        ("25 01:30", "25 01:45"),
    ]


def test_clocks_that_are_set_by_half_an_hour_are_right_too():
    howe = hours("Sun 01:30-02:00 Australia/Lord_Howe")
    assert openings(howe, "2026-04-04T12:00+00:00", "2026-04-05T12:00+00:00") == [("04 14:30", "04 15:30")]


def test_windows_add_up():
    both = hours("Mon 08:00-10:00 UTC", "Mon 09:00-11:00 UTC", "Tue 08:00-09:00 UTC")
    assert openings(both, "2026-11-23T00:00+00:00", "2026-11-25T00:00+00:00") == [
        ("23 08:00", "23 11:00"),
        ("24 08:00", "24 09:00"),
    ]


def test_a_freeze_is_both_of_its_days_whole_in_its_zone_and_wins_over_every_window():
    frozen = hours("daily 00:00-24:00 UTC", freeze=("2026-12-20/2027-01-03 year-end",), zone="Europe/Berlin")
    assert frozen.is_open(at("2026-12-19T23:59+01:00"))
    assert not frozen.is_open(at("2026-12-20T00:00+01:00"))
    assert frozen.opens(at("2026-12-20T00:00+01:00")) == at("2027-01-04T00:00+01:00")
    assert [freeze.reason for freeze in frozen.frozen_by(at("2027-01-03T23:59+01:00"))] == ["year-end"]


def test_freezes_that_follow_each_other_thaw_once():
    frozen = hours(freeze=("2026-12-20/2026-12-26", "2026-12-27/2027-01-03"))
    assert frozen.thaws(at("2026-12-24T12:00+00:00")) == at("2027-01-04T00:00+00:00")


def test_a_place_that_says_nothing_is_always_open():
    assert hours().opens(at("2026-11-27T10:00+00:00")) == at("2026-11-27T10:00+00:00")
    assert hours().closes(at("2026-11-27T10:00+00:00")) is None


def test_a_window_that_a_freeze_covers_for_longer_than_a_year_never_opens():
    assert hours("Sun 02:00-06:00 UTC", freeze=("2026-01-01/2028-12-31",)).opens(at("2026-11-27T10:00+00:00")) is None


def test_a_window_on_the_one_day_that_a_zone_left_out_opens_the_week_after():
    """Samoa had no 30 December 2011: it was a Friday."""
    friday = hours("Fri 09:00-10:00 Pacific/Apia")
    assert friday.opens(at("2011-12-29T09:00-10:00")) == at("2012-01-06T09:00+14:00")


@pytest.mark.parametrize("minute", range(0, 3 * 24 * 60, 211))
def test_what_is_said_of_the_next_change_is_what_a_look_at_each_minute_finds(minute):
    """Around both changes of clocks in Berlin, and one in New York."""
    place = hours("Sat-Sun 23:10-02:40 Europe/Berlin", "Sun 01:15-01:45 America/New_York")
    for day in ("2026-03-28T00:00+00:00", "2026-10-24T00:00+00:00", "2026-10-31T12:00+00:00"):
        now = at(day) + timedelta(minutes=minute)
        looked = next(now + timedelta(minutes=n) for n in range(8 * 1440) if place.is_open(now + timedelta(minutes=n)))
        assert place.opens(now) == looked


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("Sunday night", "Write days, times and a time zone"),
        ("Sun 2:00-06:00 UTC", "Write days, times and a time zone"),
        ("Sun 02:00-02:00 UTC", "longer than nothing"),
        ("Sun 02:00-06:00 Mars/Base", '"Mars/Base" is no time zone'),
    ],
)
def test_what_is_no_window_is_told_with_what_to_write(text, fix):
    with pytest.raises(Problems) as refused:
        read_window(text)
    assert fix in refused.value.problems[0].fix


@pytest.mark.parametrize("text", ["soon", "2026-02-30/2026-03-01", "2027-01-03/2026-12-20", "2026-12-20/2027-01-03 "])
def test_what_is_no_freeze_is_told_with_what_to_write(text):
    with pytest.raises(Problems) as refused:
        read_freeze(text)
    assert refused.value.problems[0].fix
