"""Before anything changes, hosts are asked whether they can carry what is to break them; what is in the way is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import PreflightAction
from runbook.core.planned.command import Command
from runbook.core.planned.fault_action import FaultAction, FaultAhead
from runbook.faults.ground import PROBE
from runbook.steps.kind import Finding
from runbook.steps.preflight import PreflightKind
from runbook.transport.scripted import Reply, Says, ScriptedConnector
from tests.steps.desk import Desk

GROUND = """\
uid 0
boot 11111111-2222-3333-4444-555555555555
init systemd
tool nft
tool systemd-run
tool setsid
capabilities 000001ffffffffff
ssh 198.51.100.1 40000 198.51.100.2 22
directory /run/runbook
end
"""
PARTITION = FaultAction(fault="partition", arguments={"peers": ["203.0.113.1"]}, duration=60.0, lease=30.0)
HERE = Path("/proc/sys/kernel/random/boot_id")


def answering(ground: str = GROUND, needs: str = "ready\n") -> Callable[[Host, Command], Reply]:
    return lambda _host, command: Says((ground if command.shell == PROBE else needs).encode())


async def look(ahead: FaultAhead, desk: Desk, **more: object) -> Finding:
    return await PreflightKind().attempt(PreflightAction(faults=(ahead,)), desk.bench(**more))


def at_desk(**how: str) -> Desk:
    return Desk(connector=ScriptedConnector(answering(**how)))


def ahead(action: FaultAction = PARTITION, **more: object) -> FaultAhead:
    return FaultAhead(step="2.1", action=action, **more)


async def test_a_host_that_can_says_what_holds_the_revert_and_what_it_uses_instead() -> None:
    desk = at_desk(needs="instead of a hammer, a stone is used\nready\n")
    assert await look(ahead(), desk) == Finding(outcome=Outcome.SUCCEEDED)
    said = "can be made, guarantee K, S, V; instead of a hammer, a stone is used"
    assert desk.checks == [("fault partition of step 2.1", True, said)]


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        (
            {"ground": GROUND.replace("tool nft\n", "")},
            "partition: this host lacks nft. Install nftables there.",
        ),
        (
            {"ground": GROUND.replace("000001ffffffffff", "0")},
            (
                "partition: this host lacks the capability net_admin. "
                "Use become: root; in a container, give it to the container."
            ),
        ),
        (
            {"needs": "unable nft does not take the rules\n"},
            "this host cannot carry partition, and nothing was broken: nft does not take the rules.",
        ),
        (
            {"needs": "missing no such process runs there\n"},
            "this host cannot carry partition, and nothing was broken: no such process runs there.",
        ),
        ({"needs": ""}, "this host cannot carry partition, and nothing was broken: it did not say that it is ready."),
    ],
)
async def test_what_is_in_the_way_is_refused_by_name_with_a_way_out(how: dict[str, str], detail: str) -> None:
    desk = at_desk(**how)
    found = await look(ahead(), desk)
    assert (found.outcome, found.detail) == (Outcome.FAILED, f"fault partition of step 2.1: {detail}")
    assert desk.checks == [("fault partition of step 2.1", False, detail)]


@pytest.mark.parametrize(
    ("more", "needs", "outcome"),
    [
        ({"is_prepared": True}, "missing the file /tmp/expired.pem\n", Outcome.SUCCEEDED),
        ({"is_prepared": True}, "unable without the kernel's module sch_netem\n", Outcome.FAILED),
        ({"may_not_come": True}, "unable without the kernel's module sch_netem\n", Outcome.SUCCEEDED),
    ],
)
async def test_what_an_earlier_step_may_bring_or_what_may_never_come_refuses_nothing(more, needs, outcome) -> None:
    desk = at_desk(needs=needs)
    assert (await look(ahead(**more), desk)).outcome is outcome
    assert [ok for _, ok, _ in desk.checks] == [outcome is Outcome.SUCCEEDED]
    assert needs.partition(" ")[2].strip() in desk.checks[0][2]


async def test_arguments_that_wait_for_the_run_are_asked_about_later() -> None:
    desk = at_desk()
    assert await look(ahead(is_known=False), desk) == Finding(outcome=Outcome.SUCCEEDED)
    assert desk.checks == [("fault partition of step 2.1", True, "asked when its values are known")]


async def test_a_lease_that_one_login_outlasts_is_refused() -> None:
    async def slow() -> float:
        return 9.0

    desk = at_desk()
    found = await look(ahead(), desk, new_login=slow)
    assert "a new login takes 9.0 s there, too long for a lease of 30 s" in found.detail


async def test_a_canary_that_has_never_written_is_found_before_the_outage_and_not_behind_it() -> None:
    desk = at_desk()
    found = await look(ahead(), desk, has_canary_written=lambda: False)
    said = "it has not written one mark in 15 s; try its write command by hand"
    assert (found.outcome, found.detail) == (Outcome.FAILED, f"canary: {said}")
    assert desk.checks[0] == ("canary", False, said)


async def test_the_machine_that_this_program_runs_on_is_not_switched_off_however_it_is_reached() -> None:
    boot = HERE.read_text().strip()
    desk = at_desk(ground=GROUND.replace("11111111-2222-3333-4444-555555555555", boot))
    off = FaultAction(fault="poweroff", arguments={"way_back": "ring the night desk"}, duration=60.0, lease=30.0)
    found = await look(ahead(off), desk)
    assert "db1 is the machine that this program runs on, and poweroff is of the whole machine" in found.detail


async def test_what_ends_by_itself_cannot_be_held() -> None:
    held = FaultAction(fault="cpu", arguments={}, duration=60.0, lease=30.0, on_link_loss="hold")
    found = await look(ahead(held), at_desk(ground=GROUND.replace("end\n", "tool timeout\ntool nice\nend\n")))
    assert "cpu ends by itself and cannot be held" in found.detail
