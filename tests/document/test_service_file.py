"""A service's file: what may stand in it, and every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.written.service import Backup, Costs, DataSet, Kpi, Scenario, Service, ServiceObjectives, Target
from runbook.document.service_file import parse_service, read_service
from runbook.problem import Problems

ORDERS = b"""
name: orders
owner: team-orders
tier: 1
environments: [lab, production]
objectives: {rto: 15m, rpo: 30s, mtpd: 4h, reference: BIA-12}
data:
  - {name: orders, backup: {every: 24h, location: backup1, retention: 35d}, restore: orders-restore}
scenarios:
  - {name: primary-lost, class: cyber-attack, impact: high, method: failover, runbook: orders-failover, every: 90d}
kpis:
  - {name: write-ok, probe: {http: {url: "http://orders/health"}}, target: {min: 99.9}, unit: "%"}
costs: {monthly: 420, reviewed: 2026-11-01}
"""


def test_a_service_says_what_nobody_can_compute() -> None:
    made = parse_service(ORDERS, "orders.yaml")
    assert made == Service(
        name="orders",
        owner="team-orders",
        tier=1,
        environments=("lab", "production"),
        objectives=ServiceObjectives(rto=900.0, rpo=30.0, mtpd=14400.0, reference="BIA-12"),
        data=(
            DataSet(
                name="orders",
                backup=Backup(every=86400.0, location="backup1", retention=35 * 86400.0),
                restore="orders-restore",
            ),
        ),
        scenarios=(
            Scenario(
                name="primary-lost",
                kind="cyber-attack",
                impact="high",
                method="failover",
                runbook="orders-failover",
                every=90 * 86400.0,
            ),
        ),
        kpis=(Kpi(name="write-ok", probe=made.kpis[0].probe, target=Target(min=99.9), unit="%"),),
        costs=Costs(monthly=420.0, reviewed="2026-11-01"),
        where=made.where,
        places=made.places,
        source="orders.yaml",
    )
    assert made.kpis[0].probe is not None
    assert made.kpis[0].probe.action.url == "http://orders/health"


def test_every_mistake_of_a_service_is_told_at_once() -> None:
    text = b"""
name: Orders
tier: 5
lifecycle: retired
owners: [ada]
scenarios: [{name: fire, class: fire, impact: huge}]
operations: [{name: nightly}]
costs: {monthly: cheap}
"""
    with pytest.raises(Problems) as refused:
        parse_service(text, "orders.yaml")
    assert [(each.where.line, each.code) for each in refused.value.problems] == [
        (2, "bad-value"),
        (3, "bad-choice"),
        (4, "bad-choice"),
        (5, "unknown-key"),
        (6, "bad-choice"),
        (6, "bad-choice"),
        (7, "missing-key"),
        (8, "wrong-type"),
    ]


def test_what_is_no_mapping_is_no_service() -> None:
    with pytest.raises(Problems, match="not a service"):
        parse_service(b"- orders\n", "orders.yaml")


def test_the_service_that_comes_with_the_program_can_be_read() -> None:
    shipped = Path(__file__).parents[2] / "inventories/services/orders.yaml"
    assert read_service(shipped).tier == 1
