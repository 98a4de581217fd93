"""How a duty stands: every word, when it is said, and which of them is said when several fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from runbook.calendar.window import read_window
from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty
from runbook.schedule.standing import standing, start_window
from tests.schedule.duties import SINCE, at, hours, live, nightly, quarterly, ran

GOOD = ran("2026-01-10T09:00")


def word(duty: Duty, now: str, *runs: RunSummary) -> str:
    return standing(duty, runs, at(now)).state


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-10T10:00", "in date"),
        ("2026-03-31T23:59", "in date"),
        ("2026-04-02T00:00", "due soon"),
        ("2026-04-10T23:59", "due soon"),
        ("2026-04-11T00:00", "due"),
        ("2026-04-17T23:59", "due"),
        ("2026-04-18T00:00", "overdue"),
    ],
)
def test_what_is_owed_every_so_often_is_owed_by_the_end_of_a_day_and_overdue_after_its_grace(
    now: str, expected: str
) -> None:
    assert word(quarterly(), now, GOOD) == expected


def test_the_day_ends_where_the_schedule_says() -> None:
    berlin = quarterly(zone="Europe/Berlin")
    assert standing(berlin, (GOOD,), at("2026-03-01")).slot == at("2026-04-11T00:00+02:00")


def test_a_run_that_failed_does_not_move_the_date() -> None:
    bad = ran("2026-04-01T09:00", run="failed", is_green=False)
    found = standing(quarterly(), (bad, GOOD), at("2026-05-01"))
    assert (found.state, found.by_date, found.slot) == ("invalid", "overdue", at("2026-04-11"))
    assert found.because == (
        "the last run was not good enough: not every verdict is green: "
        "run failed, steady state met, objectives met, revert verified"
    )


def test_a_shorter_period_than_a_day_is_counted_from_the_end_itself() -> None:
    often = quarterly(every=timedelta(hours=6))
    assert standing(often, (GOOD,), at("2026-01-10T09:30")).slot == at("2026-01-10T15:10")


def test_what_never_ran_is_owed_from_the_day_on_which_somebody_stood_for_it() -> None:
    assert word(quarterly(), "2026-06-01") == "never"
    assert word(quarterly(since=SINCE), "2026-02-01") == "never"
    assert word(quarterly(since=SINCE), "2026-06-01") == "overdue"
    assert word(nightly(since=SINCE), "2026-01-10T15:00") == "due soon"
    assert word(nightly(since=SINCE), "2026-01-11T02:30") == "due"
    assert word(nightly(), "2026-01-11T02:30") in {"never", "due soon"}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-11T01:59", "due soon"),
        ("2026-01-11T02:00", "due"),
        ("2026-01-11T02:59", "due"),
        ("2026-01-11T03:00", "missed"),
        ("2026-01-11T04:24", "overdue"),
    ],
)
def test_what_nobody_attends_is_missed_when_its_last_moment_to_begin_has_gone(now: str, expected: str) -> None:
    assert word(nightly(), now, ran("2026-01-10T02:00")) == expected


def test_a_run_counts_for_its_moment_and_a_little_before_it() -> None:
    weekly = nightly("0 2 * * 1", attended=True)
    early, too_early = ran("2026-01-11T03:00"), ran("2026-01-10T01:00")
    assert standing(weekly, (early,), at("2026-01-12T12:00")).slot == at("2026-01-19T02:00")
    assert word(weekly, "2026-01-12T12:00", too_early) == "due"
    assert standing(weekly, (early,), at("2026-01-11T12:00")).slot == at("2026-01-19T02:00"), "done beforehand"


def test_what_a_freeze_holds_is_postponed_until_it_thaws() -> None:
    frozen = quarterly(hours=hours(freeze=("2026-04-09/2026-04-13",)))
    found = standing(frozen, (GOOD,), at("2026-04-12T10:00"))
    assert (found.state, found.until, found.because) == (
        "postponed",
        at("2026-04-14"),
        "not before Tue 14 Apr 2026 00:00 UTC",
    )
    assert word(frozen, "2026-04-14", GOOD) == "due"


def test_an_unattended_one_waits_for_its_window_and_is_missed_where_that_comes_too_late() -> None:
    windowed = nightly(window=read_window("daily 03:00-04:00 UTC"), late=None)
    assert word(windowed, "2026-01-11T02:30", ran("2026-01-10T03:00")) == "postponed"
    assert word(windowed, "2026-01-11T03:30", ran("2026-01-10T03:00")) == "due"
    assert word(windowed, "2026-01-11T04:00", ran("2026-01-10T03:00")) == "missed"
    late = nightly(window=read_window("daily 04:00-05:00 UTC"), late=timedelta(hours=1))
    assert word(late, "2026-01-11T02:30", ran("2026-01-10T04:00")) == "missed"


def test_a_window_of_its_own_and_those_of_its_place_must_both_be_open() -> None:
    both = nightly(window=read_window("daily 03:00-06:00 UTC"), hours=hours("Mon 05:00-07:00 UTC"), late=None)
    assert start_window(both, at("2026-01-11T02:00")) == (at("2026-01-12T05:00"), at("2026-01-12T06:00"))
    never = nightly(window=read_window("Tue 03:00-06:00 UTC"), hours=hours("Mon 05:00-07:00 UTC"))
    assert start_window(never, at("2026-01-11T02:00"))[0] is None


def test_while_a_run_is_live_that_is_all_there_is_to_say() -> None:
    assert word(quarterly(), "2026-12-01", live(ran("2026-12-01T00:00")), GOOD) == "running"
    elsewhere = live(ran("2026-12-01T00:00", environment="production"))
    assert word(quarterly(), "2026-12-01", elsewhere, GOOD) == "overdue"


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"source_sha256": "b0"}, "the runbook changed since the last run"),
        ({"files": {"inventory-00-hosts.yaml": "i0"}}, "the inventory changed since the last run"),
        ({"version": "1.1.9"}, "the program changed since the last run"),
    ],
)
def test_a_run_that_rested_on_something_else_is_stale(changed: dict, because: str) -> None:
    found = standing(quarterly(), (ran("2026-01-10T09:00", **changed),), at("2026-02-01"))
    assert (found.state, found.by_date, found.because) == ("invalid", "in date", because)


def test_a_rehearsal_of_a_part_is_no_verdict_about_the_whole() -> None:
    part = ran("2026-02-01T09:00", limit="db1", run="failed", is_green=False)
    assert word(quarterly(), "2026-02-02", part, GOOD) == "in date"


def test_of_two_changes_of_clocks_neither_makes_a_night_come_twice_or_not_at_all() -> None:
    night = nightly("30 2 * * *", "Europe/Berlin")
    for day, expected in (("2026-03-29", "2026-03-29T03:00+02:00"), ("2026-10-25", "2026-10-25T02:30+02:00")):
        found = standing(night, (ran("2026-01-01T02:30"),), at(f"{day}T04:00+00:00"))
        assert found.slot == at(expected)


def test_the_name_of_a_moment_is_of_its_runbook_its_place_its_schedule_and_its_instant() -> None:
    assert nightly(zone="Europe/Berlin").slot_id(at("2026-10-25T02:30+02:00")) == (
        "orders-failover.lab.schedule@20261025T0030Z"
    )


INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001
DUTIES = st.sampled_from(
    [
        quarterly(),
        quarterly(
            since=SINCE, zone="Europe/Berlin", hours=hours("Sun 02:00-06:00 UTC", freeze=("2026-04-01/2026-05-01",))
        ),
        nightly("30 2 * * *", "Europe/Berlin"),
        nightly("0 2 1 * *", since=SINCE, window=read_window("Sat 01:00-03:00 UTC"), late=timedelta(days=7)),
    ]
)


@given(duty=DUTIES, now=INSTANTS, begun=st.lists(INSTANTS, max_size=4), fine=st.booleans())
def test_whatever_was_done_and_whenever_it_is_asked_there_is_one_word(
    duty: Duty, now: datetime, begun: list[datetime], fine: bool
) -> None:
    runs = tuple(ran(f"{one:%Y-%m-%dT%H:%M}", is_green=fine) for one in sorted(begun, reverse=True) if one <= now)
    found = standing(duty, runs, now)
    assert (found.last is not None) == (bool(runs) and fine)
    if found.state in {"due", "overdue", "missed", "postponed"}:
        assert found.slot is not None
        assert found.slot <= now
    if found.state in {"in date", "due soon"} and found.slot is not None:
        assert found.slot > now


def test_a_run_without_a_time_fulfils_nothing_that_is_due_today() -> None:
    odd = replace(ran("2026-01-10T09:00", ended=""), started="")
    assert word(quarterly(), "2026-02-01", odd) == "overdue"
