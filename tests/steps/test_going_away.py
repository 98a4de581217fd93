"""A host that is told to go away has gone when nobody gets in, or when another boot answers; else nothing has happened."""

from __future__ import annotations

import re

import pytest

from runbook.core.events.fault_event import FaultEffect, FaultEvent
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.command import Command
from runbook.core.planned.fault_action import FaultAction
from runbook.faults.ground import PROBE
from runbook.problem import problem
from runbook.steps.fault import FaultKind
from runbook.transport.scripted import Reply, Says, ScriptedConnector
from tests.steps.desk import Desk

GROUND = "uid 0\nboot b1\ntool setsid\ncapabilities 000001ffffffffff\ndirectory /run/runbook\nend\n"
SAYS = {"arm": "armed unit", "prove": "proved 12", "inject": "injected", "state": "state injected - 100 lease 20"}
OFF = FaultAction(fault="poweroff", arguments={"way_back": "ring the night desk"}, duration=60.0, lease=20.0)


@pytest.mark.parametrize(
    ("logins", "state", "outcome", "effect"),
    [
        (1, "", Outcome.SUCCEEDED, (True, "nobody gets in any more: it is off.")),
        (3, "", Outcome.SUCCEEDED, (True, "nobody gets in any more: it is off.")),
        (99, "gone b2", Outcome.SUCCEEDED, (True, "another boot answers")),
        (9999, "gone b1", Outcome.FAILED, (False, "it is still there after 120 s")),
        (9999, "", Outcome.FAILED, (False, "it is still there after 120 s")),
    ],
)
async def test_what_counts_is_who_still_answers(logins: int, state: str, outcome: Outcome, effect) -> None:
    left, told = [logins], []

    def answers(_host: Host, command: Command) -> Reply:
        if command.shell == PROBE:
            return Says(GROUND.encode())
        if "rs_leases" in command.shell:
            return Says(b"end\n")
        verbs = re.findall(r"lease\.sh\"? (\w+)", command.shell)
        said = {**SAYS, **({"state": state} if state else {})}
        return Says(f"runbook-lease {said[verbs[-1]]}\n".encode() if verbs else b"ready\n")

    async def login() -> float:
        left[0] -= 1
        if left[0] < 0:
            raise problem("it is off")
        return 0.1

    async def tell(event: FaultEvent) -> None:
        told.append(event)

    desk = Desk(connector=ScriptedConnector(answers))
    finding = await FaultKind().attempt(OFF, desk.bench(OFF, tell=tell, new_login=login))
    assert finding.outcome is outcome, finding.detail
    assert [(event.ok, event.detail) for event in told if isinstance(event, FaultEffect)] == [effect]
