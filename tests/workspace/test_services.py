"""Services of a workspace: what they name has to be there, and a broken file keeps no other from being read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runbook.core.host import Host
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment
from runbook.document.service_file import parse_service
from runbook.inventory.places import inventory_names
from runbook.workspace.services import Names, services, unsound_service
from runbook.workspace.settings import Settings

LAB = Inventory(
    name="lab",
    source="inventories/lab",
    hosts={"db1": Host(name="db1")},
    groups={"all": ("db1",), "db": ("db1",)},
    environment=Environment(name="lab"),
)
NAMES = Names(
    runbooks=frozenset({"orders-failover"}), services=frozenset({"orders", "payments"}), inventories={"lab": LAB}
)


def said(text: str) -> list[tuple[str, str]]:
    service = parse_service(f"name: orders\n{text}".encode(), "orders.yaml")
    return [(each.code, each.what) for each in unsound_service(service, NAMES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environments: [lab]\ndepends_on: [payments]\n", []),
        ("environments: [moon]\n", [("unknown-environment", 'the environment "moon"')]),
        ("depends_on: [ledger]\n", [("unknown-service", 'the service "ledger"')]),
        ("scenarios: [{name: x, runbook: orders-failove}]\n", [("unknown-runbook", 'the runbook "orders-failove"')]),
        ("scenarios: [{name: x}]\n", []),
        ("data: [{name: x, restore: nothing}]\n", [("unknown-runbook", 'the runbook "nothing"')]),
        ("operations: [{name: x, runbook: nothing}]\n", [("unknown-runbook", 'the runbook "nothing"')]),
        ("environments: [lab]\ncomponents: [{name: x, hosts: db}]\n", []),
        ("components: [{name: x, depends_on: [y]}]\n", [("unknown-component", 'the component or service "y"')]),
        ("components: [{name: x, depends_on: [z]}, {name: z, depends_on: [payments]}]\n", []),
    ],
)
def test_what_a_service_names_has_to_be_there(text: str, expected: list[tuple[str, str]]) -> None:
    assert said(text) == [(code, f"service orders names {what}, and there is none") for code, what in expected]


def test_a_component_is_on_some_host_of_its_places() -> None:
    assert said("environments: [lab]\ncomponents: [{name: web, hosts: web}]\n") == [
        ("no-host", 'component web of orders is on no host: "web"')
    ]


def workspace(root: Path) -> Settings:
    return Settings(
        root=root,
        drills=root / "drills",
        inventories=root / "inventories",
        recordings=root / "recordings",
        inventory="",
        allowed=frozenset({os.getuid()}),
    )


def test_a_broken_file_keeps_no_other_from_being_read_and_the_folder_is_no_inventory(tmp_path: Path) -> None:
    folder = tmp_path / "inventories/services"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("name: a\ntier: 2\n")
    (folder / "b.yaml").write_text("tier: many\n")
    (folder / "c.yaml").write_text("name: a\n")
    found = services(workspace(tmp_path))
    assert [one.name for one in found.found] == ["a", "a"]
    assert {each.code for each in found.problems} == {"bad-choice", "missing-key", "duplicate-name"}
    assert (found.tier("a"), found.tier("b")) == ("2", "")
    assert inventory_names(tmp_path) == ()
