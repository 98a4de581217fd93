"""Runners in this process: the real record, executor and workers, on scripted hosts that outlive them.

    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(step("1.1", CommandAction(shell="work"))))
    await live.to_its_end()
    later = stage.resume()          # another runner takes the same record, in the same world

`crash` ends a runner as a kill -9 does, as far as one process can play it: nothing is flushed, told or closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from runbook.core.events.entry import Entry
from runbook.core.events.event import Event
from runbook.core.host_key import HostKey
from runbook.core.intent import Intent
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan
from runbook.core.run import Run
from runbook.engine import runner
from runbook.engine.clock import SystemClock
from runbook.engine.entering import Entering
from runbook.engine.executor import Executor
from runbook.engine.fleet import Fleet
from runbook.engine.recorder import Recorder
from runbook.engine.tools import Tools
from runbook.engine.work import RunWorkers
from runbook.engine.workers import Workers
from runbook.masking.masker import Masker
from runbook.problem import Problem
from runbook.record.file_store import FileStore
from runbook.record.files.reader import RecordReader
from runbook.talk.handover import Handover, Opening
from runbook.transport.session import Connector
from tests.builders import ANNA

RUN = "20261123T041200Z-practice-0001"
DOOR = Path("/nowhere/door.sock")
"""Where a runner of the stage would listen; nobody calls it."""
PATIENCE = 10.0

LOOK = 0.02
"""Seconds between two looks where nothing new is on record."""


class Stage:
    """One record and the runners that live it, one after the other."""

    def __init__(self, root: Path, world: Connector, *, secrets: tuple[Secret, ...] = ()) -> None:
        self.root = root
        self.world = world
        self.secrets = secrets
        self.clock = SystemClock()
        self.store = FileStore(root / "recordings")
        self.folder = root / "recordings" / RUN

    def open(self, of: Plan, **how: object) -> Live:
        """The first runner."""
        fields = {"attended": True, "auto": False, "step_mode": False, **how}
        opening = Opening(plan=of, operator=ANNA, files={}, **fields)
        return self._live(runner._opened(self._handover(opening), DOOR, self.store, self.clock))

    def resume(self) -> Live:
        """The next one."""
        return self._live(runner._reopened(self._handover(None), DOOR, self.store, self.clock))

    def entries(self) -> list[Entry]:
        """The record as it stands."""
        return list(RecordReader(self.folder).entries())

    def events(self, *kinds: type[Event]) -> list[Event]:
        """Its events of some kinds."""
        return [entry.event for entry in self.entries() if isinstance(entry.event, kinds)]

    def _handover(self, opening: Opening | None) -> Handover:
        return Handover(
            recordings=self.store.address, run=RUN, doors=(), allowed=(), book_folder=".", opening=opening, by=ANNA
        )

    def _live(self, recorder: Recorder) -> Live:
        executor = Executor(recorder)

        def accepted(machine: str) -> HostKey | None:
            return recorder.run.accepted_key(machine)

        masker = Masker.for_secrets(self.secrets)
        tools = Tools(
            recorder=recorder,
            executor=executor,
            fleet=Fleet(
                recorder.run.hosts,
                {"ssh": self.world, "local": self.world},
                self.clock,
                executor.tell,
                accepted,
            ),
            masker=masker,
            entering=Entering(self.secrets, masker.mask_text, self.clock, folder=self.root),
            clock=self.clock,
            secrets=self.secrets,
            keys={},
            folder=self.root,
        )
        return Live(recorder, executor, RunWorkers(tools))


class Live:
    """One runner: its parts, and the task that drives it."""

    def __init__(self, recorder: Recorder, executor: Executor, workers: Workers) -> None:
        self.recorder = recorder
        self.executor = executor
        self.workers = workers
        self.driving: asyncio.Task[Run] | None = None

    @property
    def run(self) -> Run:
        return self.recorder.run

    def begin(self) -> Live:
        """Let it live; `to_its_end` waits for what comes of it."""
        self.driving = self.driving or asyncio.create_task(self.executor.drive(self.workers))
        return self

    async def to_its_end(self) -> Run:
        """The run when the runner is done with it."""
        self.begin()
        assert self.driving is not None
        async with asyncio.timeout(PATIENCE):
            return await self.driving

    async def until(self, holds: Callable[[Run], object]) -> Run:
        """Live until a claim about the run holds, or about what came of it: work begins some time after its record."""
        self.begin()
        async with asyncio.timeout(PATIENCE):
            while not holds(self.run):
                if self.driving is not None and self.driving.done():
                    self.driving.result()
                    raise AssertionError(f"the runner ended first: {self.run.phase}, {self.run.ended}")
                news = asyncio.ensure_future(self.recorder.wait_beyond(self.run.seq))
                await asyncio.wait([news, self.driving], timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        return self.run

    async def ask(self, intent: Intent) -> Problem | None:
        """Somebody asks for something."""
        async with asyncio.timeout(PATIENCE):
            return await self.executor.submit(intent, ANNA)

    async def stop(self) -> Run:
        """As SIGTERM does."""
        self.executor.shut_down()
        return await self.to_its_end()

    async def crash(self) -> None:
        """As SIGKILL does: the journal is let go where it stands, and no task gets to say anything more."""
        self.recorder._writer.abandon()
        self.executor._stopping = True
        for task in (self.driving, *self.executor._in_flight.values()):
            if task is not None:
                task.cancel()
                with contextlib.suppress(BaseException):
                    await task
