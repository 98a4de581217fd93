"""The pictures of the page: one mark for each thing that they show, named, inside of their frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from runbook.handbook.drawing import graph_drawn, trend_drawn, year_drawn
from runbook.handbook.markdown import markdown
from runbook.handbook.model import Bullets, Graph, Handbook, Lane, Moment, Part, Recovery, Trend, Year

TREND = Trend("failover in lab", 60.0, (Recovery("r1", "2026-05-01", 90.0), Recovery("r2", "2026-08-01", 12.4)))
YEAR = Year(
    "2026-01-01",
    "2026-12-31",
    "2026-07-01",
    (Lane("<fail>", (Moment("2026-02-01", "done"), Moment("2026-03-01", "failed"), Moment("2026-11-01", "planned"))),),
)


def titles(drawn: str) -> list[str]:
    """What the marks are called, of a picture that is sound XML."""
    return [one.text or "" for one in ET.fromstring(drawn).iter("title")]


def heights(drawn: str) -> list[float]:
    return [float(found) for found in re.findall(r'cy="([0-9.]+)" r="4"', drawn)]


def test_a_trend_has_a_dot_a_run_and_slower_is_higher_than_the_objective() -> None:
    drawn = trend_drawn(TREND)
    assert titles(drawn) == ["2026-05-01 1:30.0, run r1", "2026-08-01 12.4 s, run r2"]
    slow, quick = heights(drawn)
    (promised,) = (float(found) for found in re.findall(r'y1="([0-9.]+)" y2="\1" stroke="#a63c00"', drawn))
    assert slow < promised < quick


def test_a_year_has_a_mark_for_what_was_done_and_for_what_is_to_come() -> None:
    drawn = year_drawn(YEAR)
    assert titles(drawn) == ["2026-02-01 done", "2026-03-01 failed", "2026-11-01 planned"]
    assert "&lt;fail&gt;" in drawn


def test_what_needs_what_is_an_arc_that_says_so() -> None:
    assert titles(graph_drawn(Graph(("a", "b"), (("a", "b"),)))) == ["a needs b"]


def test_in_markdown_a_picture_is_a_list() -> None:
    book = Handbook(parts=(Part(title="T", level=3, blocks=(TREND, YEAR)),), closing=Bullets(()), digest="")
    assert markdown(book, "m") == (
        "### T\n\n**Time to recover, failover in lab, promised 1:00**\n\n"
        "- 2026-05-01: 1:30.0 (run r1)\n- 2026-08-01: 12.4 s (run r2)\n\n"
        "**The year from 2026-01-01 to 2026-12-31**\n\n"
        r"- \<fail\>: 2026-02-01 done, 2026-03-01 failed, 2026-11-01 planned"
        "\n\n---\n\n\n\n<!-- m -->\n"
    )
