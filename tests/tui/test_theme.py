"""Which look a terminal gets, and that a terminal without colour gets none."""

from __future__ import annotations

import pytest

from runbook.tui.theme import ANSI, COLOURS, CONTRAST, DARK, LIGHT, MONO, THEMES, choose
from runbook.view.words import COLOURS as NAMED
from runbook.view.words import MARKS
from tests.builders import Story, plan, step
from tests.tui.fakes import FakeFeed
from tests.tui.showing import opened


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({}, DARK),
        ({"NO_COLOR": ""}, DARK),
        ({"NO_COLOR": "1"}, MONO),
        ({"NO_COLOR": "1", "RUNBOOK_THEME": "light"}, MONO),
        ({"RUNBOOK_THEME": "light"}, LIGHT),
        ({"RUNBOOK_THEME": "high-contrast"}, CONTRAST),
        ({"RUNBOOK_THEME": "no such thing"}, DARK),
        ({"TERM": "linux"}, ANSI),
    ],
)
def test_the_theme_follows_the_terminal_and_its_owner(environment, theme):
    assert choose(environment) is theme


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_has_every_colour_that_words_ask_for(theme):
    assert {f"colour-{name}" for name in ("plain", *NAMED)} <= set(theme.variables)
    assert {mark.colour for mark in MARKS.values()} <= set(COLOURS)


async def test_without_colour_no_segment_has_one(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    feed = FakeFeed(Story(plan(step("1.1"))).start().enter("1.1"))
    async with opened(feed=feed, start_on="run") as pilot:
        strips = [strip for pane in pilot.app.screen.query("Rows") for strip in [pane.render_line(0)]]
        colours = {
            colour.name
            for strip in strips
            for segment in strip
            if segment.style
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour
        }
        assert colours <= {"default"}


async def test_the_theme_key_goes_round_all_of_them():
    async with opened() as pilot:
        seen = []
        for _ in THEMES:
            seen.append(pilot.app.theme)
            await pilot.press("f9")
        assert (sorted(seen), pilot.app.theme) == (sorted(theme.name for theme in THEMES), seen[0])
