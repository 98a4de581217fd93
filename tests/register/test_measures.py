"""Figures over many runs, and what too few of them cannot say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runbook.register.measures import Spread, spread, widest_gap
from tests.schedule.duties import at

DAY = timedelta(days=1)


def test_without_a_run_there_is_no_figure() -> None:
    assert spread([]) == Spread(count=0)


def test_two_runs_have_a_last_and_a_longest_and_nothing_else() -> None:
    assert spread([40.0, 50.0]) == Spread(count=2, last=40.0, longest=50.0)


def test_three_have_a_median_and_twenty_a_percentile() -> None:
    assert spread([40.0, 90.0, 50.0]).p50 == 50.0
    assert spread([float(n) for n in range(1, 20)]).p95 is None
    assert spread([float(n) for n in range(1, 21)]).p95 == 19.0


@pytest.mark.parametrize(
    ("newest_first", "trend"),
    [
        ([50.0, 40.0, 30.0, 20.0, 10.0], 10.0),
        ([10.0, 20.0, 30.0, 40.0, 50.0], -10.0),
        ([30.0, 30.0, 900.0, 30.0, 30.0], 0.0),
        ([50.0, 40.0, 30.0, 20.0], None),
    ],
)
def test_a_trend_is_what_most_pairs_of_runs_say_and_one_odd_run_does_not_turn_it(
    newest_first: list[float], trend: float | None
) -> None:
    assert spread(newest_first).trend == trend


def test_the_widest_gap_counts_from_the_run_before_the_period_to_its_end() -> None:
    begin, end = at("2026-01-01"), at("2027-01-01")
    runs = [at("2025-12-01"), at("2026-03-01"), at("2026-04-01")]
    assert widest_gap(runs, begin, end) == end - at("2026-04-01")
    assert widest_gap(runs[:1], begin, end) == end - at("2025-12-01")
    assert widest_gap([], begin, end) == end - begin
