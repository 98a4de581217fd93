"""Durations, shares and waves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.document.scalars import listed, seconds, share_of, spell_seconds, spelled_list, wave_sizes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("15m", 900),
        ("2h", 7200),
        ("90d", 7776000),
        ("1h30m", 5400),
        ("12", 12),
        ("0.25", 0.25),
    ],
)
def test_a_duration_is_a_number_with_units(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("15 mins", 'Write "15m".'),
        ("2 weeks", 'Write "14d".'),
        ("20 msec", 'Write "20ms".'),
        ("3H", 'Write "3h".'),
        ("soon", "Write a number with a unit: 500ms, 30s, 15m, 2h, 90d or 1h30m."),
        ("-5s", "Write a number with a unit: 500ms, 30s, 15m, 2h, 90d or 1h30m."),
        ("1y", "Write a number with a unit: 500ms, 30s, 15m, 2h, 90d or 1h30m."),
        ("9000d", "Write a duration below ten years."),
    ],
)
def test_what_is_no_duration_comes_with_what_to_write(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(advice)}$"):
        seconds(text)


@given(st.integers(min_value=1, max_value=10_000_000))
def test_a_spelled_duration_reads_back(total: int) -> None:
    assert seconds(spell_seconds(float(total))) == total


@given(st.lists(st.text(max_size=6).filter(lambda text: "\r" not in text), max_size=4))
def test_a_spelled_list_reads_back(items: list[str]) -> None:
    assert listed(spelled_list(items)) == tuple(items)


def test_a_percentage_is_rounded_down() -> None:
    assert [share_of("34%", 5), share_of("100%", 5), share_of("3", 5), share_of("0", 5)] == [1, 5, 3, 0]


@pytest.mark.parametrize(
    ("batch", "total", "sizes"),
    [
        ((), 4, (4,)),
        (("1",), 3, (1, 1, 1)),
        (("25%",), 10, (2, 2, 2, 2, 2)),
        (("1", "10%", "100%"), 20, (1, 2, 17)),
        (("1%",), 3, (1, 1, 1)),
        (("5",), 3, (3,)),
        (("0",), 2, (1, 1)),
        (("1",), 0, ()),
    ],
)
def test_waves_repeat_the_last_share_and_have_at_least_one_host(
    batch: tuple[str, ...], total: int, sizes: tuple[int, ...]
) -> None:
    assert wave_sizes(batch, total) == sizes


@given(st.lists(st.sampled_from(["0", "1", "3", "10%", "50%", "100%"]), max_size=4), st.integers(0, 200))
def test_waves_hold_every_host_once(batch: list[str], total: int) -> None:
    assert sum(wave_sizes(tuple(batch), total)) == total
