"""A feed, an output and a workspace in memory, behind the same protocols that the engine implements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import Event
from runbook.core.fold.evolve import fold
from runbook.core.intent import Intent
from runbook.core.planned.plan import Plan
from runbook.core.rules.decide import decide
from runbook.core.run import Run
from runbook.feed.feed import OutputLine
from runbook.problem import Exit, Problem, Problems
from runbook.view.situation.past import PastRun
from runbook.workspace.rows import BookRow, ParameterField, ProofRow, RunRow
from tests.builders import ANNA, Story


class StillClock:
    """Time that moves when a test says so."""

    def __init__(self, wall: float = 0.0) -> None:
        self.seconds = 0.0
        self._wall = wall

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self._wall + self.seconds


class Lines:
    """Output made from a rule, so that a million lines cost nothing."""

    def __init__(self, written: dict[str, Iterable[bytes]] | None = None) -> None:
        self._lines = {host: list(lines) for host, lines in (written or {}).items()}
        self.reads = 0
        """Lines handed out, to prove that only what is in sight is read."""

    def write(self, host: str, *lines: bytes) -> None:
        self._lines.setdefault(host, []).extend(lines)

    def hosts(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def count(self, host: str) -> int:
        return len(self._lines.get(host, ()))

    def lines(self, host: str, start: int, count: int) -> tuple[OutputLine, ...]:
        found = self._lines.get(host, [])[start : start + count]
        self.reads += len(found)
        return tuple(self._line(start + offset, data) for offset, data in enumerate(found))

    def text(self, host: str, start: int, size: int) -> bytes:
        return b"".join(line.data + b"\n" for line in self.lines(host, start, size // 64))

    def _line(self, number: int, data: bytes) -> OutputLine:
        stream = "err" if data.startswith(b"ERR ") else "out"
        return OutputLine(number=number, data=data.removeprefix(b"ERR "), stream=stream, step="1.1", at=number / 10)


class Million(Lines):
    """A host with a million lines that nobody stored."""

    def count(self, host: str) -> int:
        return 1_000_000

    def lines(self, host: str, start: int, count: int) -> tuple[OutputLine, ...]:
        numbers = range(start, min(start + count, 1_000_000))
        self.reads += len(numbers)
        return tuple(self._line(number, f"line {number} of a long story".encode()) for number in numbers)


class FakeFeed:
    """A live run that a test moves on. Intents are judged by the real `decide`, as the runner does."""

    def __init__(self, story: Story, output: Lines | None = None, *, me: Actor = ANNA, live: bool = True) -> None:
        self.story = story
        self.output = output or Lines()
        self.sent: list[Intent] = []
        self.is_live = live
        self.damage: Problem | None = None
        self.closed = False
        self._me = me
        self._news = asyncio.Event()

    @property
    def run(self) -> Run:
        return self.story.run

    def happens(self, *events: Event) -> None:
        """The runner records events."""
        self.story.add(*events)
        self._news.set()

    def news(self) -> None:
        """The story was moved on by the test."""
        self._news.set()

    def dies(self) -> None:
        """The runner is gone."""
        self.is_live = False
        self._news.set()

    async def wait_changed(self) -> Run:
        if self.is_live:
            await self._news.wait()
            self._news.clear()
        return self.run

    async def send(self, intent: Intent) -> Problem | None:
        self.sent.append(intent)
        decision = decide(self.run, intent, self._me)
        if isinstance(decision, Problem):
            return decision
        self.happens(*decision)
        return None

    async def close(self) -> None:
        self.closed = True


class FakeReplay(FakeFeed):
    """A record; playing is left to the test, which seeks."""

    def __init__(self, story: Story, output: Lines | None = None) -> None:
        super().__init__(story, output, live=False)
        self.entries: tuple[Entry, ...] = tuple(story.entries)
        self.length = self.entries[-1].at
        self.total = len(self.entries)
        self.playing = False
        self.speed = 1.0
        self.position = self.length
        self._index = self.total - 1
        self._run = story.run

    @property
    def run(self) -> Run:
        return self._run

    def seek(self, at: float) -> Run:
        self.position = max(0.0, min(at, self.length))
        self._index = max(i for i, entry in enumerate(self.entries) if entry.at <= self.position)
        return self._fold()

    def step(self, count: int) -> Run:
        self._index = max(0, min(self.total - 1, self._index + count))
        self.position = self.entries[self._index].at
        return self._fold()

    def _fold(self) -> Run:
        self._run = self.story.before[0] if self.story.before else self.story.run
        self._run = fold(self._run, self.entries[1 : self._index + 1])
        return self._run

    def play(self, *, speed: float | None = None) -> None:
        self.playing = True
        self.speed = speed or self.speed

    def pause(self) -> None:
        self.playing = False

    async def wait_changed(self) -> Run:
        await self._news.wait()
        self._news.clear()
        return self.run


class FakeWorkspace:
    """A workspace with what it is given."""

    def __init__(
        self, *, books: tuple[BookRow, ...] = (), runs: tuple[RunRow, ...] = (), of: Plan | None = None
    ) -> None:
        self._books = books
        self._runs = runs
        self._plan = of
        self.fields: tuple[ParameterField, ...] = ()
        self.feed: FakeFeed | None = None
        self.started: list[tuple[str, dict[str, str], bool]] = []
        self.refusal: Exception | None = None
        self.proofs: dict[str, ProofRow] = {}
        self.past: tuple[PastRun, ...] = ()
        self.program: Path | None = None
        """An inventory that is a program: compiling asks before it is run."""

    def books(self) -> tuple[BookRow, ...]:
        return self._books

    def runs(self) -> tuple[RunRow, ...]:
        return self._runs

    def parameters(self, path: str) -> tuple[ParameterField, ...]:
        return self.fields

    def plan(
        self, path: str, given: dict[str, str], *, inventory: str = "", agree: Callable[[Path], bool] | None = None
    ) -> Plan:
        if self.program is not None and not (agree and agree(self.program)):
            raise Problems((refusal("the inventory is a program and was not run"),))
        if self.refusal is not None:
            raise self.refusal
        assert self._plan is not None
        return self._plan

    async def start(
        self,
        path: str,
        given: dict[str, str],
        *,
        step_mode: bool = False,
        digest: str = "",
        agree: Callable[[Path], bool] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> FakeFeed:
        self.secrets = dict(secrets or {})
        assert self.program is None or (agree and agree(self.program))
        self.digest = digest
        self.started.append((path, given, step_mode))
        assert self.feed is not None
        return self.feed

    async def attach(self, run: str) -> FakeFeed:
        assert self.feed is not None
        return self.feed

    def replay(self, run: str) -> FakeReplay:
        assert isinstance(self.feed, FakeReplay)
        return self.feed

    def verified(self, run: str) -> ProofRow:
        return self.proofs.get(run, ProofRow(run=run, grade="SOUND", lines=100, head="a" * 64))

    def history(self, runbook: str, *, but: str) -> tuple[PastRun, ...]:
        return self.past

    def whoami(self) -> Actor:
        return ANNA


def book(name: str, **fields: object) -> BookRow:
    """A runbook in the library."""
    defaults = {
        "path": f"drills/{name}.yaml",
        "title": f"Title of {name}",
        "kind": "failover",
        "owner": "dba-oncall",
        "service": "orders",
        "description": "Move the primary to the standby.",
        "tags": ("tier-1",),
        "inventory": "lab",
        "reviewed": "2026-11-01",
        "review": "ok",
        "last_run": "2026-11-20T03:12:00Z",
        "last_verdict": "completed",
        "last_worst": "completed",
    }
    return BookRow(name=name, **{**defaults, **fields})


def run_row(ident: str, **fields: object) -> RunRow:
    """A record in the library."""
    defaults = {
        "runbook": "orders-failover",
        "kind": "failover",
        "started": "2026-11-20T03:12:00Z",
        "operator": "anna",
        "verdict": "completed",
        "worst": "completed",
        "rta": 127.0,
        "objective": "met",
        "live": False,
        "duration": 300.0,
    }
    return RunRow(id=ident, **{**defaults, **fields})


def refusal(what: str = "this runbook needs a value for reason") -> Problem:
    """A refusal with all its parts."""
    return Problem(what=what, why="it is required", fix="Give one.", code="missing-value", exit=Exit.USAGE)
