"""What a halt makes of an attempt: cancelled only where nothing of it had reached its host, and in doubt where it had.

A session answers the first cancel with how the command ended. Where it is already ending the command, at its limit, the
cancel of a halt cuts that off as well, and nobody is left who knows.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runbook.core.events.event import AttemptEnded, AttemptGraded
from runbook.core.host import Host
from runbook.core.intent import HaltRun
from runbook.core.outcome import Ending, Grade, Outcome
from runbook.core.planned.action import Action, DownloadAction, UploadAction
from runbook.core.planned.command import Command
from runbook.core.planned.plan import PlannedStep
from runbook.transport.scripted import ScriptedConnector, ScriptedSession
from runbook.transport.session import Job, Session, Sink, Transferred
from tests.builders import plan, step
from tests.engine.stage import Stage


class CutOff(ScriptedSession):
    """Is ending a command when it is cancelled, or has not yet sent it."""

    is_sent = True
    begun: asyncio.Event

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        if self.is_sent:
            await sink.reached(Grade.ATTACHED, "")
        return await self.never()

    async def upload(self, source: Path, destination: str, **_shown: object) -> Transferred:
        return await self.never()

    async def download(self, source: str, destination: Path) -> Transferred:
        return await self.never()

    async def never(self) -> Any:
        self.begun.set()
        await asyncio.Event().wait()


class Hosts(ScriptedConnector):
    """A world of such hosts."""

    def __init__(self, *, is_sent: bool) -> None:
        super().__init__({})
        self.is_sent, self.begun = is_sent, asyncio.Event()

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        session = CutOff(self, host)
        session.is_sent, session.begun = self.is_sent, self.begun
        return session


async def halted(root: Path, planned: PlannedStep, *, is_sent: bool = True) -> tuple[Stage, AttemptEnded]:
    """A run of one step that is halted in the middle of it, and how its attempt ended."""
    world = Hosts(is_sent=is_sent)
    stage = Stage(root, world)
    live = stage.open(plan(planned))
    await live.until(lambda _run: world.begun.is_set())
    assert await live.ask(HaltRun(reason="enough")) is None
    run = await live.to_its_end()
    (ended,) = stage.events(AttemptEnded)
    assert run.steps[planned.id].outcome is ended.outcome
    return stage, ended


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
    stage, ended = await halted(tmp_path, step("1.1", durable=False), is_sent=is_sent)
    assert (ended.outcome, ended.detail, ended.is_over) == (outcome, detail, False)
    assert len(stage.events(AttemptGraded)) == is_sent


@pytest.mark.parametrize(
    ("action", "outcome", "is_over"),
    [
        (UploadAction(src="file", dest="/file"), Outcome.IN_DOUBT, True),
        (DownloadAction(src="/file", dest="file"), Outcome.CANCELLED, False),
    ],
    ids=["an upload", "a look"],
)
async def test_a_transfer_that_a_halt_cuts_off(tmp_path: Path, action: Action, outcome: Outcome, is_over: bool) -> None:
    (tmp_path / "file").write_text("content")
    _, ended = await halted(tmp_path, step("1.1", action, hosts=("db1",)))
    assert (ended.outcome, ended.is_over) == (outcome, is_over)
