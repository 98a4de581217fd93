"""The rules of an environment, one by one: what is allowed, what is refused, and the sentence that is read."""

from __future__ import annotations

import msgspec
import pytest

from runbook.core.actor import Actor
from runbook.core.planned.plan import Environment
from runbook.policy.judging import LiveRun, judged
from runbook.policy.verdict import Verdict, refusals
from tests.builders import plan, section, step
from tests.policy.facts import ADA, BOB, at, facts

NIGHT = "Sun 02:00-06:00 Europe/Berlin"
GLASS = {"break_glass": ("ada", "grace")}


def said(*, rule: str, **given: object) -> Verdict:
    return next(one for one in judged(facts(**given)) if one.rule == rule)


def test_every_rule_is_asked_and_a_place_that_says_nothing_refuses_nobody() -> None:
    assert [(one.rule, one.outcome) for one in judged(facts())] == [
        ("run-role", "allow"),
        ("freeze", "allow"),
        ("window", "allow"),
        ("window-end", "allow"),
        ("approvers-exist", "allow"),
        ("parallel", "allow"),
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


# --- how long it takes, who could agree, and what else is live --------------------------------------------------------

SUNDAY = "2026-11-29T04:00+01:00"


def ends(*took: float, now: str = SUNDAY, expected: float = 0.0) -> Verdict:
    """Whether what takes so long comes to its end in the window of the night."""
    place = Environment(name="production", windows=(NIGHT,))
    chosen = plan(sections=(section("1", step(), expected=expected),), environment=place)
    found = judged(msgspec.structs.replace(facts(now, of=chosen), took=took))
    return next(one for one in found if one.rule == "window-end")


def test_a_plan_that_is_longer_than_the_window_is_open_is_refused_with_its_last_moment_to_begin() -> None:
    late = ends(9600.0, 9000.0)
    assert (late.outcome, late.sentence) == (
        "refuse",
        "production closes Sun 29 Nov 2026 06:00 Europe/Berlin and this plan takes 2 h 40 min (the longest of 2 runs).",
    )
    early = ends(9600.0, now="2026-11-29T02:30+01:00")
    assert early.outcome == "allow"
    just = ends(13000.0, now="2026-11-29T02:30+01:00")
    assert "Start by" not in just.sentence, "that moment has gone"


def test_of_twenty_runs_and_more_the_slowest_is_no_measure() -> None:
    assert ends(*[60.0] * 39, 9600.0).outcome == "allow"
    assert ends(*[60.0] * 15, 9600.0).outcome == "refuse"


def test_what_never_ran_there_is_only_warned_of() -> None:
    unknown = ends(expected=9000.0)
    assert (unknown.outcome, "(as it is planned; it has never run there)" in unknown.sentence) == ("warn", True)
    assert ends().outcome == "allow"


def agreed(*inside: Actor, needed: int = 2, **environment: object) -> Verdict:
    """Whether those who get through could give what is wanted."""
    place = Environment(**{"name": "production", **environment})
    chosen = plan(step("1.1", approvals=needed), environment=place)
    found = judged(msgspec.structs.replace(facts(of=chosen), inside=inside))
    return next(one for one in found if one.rule == "approvers-exist")


def test_where_too_few_others_could_agree_it_is_refused_before_it_begins() -> None:
    refused = agreed(ADA, BOB)
    assert (refused.outcome, refused.sentence) == (
        "refuse",
        (
            "production wants 2 approvals from others than bob, and only ada can. "
            "Name more in roles.approve of environment.yaml and in [control] allow of runbook.toml."
        ),
    )
    assert not refused.overridable
    assert agreed(ADA, BOB, needed=1).outcome == "allow"
    assert agreed(ADA, BOB, needed=1, roles={"approve": ("grace",)}).outcome == "refuse"
    assert agreed(BOB, auto=("approve",)).outcome == "allow"
    assert agreed(needed=0).outcome == "allow"


def test_more_runs_than_a_place_takes_are_refused_by_their_names() -> None:
    place = facts(max_parallel_runs=1)
    live = msgspec.structs.replace(place, live=(LiveRun(run="01JD", by="ada"),))
    [busy] = refusals(judged(live))
    assert (busy.rule, busy.sentence) == ("parallel", "production takes 1 run at one time, and live are: 01JD (ada).")
    assert refusals(judged(place)) == ()
