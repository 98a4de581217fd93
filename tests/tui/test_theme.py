"""Which look a terminal gets, and that a terminal without colour gets none."""

from __future__ import annotations

import pytest

from runbook.tui.theme import ANSI, CONTRAST, DARK, DEUTERAN, LIGHT, MONO, THEMES, TRITAN, choose
from runbook.view.look.part import PLACES, ROLES
from runbook.view.words import MARKS, VERDICT_ROLES
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
        ({"RUNBOOK_THEME": "deuteranopia"}, DEUTERAN),
        ({"RUNBOOK_THEME": "tritanopia"}, TRITAN),
        ({"TERM": "linux"}, ANSI),
    ],
)
def test_the_theme_follows_the_terminal_and_its_owner(environment, theme):
    assert choose(environment) is theme


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_says_how_each_role_and_each_environment_looks(theme):
    roles = {f"{kind}-{role}" for kind in ("role", "block", "ink", "weight") for role in ROLES}
    places = {f"{kind}-{place}" for kind in ("place", "tint") for place in PLACES}
    assert (roles | places | {"bar", "head", "here", "field", "rule"}) - set(theme.variables) == set()


def test_every_word_plays_a_role_that_there_is():
    assert {mark.role for mark in MARKS.values()} | set(VERDICT_ROLES.values()) <= set(ROLES)


@pytest.mark.parametrize("theme", [DARK, LIGHT, CONTRAST, DEUTERAN, TRITAN], ids=lambda theme: theme.name)
def test_every_role_that_carries_words_can_be_read_on_every_ground_of_its_theme(theme):
    grounds = [theme.background, theme.variables["bar"], theme.surface]
    words = [role for role in ROLES if role != "faint"]
    lows = {
        (role, ground)
        for role in words
        for ground in grounds
        if contrast(theme.variables[f"role-{role}"], ground) < 4.5
    }
    assert lows == set()


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
