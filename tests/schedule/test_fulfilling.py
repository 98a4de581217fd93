"""What counts as a run that fulfils a schedule, clause by clause."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty
from runbook.schedule.fulfilling import fulfils, is_about, quality, subject
from tests.schedule.duties import live, quarterly, ran

WHEN = "2026-01-10T09:00"


def test_a_whole_green_run_in_its_place_fulfils() -> None:
    assert fulfils(quarterly(), ran(WHEN))


@pytest.mark.parametrize(
    ("run", "duty"),
    [
        (ran(WHEN, environment="production"), quarterly()),
        (ran(WHEN, limit="db1"), quarterly()),
        (ran(WHEN, follows="continues"), quarterly()),
        (ran(WHEN, parameters={"mode": "graceful"}), quarterly(parameters={"mode": "ungraceful"})),
        (replace(ran(WHEN), runbook="other"), quarterly()),
        (live(ran(WHEN)), quarterly()),
        (replace(ran(WHEN), proof=None), quarterly()),
    ],
)
def test_what_was_about_something_else_says_nothing(run: RunSummary, duty: Duty) -> None:
    assert not is_about(duty, run)
    assert not fulfils(duty, run)


@pytest.mark.parametrize(
    ("run", "asks"),
    [
        (ran(WHEN, is_green=False), "every verdict is green"),
        (ran(WHEN, skipped=("1.2",)), "every required step was done"),
        (ran(WHEN, overridden=("window",)), "no rule was overridden"),
        (replace(ran(WHEN), verdict="damaged"), "its record is sound"),
        (ran(WHEN, has_ended=False, run="interrupted"), "it came to its end"),
    ],
)
def test_what_was_about_it_and_did_not_hold_says_so(run: RunSummary, asks: str) -> None:
    duty = quarterly()
    assert run.proof is not None
    assert is_about(duty, run)
    assert not fulfils(duty, run)
    assert [clause.asks for clause in quality(duty, run, run.proof) if not clause.holds] == [asks]


def test_a_run_that_has_ended_counts_while_its_runner_still_holds_the_record() -> None:
    assert fulfils(quarterly(), replace(ran(WHEN), live=True, ended=False, verdict="live"))


def test_a_schedule_may_let_an_overridden_run_count() -> None:
    assert fulfils(quarterly(counts_overridden=True), ran(WHEN, overridden=("window",)))


@pytest.mark.parametrize(
    ("value", "spelled"), [("graceful", "graceful"), (3, "3"), (True, "true"), (["a", "b"], "a, b"), (None, "None")]
)
def test_parameters_are_compared_as_they_are_spelled(value: object, spelled: str) -> None:
    assert is_about(quarterly(parameters={"mode": spelled}), ran(WHEN, parameters={"mode": value}))


def test_a_clause_that_does_not_hold_says_what_was_found() -> None:
    run = ran(WHEN, limit="db1", environment="production")
    assert run.proof is not None
    assert [(one.asks, one.seen) for one in subject(quarterly(), run, run.proof) if not one.holds] == [
        ("in lab", "production"),
        ("whole, on every host", "only db1"),
    ]
