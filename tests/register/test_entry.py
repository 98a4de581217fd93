"""A scenario held against the records: its readiness, its figures, and who has never done it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from runbook.core.written.service import Contact, Escalation, EscalationRule, Scenario, Service, ServiceObjectives
from runbook.record.summary import RunSummary
from runbook.register.entry import Coverage, Entry, coverage, entry
from tests.schedule.duties import at, quarterly, ran

QUARTER = 90 * 86400.0
NOW = at("2026-06-01T12:00")
SCENARIO = Scenario(name="primary-lost", method="failover", runbook="orders-failover", every=QUARTER)
SERVICE = Service(
    name="orders",
    tier=1,
    objectives=ServiceObjectives(rto=900.0, rpo=30.0),
    escalation=Escalation(rules=(EscalationRule(delay=0.0, to=("ada", "grace")),)),
    contacts=(Contact(name="hal"), Contact(name="ada")),
    scenarios=(SCENARIO,),
)


def done(started: str, *, by: str = "ada", recovery: float | None = 60.0, **proof: object) -> RunSummary:
    """A rehearsal."""
    return replace(ran(started, **proof), operator=by, recovery=recovery)


def told(*runs: RunSummary, scenario: Scenario = SCENARIO, written: bool = True) -> Entry:
    duty = quarterly(every=timedelta(seconds=scenario.every or 1)) if written else None
    return entry(SERVICE, scenario, duty, runs, NOW)


@pytest.mark.parametrize(
    ("runs", "readiness", "because"),
    [
        ((), "needs verifying", "never rehearsed in lab"),
        ((done("2026-05-01T12:00"),), "verified", "30 days ago"),
        ((done("2026-02-01T12:00"),), "needs verifying", "last 119 days ago, every 90 days"),
        (
            (done("2026-05-01T12:00", is_green=False, run="failed"), done("2026-04-01T12:00")),
            "not verified",
            "not every verdict is green: run failed, steady state met, objectives met, revert verified",
        ),
        ((done("2026-05-01T12:00", source_sha256="b0"),), "needs verifying", "the runbook changed since"),
        ((done("2026-05-01T12:00", limit="db1"),), "needs verifying", "never rehearsed in lab"),
    ],
)
def test_readiness_is_what_the_newest_rehearsal_says(
    runs: tuple[RunSummary, ...], readiness: str, because: str
) -> None:
    found = told(*runs)
    assert (found.readiness, found.because) == (readiness, because)


def test_a_scenario_without_a_runbook_is_a_gap_and_so_is_one_whose_runbook_is_gone() -> None:
    gap = told(scenario=Scenario(name="nobody-there"), written=False)
    assert (gap.readiness, gap.because) == ("no runbook", "nobody has written what to do")
    assert told(written=False).because == "its runbook cannot be read"


def test_promises_stand_beside_what_was_measured_and_never_for_it() -> None:
    found = told(done("2026-05-01T12:00", recovery=42.0, rpa=1.5), done("2026-03-01T12:00", recovery=80.0))
    assert (found.rto, found.rta.last, found.rta.longest, found.rpo, found.rpa) == (900.0, 42.0, 80.0, 30.0, 1.5)
    none = told()
    assert (none.rto, none.rta.last, none.rpo, none.rpa) == (900.0, None, 30.0, None)


def test_a_recovery_time_of_which_only_the_least_is_known_is_no_figure() -> None:
    assert told(replace(done("2026-05-01T12:00"), recovery_at_least=True)).rta.count == 0


def test_how_often_it_was_rehearsed_is_the_longest_time_without_and_not_the_mean() -> None:
    found = told(done("2026-05-01T12:00"), done("2026-04-30T12:00"), done("2025-07-01T12:00"))
    assert (found.rehearsals, timedelta(seconds=found.gap or 0).days) == (3, 303)


def test_who_is_called_and_has_never_done_it_is_named() -> None:
    found = told(done("2026-05-01T12:00", by="ada"), done("2026-03-01T12:00", by="ada"))
    assert (found.people, found.never) == (("ada",), ("grace", "hal"))


def test_coverage_is_by_tier_and_weighs_scenarios_alike() -> None:
    good, bad = told(done("2026-05-01T12:00")), told()
    gap = replace(told(scenario=Scenario(name="fire"), written=False), tier=2)
    assert coverage([good, bad, gap]) == (
        Coverage(tier=1, scenarios=2, verified=1, without_runbook=0),
        Coverage(tier=2, scenarios=1, verified=0, without_runbook=1),
    )
