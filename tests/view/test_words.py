"""Numbers, words and host names as operators read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.outcome import Outcome
from runbook.view.words import MARKS, Status, duration, fold_hosts, measured, name_hosts, plural, status_of


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"), (0.0004, "0 ms"), (0.34, "340 ms"), (0.9994, "999 ms"), (0.9996, "0:01"), (1, "0:01"), (41.4, "0:41"),
        (59.6, "1:00"), (127, "2:07"), (3599.7, "1:00:00"), (3723, "1:02:03"), (360000, "100:00:00"),
        (-127, "-2:07"), (math.inf, "-"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_a_duration_reads_as_a_clock(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "error", "shown"),
    [
        (12.44, 0.0, "12.4 s"), (12.44, 0.6, "12.4 s (up to 0.6 s less)"), (0, 0, "0.0 s"), (59.97, 0, "1:00.0"),
        (127.31, 0.52, "2:07.3 (up to 0.5 s less)"), (12.4, 0.01, "12.4 s"), (math.inf, 0, "-"),
    ],
)  # fmt: skip
def test_a_measurement_carries_its_error(seconds: float, error: float, shown: str) -> None:
    assert measured(seconds, error) == shown


def test_host_names_fold_to_node_sets_and_odd_names_stay_as_they_are() -> None:
    assert fold_hosts(["db-01", "db-02", "db-03", "db-06", "web1"]) == "db-[01-03,06],web1"
    assert fold_hosts(["db1", "db1"]) == "db1"
    assert fold_hosts(["web[1]", "@all", "a!b", "db1", "::1"]) == "db1,web[1],@all,a!b,::1"
    assert fold_hosts([]) == ""


def test_hosts_too_many_for_a_sentence_are_counted() -> None:
    assert name_hosts(("db1", "db2")) == "db[1-2]"
    assert name_hosts(("a-very-long-name-one", "another-very-long-name-two")) == "2 hosts"
    assert name_hosts(("one-" * 20,)) == "one-" * 20


@given(st.lists(st.text(max_size=8), max_size=8))
def test_folding_takes_any_names(names: list[str]) -> None:
    assert isinstance(fold_hosts(names), str)


def test_nouns_agree_with_their_number() -> None:
    assert [plural(0, "host"), plural(1, "host"), plural(1200, "host"), plural(2, "try", "tries")] == [
        "0 hosts", "1 host", "1,200 hosts", "2 tries",
    ]  # fmt: skip


def test_every_status_has_a_word_and_a_shape_of_its_own_that_fit_their_column() -> None:
    marks = [MARKS[status] for status in Status]
    assert len({mark.word for mark in marks}) == len(marks)
    assert all(1 <= len(mark.word) <= 5 and len(mark.shape) == 1 and mark.shape.isascii() for mark in marks)


def test_a_lost_answer_is_shown_as_doubt_and_never_as_ok() -> None:
    assert {outcome: MARKS[status_of(outcome)].word for outcome in Outcome} == {
        Outcome.SUCCEEDED: "OK",
        Outcome.FAILED: "FAIL",
        Outcome.SKIPPED: "SKIP",
        Outcome.UNREACHABLE: "UNRCH",
        Outcome.TIMED_OUT: "FAIL",
        Outcome.CANCELLED: "ABRT",
        Outcome.IN_DOUBT: "DOUBT",
        Outcome.NOT_REACHED: "-",
    }
