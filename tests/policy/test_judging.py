"""The rules of an environment, one by one: what is allowed, what is refused, and the sentence that is read."""

from __future__ import annotations

import pytest

from runbook.policy.judging import judged
from runbook.policy.verdict import Verdict, refusals
from tests.policy.facts import at, facts

NIGHT = "Sun 02:00-06:00 Europe/Berlin"
GLASS = {"break_glass": ("ada", "grace")}


def said(*, rule: str, **given: object) -> Verdict:
    return next(one for one in judged(facts(**given)) if one.rule == rule)


def test_every_rule_is_asked_and_a_place_that_says_nothing_refuses_nobody() -> None:
    assert [(one.rule, one.outcome) for one in judged(facts())] == [
        ("run-role", "allow"),
        ("freeze", "allow"),
        ("window", "allow"),
    ]


def test_a_rule_that_refuses_does_not_hide_the_next() -> None:
    found = judged(facts(windows=(NIGHT,), freeze=("2026-11-20/2026-11-30",), roles={"run": ("ada",)}))
    assert [one.rule for one in refusals(found)] == ["run-role", "freeze", "window"]


def test_a_closed_window_says_when_it_is_open_what_time_it_is_and_when_it_opens_next() -> None:
    assert said(rule="window", windows=(NIGHT,), roles=GLASS) == Verdict(
        rule="window",
        outcome="refuse",
        sentence=(
            "production opens Sun 02:00-06:00 Europe/Berlin; now it is Fri 27 Nov 2026 14:10. "
            "Next: Sun 29 Nov 2026 02:00 Europe/Berlin, in 1 d 11 h 50 min."
        ),
        until=at("2026-11-29T02:00+01:00"),
        who=("ada", "grace"),
        overridable=True,
    )


def test_an_open_window_refuses_nobody() -> None:
    assert said(rule="window", now="2026-11-29T02:00+01:00", windows=(NIGHT,)) == Verdict(rule="window")


def test_the_next_opening_is_one_that_no_freeze_covers() -> None:
    closed = said(rule="window", windows=(NIGHT,), freeze=("2026-11-28/2026-12-06",))
    assert closed.until == at("2026-12-13T02:00+01:00")


def test_a_window_that_does_not_open_within_a_year_is_said_to() -> None:
    closed = said(rule="window", windows=(NIGHT,), freeze=("2026-11-28/2028-12-06",))
    assert (closed.until, closed.sentence.partition(". ")[2]) == (
        None,
        "It does not open within 400 days, freezes considered.",
    )


def test_a_freeze_says_until_when_how_long_that_is_and_why() -> None:
    frozen = said(rule="freeze", now="2026-12-24T00:00+01:00", freeze=("2026-12-20/2027-01-03 year-end closing",))
    assert frozen.sentence == "production is frozen (year-end closing) until Mon 4 Jan 2027 00:00 UTC (11 days)."


def test_a_freeze_is_counted_in_the_zone_of_its_place() -> None:
    here = {"freeze": ("2026-12-20/2027-01-03",), "zone": "Europe/Berlin"}
    assert said(rule="freeze", now="2026-12-19T23:30+00:00", **here).outcome == "refuse"
    assert said(rule="freeze", now="2027-01-03T22:59+00:00", **here).until == at("2027-01-04T00:00+01:00")


@pytest.mark.parametrize(
    ("role", "groups", "outcome"),
    [
        (("bob",), (), "allow"),
        (("uid:1001@here",), (), "allow"),
        (("group:dba",), ("dba",), "allow"),
        (("group:dba",), ("users",), "refuse"),
        (("ada",), ("ada",), "refuse"),
        ((), (), "refuse"),
    ],
)
def test_whom_a_place_lets_run_is_a_login_name_an_identity_or_a_group(
    role: tuple[str, ...], groups: tuple[str, ...], outcome: str
) -> None:
    assert said(rule="run-role", groups=groups, roles={"run": role}).outcome == outcome


def test_who_may_not_run_reads_who_may() -> None:
    refused = said(rule="run-role", roles={"run": ("ada", "grace", "group:dba")})
    assert refused.sentence == (
        "bob may not run in production. ada, grace or the group dba may (roles.run in environment.yaml)."
    )
    assert refused.who == ("ada", "grace", "group:dba")


def test_in_the_hour_that_comes_twice_the_offset_is_said() -> None:
    closed = said(rule="window", now="2026-10-25T00:50+00:00", windows=("Sun 02:30-02:45 Europe/Berlin",))
    assert closed.sentence.endswith(
        "now it is Sun 25 Oct 2026 02:50 (+0200). Next: Sun 25 Oct 2026 02:30 (+0100) Europe/Berlin, in 40 min."
    )
