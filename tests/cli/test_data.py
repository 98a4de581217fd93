"""JSON that keeps its values and cannot drive a terminal; tables that stand straight."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.cli.text.data import json_text, table_lines


@given(st.text())
def test_json_keeps_every_value_and_prints_only_what_is_printable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is no text, and nothing that was decoded as UTF-8 holds one
    document = json_text({"value": text})
    assert json.loads(document) == {"value": text}
    assert all(char.isprintable() or char == "\n" for char in document)


def test_letters_of_every_language_stay_readable() -> None:
    assert json_text(["Zürich", "東京"]) == '[\n  "Zürich",\n  "東京"\n]'


def test_a_character_beyond_the_basic_plane_is_escaped_as_a_pair() -> None:
    assert json_text("\U000e0041") == '"\\udb40\\udc41"'


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table_lines(("host", "is"), [("db1", "up"), ("a-long-name", "down, since Monday")]) == (
        "host         is",
        "db1          up",
        "a-long-name  down, since Monday",
    )


def test_columns_behind_the_end_of_a_terminal_stand_below_so_that_no_id_is_broken_in_two() -> None:
    rows = [("Monday", "completed", "20261128T001803Z-night-e842", ""), ("Friday", "live", "x-1", "it takes long")]
    assert table_lines(("started", "verdict", "run", "why"), rows, room=40) == (
        "started  verdict",
        "    run                          why",
        "Monday   completed",
        "    20261128T001803Z-night-e842",
        "Friday   live",
        "    x-1                          it takes long",
    )


@pytest.mark.parametrize("room", [0, 5, 13, 80], ids=["a pipe", "a first column too wide", "the last alone", "all"])
def test_a_row_is_one_line_where_only_the_last_column_would_go_on(room: int) -> None:
    rows = [("long-host", "up", "since Monday")]
    assert table_lines(("host", "is", "why"), rows, room) == (
        "host       is  why",
        "long-host  up  since Monday",
    )
