"""A host that shows another key in the middle of a run: asked about once, and believed by this run alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from runbook.core.events.event import GateOpened, HostKeyAccepted, SessionOpened
from runbook.core.host import Host
from runbook.core.host_key import ChangedKey, HostKey, HostKeys, KeyChanged
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, PreflightAction
from runbook.core.planned.command import Command
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.engine.fleet import FIRST_PAUSE
from runbook.problem import Exit, Problems
from runbook.record.checking.verify import verify
from runbook.transport.scripted import Says, ScriptedConnector
from runbook.transport.session import Session
from tests.builders import ANNA, plan, step
from tests.engine.stage import Live, Stage

OLD, NEW = HostKey("ssh-ed25519", "SHA256:old"), HostKey("ssh-ed25519", "SHA256:new")
CHANGED = ChangedKey(machine="db1", known=(OLD,), shown=NEW)
ACCEPT = AnswerGate(gate="1.1#1", answer="accept", typed="db1", digest=CHANGED.digest)


class Reinstalled(ScriptedConnector):
    """db1 shows a new key, and is let in by whoever was told to accept that one."""

    def __init__(self) -> None:
        super().__init__(lambda _host, _command: Says(b"space 999999 /srv\n"))
        self.accepted: Callable[[str], HostKey | None] = lambda _machine: None
        self.dialled: list[str] = []

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        self.dialled.append(host.name)
        if host.name == "db1" and self.accepted("db1") != NEW:
            raise Problems(
                [
                    KeyChanged(
                        what="the key of db1 has changed",
                        code="host-key-changed",
                        exit=Exit.UNREACHABLE,
                        changed=CHANGED,
                    )
                ]
            )
        return await super().connect(host, look)


def asking(*steps: PlannedStep) -> Plan:
    return plan(*steps, environment=Environment(name="lab", host_keys=HostKeys(changed="ask")))


def played(stage: Stage, live: Live) -> Live:
    def accepted(machine: str) -> HostKey | None:
        return live.run.accepted_key(machine)

    stage.world.accepted = accepted
    return live


async def test_an_accepted_key_lets_the_same_step_go_on_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Reinstalled())
    live = played(stage, stage.open(asking(step("1.1", CommandAction(shell="work")))))
    await live.until(lambda run: run.open_gates)
    assert stage.world.sent == []
    assert await live.ask(ACCEPT) is None
    async with asyncio.timeout(FIRST_PAUSE + 5):
        run = await live.to_its_end()
    assert (run.steps["1.1"].outcome, stage.world.dialled) == (Outcome.SUCCEEDED, ["db1", "db1"])
    assert stage.events(HostKeyAccepted) == [HostKeyAccepted(changed=CHANGED, by=ANNA, step="1.1")]
    assert verify(stage.folder).grade == "sound"


async def test_the_look_at_a_host_before_anything_changes_asks_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Reinstalled())
    look = step("1.1", PreflightAction(), hosts=("db1", "db2"))
    live = played(stage, stage.open(asking(look)))
    run = await live.until(lambda run: run.open_gates and run.steps["1.1"].settled)
    assert dict(run.steps["1.1"].settled) == {"db2": Outcome.SUCCEEDED}
    assert await live.ask(ACCEPT) is None
    run = await live.to_its_end()
    assert dict(run.steps["1.1"].settled) == {"db1": Outcome.SUCCEEDED, "db2": Outcome.SUCCEEDED}
    assert verify(stage.folder).grade == "sound"


async def test_a_refused_key_leaves_the_host_unreachable_and_nothing_is_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Reinstalled())
    live = played(stage, stage.open(asking(step("1.1", CommandAction(shell="work"), on_failure="continue"))))
    await live.until(lambda run: run.open_gates)
    assert await live.ask(AnswerGate(gate="1.1#1", answer="refuse")) is None
    run = await live.to_its_end()
    assert (run.steps["1.1"].outcome, run.steps["1.1"].detail) == (
        Outcome.UNREACHABLE,
        "the key of db1 has changed.",
    )
    assert (stage.world.sent, stage.events(HostKeyAccepted), stage.events(SessionOpened)) == ([], [], [])
    assert verify(stage.folder).grade == "sound"


async def test_what_was_accepted_holds_for_the_next_runner_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Reinstalled())
    first = step("1.1", CommandAction(shell="work"))
    live = played(stage, stage.open(asking(first, step("1.2", CommandAction(shell="more")))))
    await live.until(lambda run: run.open_gates)
    assert await live.ask(ACCEPT) is None
    await live.until(lambda run: run.steps["1.1"].outcome)
    await live.crash()
    run = await played(stage, stage.resume()).to_its_end()
    assert {state.outcome for state in run.steps.values()} == {Outcome.SUCCEEDED}
    assert len(stage.events(GateOpened)) == 1


async def test_a_question_that_a_runner_left_open_is_answered_by_the_next(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Reinstalled())
    live = played(stage, stage.open(asking(step("1.1", CommandAction(shell="work")))))
    await live.until(lambda run: run.open_gates)
    await live.stop()
    later = played(stage, stage.resume())
    await later.until(lambda run: run.open_gates == ("1.1#1",))
    assert await later.ask(ACCEPT) is None
    run = await later.to_its_end()
    assert (run.steps["1.1"].outcome, len(stage.world.sent)) == (Outcome.SUCCEEDED, 1)
    assert verify(stage.folder).grade == "sound"
