"""`runbook sweep`, as somebody types it at night: what is ours is listed and lifted, the rest is left, and what was not seen is said."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import desk
from tests.cli.desk import Desk
from tests.hosts.systemd_host import SystemdHost
from tests.real.faults.test_sweep import FOREIGN, FOREIGN_END, ORPHANS
from tests.real.faults.trial import is_as, snapshot, sweep, trial

__all__ = ["desk"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

KINDS = {"table", "file", "unit", "mount", "process", "queue"}


@pytest.fixture
def night(desk: Desk, host: SystemdHost) -> Iterator[Desk]:
    """An inventory with one host, and in `both` one more that nobody answers for."""
    box = f"{{ansible_host: {host.address}, ansible_user: root, ansible_ssh_private_key_file: {host.key}}}"
    away = f"{{ansible_host: {host.network.address(14)}, ansible_user: root, ansible_ssh_private_key_file: {host.key}}}"
    for name, hosts in {"one": f"box: {box}", "both": f"box: {box}\n    away: {away}"}.items():
        desk.write(f"inventories/{name}/hosts.yaml", f"all:\n  hosts:\n    {hosts}\n")
        desk.write(f"inventories/{name}/environment.yaml", f"name: {name}\nhost_keys: {{mode: accept-new}}\n")
    yield desk
    sweep(host)


def test_a_host_with_nothing_of_ours_is_said_to_have_nothing(night: Desk) -> None:
    assert night.ask("sweep", "-i", "one") == (0, "Nothing of ours on 1 host.\n", "")


def test_orphans_are_listed_and_without_a_word_from_anybody_nothing_is_touched(night: Desk, host: SystemdHost) -> None:
    # Whoever comes by has a place for traces there from then on.
    night.ask("sweep", "-i", "one")
    host.said(ORPHANS)
    before = snapshot(host)
    said = night.ask("sweep", "-i", "one")
    assert said.status == 4
    assert all(kind in said.out for kind in KINDS)
    assert "Nothing was lifted: nobody is here to be asked. Lift it with --yes." in said.err
    is_as(host, before)


def test_orphans_are_lifted_and_a_foreign_table_queue_and_unit_stay(night: Desk, host: SystemdHost) -> None:
    # Whoever comes by has a place for traces there from then on.
    night.ask("sweep", "-i", "one")
    clean = snapshot(host)
    host.said(FOREIGN)
    before = snapshot(host)
    host.said(ORPHANS)
    said = night.ask("sweep", "-i", "one", "--yes")
    assert (said.status, "Lifted 7 things. What is there now:" in said.err) == (0, True)
    assert "Nothing of ours on 1 host." in said.out
    for foreign in ("inet mine", "runbook-notes", "runbook-web"):
        assert foreign not in said.out
    is_as(host, before)
    host.said(FOREIGN_END)
    is_as(host, clean)


def test_a_host_that_cannot_be_asked_is_named_and_is_not_nothing(night: Desk) -> None:
    said = night.ask("sweep", "-i", "both")
    assert said.status == 3
    assert "away was not looked at: " in said.err
    assert "Nothing of ours on 1 host." in said.out


def test_what_may_be_live_outranks_what_was_not_seen(night: Desk, host: SystemdHost) -> None:
    fault = trial(host, "port-block", {"ports": [9999]})
    fault.inject()
    assert night.ask("sweep", "-i", "both").status == 4
    assert (night.ask("sweep", "-i", "both", "--yes").status, fault.ask("state").word) == (3, "gone")


def test_a_pattern_leaves_other_hosts_alone(night: Desk, host: SystemdHost) -> None:
    trial(host, "port-block", {"ports": [9999]}).inject()
    assert night.ask("sweep", "away", "-i", "both", "--yes").status == 3
    assert "runbook-" in host.said("nft list tables")


def test_what_is_held_on_purpose_is_lifted_only_when_that_is_said(night: Desk, host: SystemdHost) -> None:
    fault = trial(host, "partition", {"peers": ["203.0.113.1"]})
    fault.inject()
    assert fault.ask("hold").word == "held"
    said = night.ask("sweep", "-i", "one", "--yes")
    assert (said.status, fault.own in said.out, "held" in said.out) == (4, True, True)
    assert fault.ask("present").word == "there"
    assert night.ask("sweep", "-i", "one", "--yes", "--held").status == 0
    assert fault.ask("state").word == "gone"


def test_a_program_reads_the_same(night: Desk, host: SystemdHost) -> None:
    fault = trial(host, "port-block", {"ports": [9999]})
    fault.inject()
    said = night.ask("sweep", "-i", "both", "--json")
    away, box = sorted(json.loads(said.out), key=lambda each: each["host"])
    assert said.status == 4
    assert (box["host"], [left["own"] for left in box["left"]], box["unseen"]) == ("box", [fault.own], [])
    assert (box["left"][0]["state"], box["left"][0]["present"]) == ("injected", "there")
    assert (away["host"], away["left"], len(away["unseen"])) == ("away", [], 1)
