"""What a halt makes of an attempt: cancelled only where nothing of it had reached its host, and in doubt where it had.

A session answers the first cancel with how the command ended. Where it is already ending the command, at its limit, the
cancel of a halt cuts that off as well, and nobody is left who knows.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.core.command import Command
from runbook.core.event import AttemptEnded, AttemptGraded
from runbook.core.host import Host
from runbook.core.intent import HaltRun
from runbook.core.outcome import Ending, Grade, Outcome
from runbook.transport.scripted import ScriptedConnector, ScriptedSession
from runbook.transport.session import Job, Session, Sink
from tests.builders import plan, step
from tests.engine.stage import Stage


class CutOff(ScriptedSession):
    """Is ending a command when it is cancelled, or has not yet sent it."""

    is_sent = True
    begun: asyncio.Event

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        if self.is_sent:
            await sink.reached(Grade.ATTACHED, "")
        self.begun.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it never comes


class Hosts(ScriptedConnector):
    """A world of such hosts."""

    def __init__(self, *, is_sent: bool) -> None:
        super().__init__({})
        self.is_sent, self.begun = is_sent, asyncio.Event()

    async def connect(self, host: Host) -> Session:
        session = CutOff(self, host)
        session.is_sent, session.begun = self.is_sent, self.begun
        return session


@pytest.mark.parametrize(
    ("is_sent", "outcome", "detail"),
    [
        (True, Outcome.IN_DOUBT, "no longer wanted, and nobody knows whether it has ended"),
        (False, Outcome.CANCELLED, "stopped: the run no longer wants it"),
    ],
    ids=["had reached its host", "had not"],
)
async def test_an_attached_attempt_that_a_halt_cuts_off(
    tmp_path: Path, is_sent: bool, outcome: Outcome, detail: str
) -> None:
    world = Hosts(is_sent=is_sent)
    stage = Stage(tmp_path, world)
    live = stage.open(plan(step("1.1", durable=False)))
    await live.until(lambda _run: world.begun.is_set())
    assert await live.ask(HaltRun(reason="enough")) is None
    run = await live.to_its_end()
    (ended,) = stage.events(AttemptEnded)
    assert (ended.outcome, ended.detail, ended.is_over) == (outcome, detail, False)
    assert run.steps["1.1"].outcome is outcome
    assert len(stage.events(AttemptGraded)) == is_sent
