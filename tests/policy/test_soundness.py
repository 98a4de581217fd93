"""What is wrong with the rules of a place themselves."""

from __future__ import annotations

import pytest

from runbook.core.planned.plan import Environment
from runbook.policy.soundness import unsound_rules
from runbook.problem import Where
from tests.policy.facts import at

NOW = at("2026-11-27T12:00+00:00")


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({}, []),
        ({"windows": ("Sun 02:00-06:00 UTC",), "freeze": ("2026-12-20/2027-01-03",)}, []),
        ({"windows": ("Sun 02:00-06:00 UTC",), "freeze": ("2026-11-01/2028-12-31",)}, ["never-open"]),
        ({"freeze": ("2025-12-20/2026-01-03",)}, ["old-freeze"]),
        ({"approvals": {"fault": 2}, "roles": {"approve": ("ada",)}}, ["too-few-approvers"]),
        ({"approvals": {"fault": 2}, "roles": {"approve": ("ada", "grace")}}, []),
        ({"approvals": {"fault": 2}, "roles": {"approve": ("group:leads",)}}, []),
        ({"approvals": {"fault": 2}}, []),
        ({"roles": {"aprove": ("ada",), "break-glass": ("ada",)}}, ["misspelt-role", "misspelt-role"]),
        ({"roles": {"approve": ("ada",), "aprove": ("ada",), "dba": ("grace",)}}, []),
    ],
)
def test_rules_that_cannot_be_kept_are_told(environment: dict, codes: list[str]) -> None:
    found = list(unsound_rules(Environment(name="production", **environment), Where("environment.yaml"), NOW))
    assert [one.code for one in found] == codes
    assert all(one.fix for one in found)
