"""Moments of cron expressions, and what becomes of them on the days on which clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest

from runbook.calendar.cron import in_words, moments, moved, next_after, read_cron
from runbook.problem import Problems

GAP, FOLD = "2026-03-29", "2026-10-25"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def day(expression: str, zone: str, date: str) -> list[str]:
    """Its moments of one day, by the wall clock there."""
    cron, begin = read_cron(expression, zone), datetime.fromisoformat(date)
    from zoneinfo import ZoneInfo

    here = ZoneInfo(zone)
    start, end = begin.replace(tzinfo=here), (begin + timedelta(days=1)).replace(tzinfo=here)
    found = []
    for moment in moments(cron, start.astimezone(UTC) - timedelta(seconds=1)):
        if moment >= end.astimezone(UTC):
            return [f"{one.astimezone(here):%H:%M%z}" for one in found]
        found.append(moment)
    return [f"{one.astimezone(here):%H:%M%z}" for one in found]


@pytest.mark.parametrize(
    ("expression", "zone", "date", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", GAP, ["03:00+0200"]),
        ("0 2,3 * * *", "Europe/Berlin", GAP, ["03:00+0200"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["02:30+1100"]),
        ("30 2 * * *", "Europe/Berlin", FOLD, ["02:30+0200"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["01:45+1100"]),
        ("30 1 * * *", "America/New_York", "2026-11-01", ["01:30-0400"]),
        ("0 9 * * *", "Pacific/Apia", "2011-12-31", ["09:00+1400"]),
        ("0 0 * * *", "Pacific/Apia", "2011-12-31", ["00:00+1400"]),
    ],
)
def test_a_moment_of_the_day_comes_once_a_day(expression: str, zone: str, date: str, expected: list[str]) -> None:
    assert day(expression, zone, date) == expected


def test_time_that_passes_comes_in_every_hour_that_there_is() -> None:
    assert len(day("*/30 * * * *", "Europe/Berlin", GAP)) == 46
    assert len(day("*/30 * * * *", "Europe/Berlin", FOLD)) == 50
    assert day("15 */2 * * *", "Europe/Berlin", GAP)[:2] == ["00:15+0100", "04:15+0200"]


def test_asked_in_the_second_of_two_hours_it_does_not_answer_with_the_first() -> None:
    later = at("2026-10-25T02:15+01:00")
    assert next_after(read_cron("30 2 * * *", "Europe/Berlin"), later) == at("2026-10-26T02:30+01:00")


@pytest.mark.parametrize(
    ("expression", "first"),
    [("0 0 */2 * 1", "2026-11-09T00:00+00:00"), ("0 0 1,15 * MON", "2026-11-02T00:00+00:00")],
)
def test_a_day_of_the_month_and_one_of_the_week_are_taken_as_cron_takes_them(expression: str, first: str) -> None:
    """Both must fit where one of them begins with a star, else either."""
    assert next_after(read_cron(expression), at("2026-11-01T12:00+00:00")) == at(first)


def test_each_moment_is_later_than_the_one_before_through_a_year_in_every_kind_of_zone() -> None:
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo", "UTC"):
        for expression in ("0 2,3 * * *", "*/30 1-3 * * *", "15 1-23/2 * * *"):
            found = list(islice(moments(read_cron(expression, zone), at("2026-01-01T00:00+00:00")), 3000))
            assert all(one < other for one, other in pairwise(found))


def test_what_a_clock_moves_is_told_beforehand() -> None:
    year = at("2026-01-01T00:00+00:00"), at("2027-01-01T00:00+00:00")
    assert list(moved(read_cron("30 2 * * *", "Europe/Berlin"), *year)) == [at("2026-03-29T03:00+02:00")]
    assert list(moved(read_cron("*/30 2 * * *", "Europe/Berlin"), *year)) == []
    assert list(moved(read_cron("30 4 * * *", "Europe/Berlin"), *year)) == []


def test_the_words_of_cron_that_mean_moments_are_taken() -> None:
    assert read_cron("@daily", "Europe/Berlin").text == "0 0 * * *"
    assert in_words(read_cron("0 6 * * 1", "Europe/Berlin")) == "At 06:00 on Monday (Europe/Berlin)"


def test_what_does_not_come_within_five_years_never_comes() -> None:
    assert next_after(read_cron("0 0 29 2 *"), at("2026-11-01T00:00+00:00")) == at("2028-02-29T00:00+00:00")
    assert next_after(read_cron("0 0 29 2 *"), at("2096-03-01T00:00+00:00")) is None


@pytest.mark.parametrize(
    ("expression", "zone", "code", "why"),
    [
        ("0 0 30 2 *", "", "bad-cron", "bad day-of-month"),
        ("61 * * * *", "", "bad-cron", "bad minute"),
        ("0 0 0 1 1 *", "", "bad-cron", "it has 6 fields"),
        ("H 2 * * *", "", "bad-cron", "bad minute"),
        ("@reboot", "", "bad-cron", "of the words only @yearly"),
        ("", "", "bad-cron", "it has 0 fields"),
        ("0 2 * * *", "EST5EDT", "unknown-zone", ""),
        ("0 2 * * *", "Etc/GMT+5", "unknown-zone", ""),
        ("0 2 * * *", "Mars/Base", "unknown-zone", ""),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_write(expression: str, zone: str, code: str, why: str) -> None:
    with pytest.raises(Problems) as refused:
        read_cron(expression, zone)
    [found] = refused.value.problems
    assert (found.code, bool(found.fix)) == (code, True)
    assert found.why.startswith(why)
