"""The road of a fault on one host: nothing is broken whose way back is not proved, and what does nothing has failed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from runbook.core.events.fault_event import FaultArmed, FaultArming, FaultEffect, FaultEvent, FaultInjected
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.command import Command
from runbook.core.planned.fault_action import ExpectedEffect, FaultAction
from runbook.faults.ground import PROBE
from runbook.problem import problem
from runbook.steps.fault import FaultKind
from runbook.steps.kind import Finding, Sample
from runbook.transport.scripted import Reply, Says, ScriptedConnector
from tests.steps.desk import Desk

GROUND = b"uid 0\nboot b1\ninit systemd\ntool systemd-run\ntool timeout\ntool setsid\ndirectory /run/runbook\nend\n"
HELD = {
    "arm": "armed unit",
    "prove": "proved 12",
    "inject": "injected",
    "effect": "effect seen it is silent",
    "renew": "renewed 20",
    "state": "state injected - 100 revert lease 20",
}
"""What a host says on the whole road."""

TEXTS = {"inject": "touch /x", "effect": "test -e /x", "revert": "rm -f /x", "present": "echo absent"}
BREAK = FaultAction(fault="command", arguments=TEXTS, duration=60.0, lease=20.0)
GOOD, BAD = Sample(ok=True, took=0.0), Sample(ok=False, took=0.0, detail="refused")


@dataclass
class Lab:
    """A host that gives these answers, and what was asked of it and told of it."""

    answers: dict[str, str] = field(default_factory=dict)
    needs: str = "ready"
    samples: tuple[Sample, ...] = ()
    logins: list[float] = field(default_factory=lambda: [0.2])
    """Seconds of each new login; below 0 nobody gets in. The last stays."""
    asked: list[str] = field(default_factory=list)
    told: list[FaultEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(connector=ScriptedConnector(self._reply), samples=self.samples)

    def _reply(self, _host: Host, command: Command) -> Reply:
        text = command.shell
        if text == PROBE:
            return Says(GROUND)
        verbs = re.findall(r"lease\.sh\"? (\w+)", text)
        if not verbs or "rs_leases" in text:
            # Whatever else is asked about leases finds none; a fault's own needs are last.
            return Says(b"end\n" if "rs_leases" in text else f"{self.needs}\n".encode())
        self.asked.append(verbs[-1])
        return Says(f"runbook-lease {({**HELD, **self.answers})[verbs[-1]]}\n".encode())

    async def _tell(self, event: FaultEvent) -> None:
        self.told.append(event)

    async def _login(self) -> float:
        took = self.logins.pop(0) if len(self.logins) > 1 else self.logins[0]
        if took < 0:
            raise problem("db1 lets nobody in", code="refused")
        return took

    async def breaks(self, action: FaultAction = BREAK, *, reattach: bool = False) -> Finding:
        bench = self.desk.bench(action, tell=self._tell, new_login=self._login, reattach=reattach)
        return await FaultKind().attempt(action, bench)

    @property
    def events(self) -> list[type[FaultEvent]]:
        return [type(event) for event in self.told]

    @property
    def effects(self) -> list[tuple[bool, str]]:
        return [(event.ok, event.detail) for event in self.told if isinstance(event, FaultEffect)]


async def test_its_way_back_is_on_record_and_proved_before_it_is_broken_and_its_effect_is_seen() -> None:
    lab = Lab()
    finding = await lab.breaks()
    assert (finding.outcome, finding.detail) == (Outcome.SUCCEEDED, "")
    assert lab.asked == ["arm", "prove", "inject", "effect"]
    assert lab.events == [FaultArming, FaultArmed, FaultInjected, FaultEffect]
    assert lab.effects == [(True, "it is silent")]
    arming = lab.told[0]
    assert isinstance(arming, FaultArming)
    assert (arming.lease, arming.limit, arming.duration, arming.boot_id) == (20.0, 120.0, 60.0, "b1")
    assert "rm -f /x" in arming.revert


@pytest.mark.parametrize(
    ("answers", "asked", "detail"),
    [
        ({"arm": "refused room"}, ["arm"], "its revert could not be armed, and nothing was broken: refused room."),
        (
            {"prove": "refused unproved"},
            ["arm", "prove"],
            "nobody watches over its revert, and nothing was broken: refused unproved.",
        ),
        (
            {"inject": "failed 7 reverted no luck"},
            ["arm", "prove", "inject"],
            "it could not be injected: failed 7 reverted no luck.",
        ),
    ],
    ids=["not armed", "not watched", "not injected"],
)
async def test_what_is_not_held_is_not_broken(answers: dict[str, str], asked: list[str], detail: str) -> None:
    lab = Lab(answers)
    finding = await lab.breaks()
    assert (finding.outcome, finding.detail, lab.asked) == (Outcome.FAILED, detail, asked)
    assert FaultInjected not in lab.events


@pytest.mark.parametrize(
    ("lab", "said"),
    [
        (Lab(needs="missing tc\nready"), "this host cannot carry command, and nothing was broken: tc"),
        (Lab(needs=""), "this host cannot carry command, and nothing was broken: it did not say that it is ready"),
        (Lab(logins=[6.0]), "a new login takes 6.0 s there, too long for a lease of 20 s; nothing was broken"),
        (Lab(logins=[-1.0]), "db1 lets nobody in"),
    ],
    ids=["a tool is missing", "no answer", "logins are slow", "no login"],
)
async def test_where_it_cannot_be_carried_nothing_is_laid(lab: Lab, said: str) -> None:
    finding = await lab.breaks()
    assert said in finding.detail
    assert (lab.asked, lab.told) == ([], [])
    assert finding.outcome is not Outcome.SUCCEEDED


async def test_what_cuts_us_off_has_failed_and_so_is_lifted() -> None:
    lab = Lab(logins=[0.2, -1.0])
    finding = await lab.breaks()
    assert finding.outcome is Outcome.FAILED
    assert finding.detail.startswith("it cut us off from its host, so it is lifted: db1 lets nobody in")
    assert lab.events[-1] is FaultInjected


async def test_a_fault_that_does_nothing_has_failed() -> None:
    lab = Lab({"effect": "effect unseen the port answers"})
    finding = await lab.breaks()
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, "it has no effect: the port answers")
    assert lab.effects == [(False, "the port answers")]


async def test_a_fault_that_cannot_tell_is_not_said_to_have_an_effect() -> None:
    lab = Lab({"effect": "effect unknown"})
    finding = await lab.breaks()
    assert finding.outcome is Outcome.SUCCEEDED
    assert (finding.detail, lab.effects) == ("injected; whether it has an effect is not known", [])


async def test_an_effect_that_is_expected_of_a_probe_is_asked_of_it_until_it_fails() -> None:
    lab = Lab(samples=(GOOD, GOOD, BAD))
    finding = await lab.breaks(wanting(10.0))
    assert finding.outcome is Outcome.SUCCEEDED
    assert lab.effects == [(True, "shop-ok fails after 0.4 s: refused")]
    assert "effect" not in lab.asked


async def test_a_probe_that_does_not_fail_in_time_makes_the_fault_one_that_did_nothing() -> None:
    lab = Lab(samples=(GOOD,) * 100)
    finding = await lab.breaks(wanting(2.0))
    said = "shop-ok did not fail within 2 s"
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, f"it has no effect: {said}")
    assert lab.effects == [(False, said)]


def wanting(seconds: float) -> FaultAction:
    effect = ExpectedEffect(probe="shop-ok", fails_within=seconds)
    return FaultAction(fault="command", arguments=TEXTS, duration=60.0, lease=20.0, expect_effect=effect)


async def test_what_an_earlier_runner_broke_and_still_lives_has_succeeded() -> None:
    lab = Lab()
    finding = await lab.breaks(reattach=True)
    assert (finding.outcome, lab.asked, lab.events) == (Outcome.SUCCEEDED, ["renew", "state"], [FaultInjected])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"renew": "refused reverted lease 90", "state": "state reverted lease 90 revert lease 0"}, "state reverted lease"),
        ({"renew": "gone b2", "state": "gone b2"}, "gone b2"),
        ({"state": "state armed - 100 revert lease 20"}, "state armed"),
    ],
    ids=["lifted", "restarted", "only armed"],
)  # fmt: skip
async def test_what_an_earlier_runner_began_and_is_not_live_is_not_begun_again(
    answers: dict[str, str], said: str
) -> None:
    lab = Lab(answers)
    finding = await lab.breaks(reattach=True)
    assert (finding.outcome, lab.asked, lab.events) == (Outcome.FAILED, ["renew", "state"], [])
    assert said in finding.detail
