"""Real runners on this machine, without SSH: a workspace in a temporary folder whose hosts are the controller itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunnerStarted
from runbook.core.host import Host
from runbook.core.intent import Intent
from runbook.core.inventory import Inventory
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from runbook.record.files.reader import RecordReader
from runbook.talk.door import Doorway
from runbook.workspace.local import HowToRun, LocalWorkspace
from runbook.workspace.prepare import Prepared
from runbook.workspace.settings import Settings

PATIENCE = 20.0
"""Seconds after which a condition that does not come has failed; a run here takes a tenth of one."""


def command(step: str, text: str, **fields: object) -> PlannedStep:
    """A shell step on the host `here`."""
    return PlannedStep(id=step, name=f"Step {step}", action=CommandAction(shell=text), hosts=("here",), **fields)


def plan(*steps: PlannedStep, **fields: object) -> Plan:
    """A plan in one section on the host `here`."""
    defaults: dict[str, object] = {
        "runbook": "practice",
        "title": "Practice",
        "kind": "operation",
        "hosts": (Host(name="here", connection="local"),),
        "environment": Environment(name="test", auto=("all",)),
        "sections": (PlannedSection(id="1", name="Work", steps=steps),),
    }
    return Plan(**{**defaults, **fields})


class Place:
    """A workspace and the runners that were started in it; every one of them is ended with the test."""

    def __init__(self, root: Path) -> None:
        settings = Settings(
            root=root,
            drills=root / "drills",
            inventories=root / "inventories",
            recordings=root / "recordings",
            inventory="",
            allowed=frozenset({os.getuid()}),
        )
        self.root = root
        self.workspace = LocalWorkspace(settings, via="test")
        self._feeds: list[LiveFeed] = []

    async def start(self, of: Plan, *, secrets: tuple[object, ...] = (), **how: object) -> LiveFeed:
        """Launch a runner for a plan and watch it."""
        run = await self.workspace.launch(self.prepared(of, secrets), HowToRun(**how))
        return await self.watch(run)

    def prepared(self, of: Plan, secrets: tuple[object, ...] = ()) -> Prepared:
        """What `prepare` would give, without a document."""
        return Prepared(
            runbook=None,
            inventory=Inventory(name="test", source="", hosts={}, groups={}, environment=of.environment),
            plan=of,
            secrets=secrets,
            files={"runbook.yaml": b"name: practice\n"},
            folder=self.root,
            warnings=(),
        )

    async def watch(self, run: str) -> LiveFeed:
        """One more client."""
        feed = await self.workspace.attach(run)
        self._feeds.append(feed)
        return feed

    async def close(self) -> None:
        """Hang up, and end every runner by its pid, whoever started it here."""
        for feed in self._feeds:
            await feed.close()
        runs = [journal.parent.name for journal in self.root.glob("recordings/*/journal.jsonl")]
        for pid in {pid for run in runs for pid in self.runners(run)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def entries(self, run: str) -> list[Entry]:
        """The record."""
        return list(RecordReader(self.folder(run)).entries())

    def runners(self, run: str) -> list[int]:
        """Pids of the runners that had a run, by the record."""
        return [entry.event.pid for entry in self.entries(run) if isinstance(entry.event, RunnerStarted)]

    def door(self, run: str) -> Doorway:
        """Where its runner listens, by the record."""
        return self.workspace.doorways(run)[0]

    def folder(self, run: str) -> Path:
        """Where a run's record lies."""
        return self.root / "recordings" / run


async def until(feed: LiveFeed, holds: Callable[[Run], object]) -> Run:
    """Wait until a claim about the run holds; the last state is in the message when it does not."""
    async with asyncio.timeout(PATIENCE):
        while not holds(feed.run):
            before = feed.run.seq
            await feed.wait_changed()
            if feed.run.seq == before and not feed.is_live:
                raise AssertionError(f"the runner has gone at entry {before}, {feed.run.phase}")
    return feed.run


async def ended(feed: LiveFeed) -> Run:
    """Wait for the run's end."""
    return await until(feed, lambda run: run.has_ended)


async def answered(feed: LiveFeed, answer: Callable[[str], Intent]) -> None:
    """Answer the gate that is open now, or next; a refusal fails the test."""
    run = await until(feed, lambda run: run.open_gates)
    refused = await feed.send(answer(run.open_gates[0]))
    assert refused is None, refused


async def eventually(holds: Callable[[], object]) -> None:
    """Wait for something outside a run, such as a file that a command writes."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    """True when there is no such process, or only its remains."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


Waiting = Awaitable[Run]
