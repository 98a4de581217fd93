"""Breaking the glass: who may, with which words, and what is put on record."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from runbook.core.events.event import NoteAdded
from runbook.core.events.policy_event import RuleOverridden
from runbook.core.planned.plan import Environment
from runbook.policy.breaking import HOLDS_FOR, Override, permitted, still_holding
from runbook.problem import Exit, Problems
from tests.builders import Story, plan
from tests.policy.facts import ADA, BOB, at, facts

NIGHT = "Sun 02:00-06:00 Europe/Berlin"
GLASS = {"break_glass": ("ada", "group:leads")}
WHY = "orders are down, incident 4711"


def problems(override: Override = Override(), **given: object) -> list[tuple[str, str]]:  # noqa: B008 - frozen
    with pytest.raises(Problems) as refused:
        permitted(facts(**given), override)
    assert refused.value.exit is Exit.REFUSED
    return [(each.code, each.fix) for each in refused.value.problems]


def test_a_run_that_no_rule_refuses_needs_no_word() -> None:
    assert permitted(facts(), Override()) == ()


def test_a_refusal_names_the_rule_and_whoever_could_override_it() -> None:
    assert problems(windows=(NIGHT,), roles=GLASS) == [
        (
            "window",
            'ada or the group leads may override it, with the same command and: --override window --reason "WHY".',
        )
    ]
    assert problems(windows=(NIGHT,)) == [
        ("window", "Nobody may override it: roles.break_glass in its environment.yaml names nobody.")
    ]


def test_what_was_overridden_is_on_record_with_what_the_rule_said() -> None:
    given = facts(windows=(NIGHT,), roles=GLASS, by=ADA)
    [found] = permitted(given, Override(rules=("window",), reason=f" {WHY} "))
    assert (found.rule, found.by, found.reason) == ("window", ADA, WHY)
    assert found.sentence.startswith("production opens Sun 02:00-06:00 Europe/Berlin")


def test_a_group_may_break_the_glass() -> None:
    given = facts(windows=(NIGHT,), roles=GLASS, by=BOB, groups=("leads",))
    assert [one.rule for one in permitted(given, Override(rules=("window",), reason=WHY))] == ["window"]


def test_one_rule_overridden_leaves_the_others_standing() -> None:
    both = {"windows": (NIGHT,), "freeze": ("2026-11-20/2026-11-30",), "roles": GLASS, "by": ADA}
    assert [code for code, _ in problems(Override(rules=("window",), reason=WHY), **both)] == ["freeze"]


@pytest.mark.parametrize(
    ("override", "by", "codes"),
    [
        (Override(rules=("window",), reason="hurry"), ADA, ["no-reason"]),
        (Override(rules=("windows",), reason=WHY), ADA, ["unknown-rule", "window"]),
        (Override(rules=("window", "freeze"), reason=WHY), ADA, ["not-refused"]),
        (Override(rules=("window",), reason=WHY), BOB, ["no-break-glass"]),
    ],
)
def test_a_word_that_does_not_fit_opens_nothing(override: Override, by: object, codes: list[str]) -> None:
    assert [code for code, _ in problems(override, windows=(NIGHT,), roles=GLASS, by=by)] == codes


def test_somebody_who_may_break_the_glass_may_run_what_only_others_may() -> None:
    given = facts(roles={"run": ("grace",), **GLASS}, by=ADA)
    assert [one.rule for one in permitted(given, Override(rules=("run-role",), reason=WHY))] == ["run-role"]


def test_an_override_holds_in_its_run_for_some_hours() -> None:
    tale = Story(plan(environment=Environment(name="production", windows=(NIGHT,))))
    tale.add(RuleOverridden(rule="window", by=ADA, reason=WHY))
    friday = at("2026-11-27T14:10+01:00")
    assert still_holding(tale.run, HOLDS_FOR, friday) == ()
    assert [one.rule for one in still_holding(tale.run, HOLDS_FOR + 1, friday)] == ["window"]


def test_a_live_run_is_held_by_what_is_not_overridden_in_it() -> None:
    tale = Story(plan(environment=Environment(name="production", windows=(NIGHT,), freeze=("2026-11-20/2026-11-30",))))
    tale.add(NoteAdded(text="nothing to do with it"), RuleOverridden(rule="window", by=ADA, reason=WHY))
    assert [one.rule for one in still_holding(tale.run, 1.0, at("2026-11-27T14:10+01:00"))] == ["freeze"]
    unbound = replace(tale.run, plan=plan(environment=Environment(name="lab")))
    assert still_holding(unbound, 1.0, at("2026-11-27T14:10+01:00")) == ()
