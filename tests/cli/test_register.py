"""`runbook register`: from a service's file and the record of a real run to what can be said of it."""

from __future__ import annotations

import json

from tests.cli.desk import Desk, book

SERVICE = """\
name: orders
tier: 1
environments: [here]
objectives: {rto: 15m}
scenarios:
  - {name: slow, method: look, runbook: look, environment: here, every: 90d}
  - {name: fire, class: disaster}
"""


def test_a_rehearsal_verifies_its_scenario_and_a_gap_stays_a_gap(desk: Desk) -> None:
    desk.write("inventories/services/orders.yaml", SERVICE)
    desk.write("drills/look.yaml", book(head="service: orders\n"))
    assert desk.ask("register", "--check").status == 1
    assert desk.ask("run", "look", "--auto").status == 0
    found = json.loads(desk.ask("register", "--format", "json").out)
    assert [(one["scenario"], one["readiness"]) for one in found["scenarios"]] == [
        ("slow", "verified"),
        ("fire", "no runbook"),
    ]
    assert found["coverage"] == [{"tier": 1, "scenarios": 2, "verified": 1, "without_runbook": 1}]
    said = desk.ask("register", "--tier", "1").out
    assert "tier 1: 1 of 2 scenarios verified, 1 without a runbook" in said
    assert "has ever done it" in said
    assert desk.ask("register", "--format", "md").out.startswith("| service | tier | scenario |")


def test_what_a_service_names_and_is_not_there_is_told_beside_the_rest(desk: Desk) -> None:
    desk.write("inventories/services/orders.yaml", SERVICE.replace("runbook: look", "runbook: lok"))
    said = desk.ask("register")
    assert 'names the runbook "lok", and there is none\n  fix: Did you mean "look"?' in said.err
    assert "its runbook cannot be read" in said.out


def test_without_a_service_it_is_said_what_one_looks_like(desk: Desk) -> None:
    said = desk.ask("register")
    assert (said.status, said.out) == (0, "")
    assert "runbook help services" in said.err
