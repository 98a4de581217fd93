"""Findings: how one stands, and who may close it."""

from __future__ import annotations

from datetime import date

import pytest

from runbook.core.actor import Actor
from runbook.core.finding import Closed, Opened, findings, why_not_closed

ADA = Actor(name="ada", uid=1000, identity="uid:1000@here")
BOB = Actor(name="bob", uid=1001, identity="uid:1001@here")
WHEN = "2026-11-27T12:00:00Z"


def opened(name: str = "F-0001", **fields: object) -> Opened:
    return Opened(finding=name, at=WHEN, by=ADA, title="The standby was late", **fields)


def closing(name: str = "F-0001", by: Actor = BOB, reason: str = "a faster disk") -> Closed:
    return Closed(finding=name, at=WHEN, by=by, reason=reason)


@pytest.mark.parametrize(
    ("due", "today", "state"),
    [
        ("", date(2030, 1, 1), "open"),
        ("2026-12-01", date(2026, 12, 1), "open"),
        ("2026-12-01", date(2026, 12, 2), "overdue"),
    ],
)
def test_a_finding_is_open_until_its_day_and_overdue_after_it(due: str, today: date, state: str) -> None:
    assert findings([opened(due=due)])["F-0001"].state(today) == state


def test_a_closed_one_is_closed_whatever_its_day_was() -> None:
    found = findings([opened(due="2026-01-01"), closing()])
    assert found["F-0001"].state(date(2030, 1, 1)) == "closed"


def test_a_word_about_one_that_nobody_opened_is_passed_over() -> None:
    assert findings([closing("F-0009")]) == {}


@pytest.mark.parametrize(
    ("facts", "wish", "what"),
    [
        ([opened()], closing("F-0002"), 'there is no finding "F-0002"'),
        ([opened(), closing()], closing(), "finding F-0001 is closed"),
        ([opened()], closing(reason=" "), "a finding is closed with a reason"),
        ([opened(category="break-glass")], closing(by=ADA), "ada broke the glass, and somebody else reviews it"),
    ],
)
def test_who_may_not_close_it_is_told_why(facts: list, wish: Closed, what: str) -> None:
    refused = why_not_closed(findings(facts), wish)
    assert refused is not None
    assert (refused.what, bool(refused.fix)) == (what, True)


def test_somebody_else_closes_what_was_opened_because_the_glass_was_broken() -> None:
    assert why_not_closed(findings([opened(category="break-glass")]), closing(by=BOB)) is None
    assert why_not_closed(findings([opened()]), closing(by=ADA)) is None
