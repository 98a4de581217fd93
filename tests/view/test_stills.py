"""The situation of a run against the drawings that it was made from, row by row.

A still is a promise about every character. Where the real thing taught better, the row stands in `TAUGHT` with what was
learnt; every other row is exactly what was drawn. The whole of ours is a golden text of its own beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from runbook.view.look.glyphs import ASCII, UNICODE, Glyphs
from runbook.view.look.part import Row, text_of
from runbook.view.situation.column import column_rows
from runbook.view.situation.drawn import situation
from runbook.view.situation.facts import facts_of
from runbook.view.situation.geometry import axis_room
from runbook.view.situation.sheet import sheet_for
from runbook.view.situation.top import place_row
from runbook.view.situation.wanted import wanted_row
from tests.builders import Story
from tests.payments import MIRA, NOW, PAST, answering, failing, payments, seconds

STILLS = Path(__file__).parent / "stills"

SUM = "the estimate is the sum of the planned rows themselves: 0:52 of 4.5, 2:00, 1:30 and 3:00"
LAST_BAD = "a probe is OK since its last bad answer, and a dip is one"
HERE = "nobody records who is attached, so nobody is named"
UNKNOWN = "a probe without samples says what is known, that it does not answer, and not why"
TOUCHED = "a cell that a bar only begins to fill is drawn, so that nothing that took time is invisible"
LOST_CELL = "two writes were lost at the outage itself: at 30 s a cell, both stand in its cell"
UNSEEN_FIRST = "a probe that is not known outranks a canary that writes again"

TAUGHT = {
    "160x48": {0: HERE, 3: SUM, 4: SUM, 5: SUM, 8: LAST_BAD, 9: UNKNOWN, 15: TOUCHED, 16: TOUCHED, 17: TOUCHED, 18: TOUCHED, 19: TOUCHED},
    "120x40": {0: HERE, 3: SUM, 4: SUM, 5: SUM, 8: LAST_BAD, 9: UNKNOWN, 10: LOST_CELL},
    "80x24": {2: SUM, 3: SUM, 5: LAST_BAD, 6: UNSEEN_FIRST},
    "ascii-mono-160x48": {0: HERE, 3: SUM, 4: SUM, 5: SUM, 8: LAST_BAD, 9: UNKNOWN, 15: TOUCHED, 16: TOUCHED, 17: TOUCHED, 18: TOUCHED, 19: TOUCHED},
}  # fmt: skip
SIZES = {"160x48": (160, 48, UNICODE), "120x40": (120, 40, UNICODE), "80x24": (80, 24, UNICODE), "ascii-mono-160x48": (160, 48, ASCII)}  # fmt: skip


class TextScreen(SingleFileSnapshotExtension):
    """Rows as text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextScreen)


def drawn(tale: Story, now: float, width: int, height: int, glyphs: Glyphs) -> tuple[Row, ...]:
    """The first rows of the screen, as far as they tell of the situation."""
    facts = facts_of(tale.run, now, me=MIRA, past=PAST)
    top = (place_row(facts, width, glyphs), wanted_row(facts, width, glyphs))
    if width < 60:
        return (*top, *column_rows(facts, width, glyphs))
    return (*top, *situation(sheet_for(facts, width, axis_room(width, height), glyphs)))


def lines(rows: tuple[Row, ...]) -> list[str]:
    return [text_of(row).rstrip() for row in rows]


@pytest.mark.parametrize("name", TAUGHT)
def test_every_row_of_the_situation_is_as_it_was_drawn_but_for_those_that_taught_better(name: str) -> None:
    width, height, glyphs = SIZES[name]
    ours = lines(drawn(payments(), NOW, width, height, glyphs))
    still = [line.rstrip() for line in (STILLS / f"run-{name}.txt").read_text(encoding="utf-8").split("\n")]
    different = {number for number, (mine, theirs) in enumerate(zip(ours, still, strict=False)) if mine != theirs}
    assert different == set(TAUGHT[name])


@pytest.mark.parametrize("size", [(160, 48), (120, 40), (80, 24), (59, 15)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("tell", "clock"),
    [(payments, "03:12:44.400"), (failing, "03:13:58.400"), (answering, "03:16:12.400")],
    ids=["running", "failing", "answering"],
)
def test_the_situation_at_every_size_and_moment(golden, tell, clock, size) -> None:
    width, height = size
    assert "\n".join(lines(drawn(tell(), seconds(clock), width, height, UNICODE))) == golden


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", [(160, 48), (120, 40), (80, 24), (60, 16), (59, 15), (30, 8), (300, 90)], ids=str)
def test_no_row_is_wider_than_its_window(size, glyphs) -> None:
    width, height = size
    for tell in (payments, failing, answering):
        assert max(len(line) for line in lines(drawn(tell(), NOW, width, height, glyphs))) <= width


def test_the_two_columns_of_shapes_are_never_mixed() -> None:
    only_ascii = "".join(lines(drawn(payments(), NOW, 160, 48, ASCII)))
    assert only_ascii.isascii()
