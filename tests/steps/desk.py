"""A bench with sane defaults, a clock that tests own, and a sink that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from runbook.core.events.fact import Fact
from runbook.core.host import Host
from runbook.core.outcome import Grade
from runbook.core.planned.action import Action, CommandAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.result import Result
from runbook.problem import problem
from runbook.steps.kind import Bench, Sample
from runbook.transport.local.connector import LocalConnector
from runbook.transport.scripted import Answers, ScriptedConnector
from runbook.transport.session import Connector, Job, Session, Stream


class FakeClock:
    """Time that moves only when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Page:
    """A sink that keeps what it was given."""

    def __init__(self) -> None:
        self.out = b""
        self.err = b""
        self.grades: list[Grade] = []

    async def receive(self, stream: Stream, data: bytes) -> None:
        if stream is Stream.OUT:
            self.out += data
        else:
            self.err += data

    async def reached(self, grade: Grade, place: str = "") -> None:
        self.grades.append(grade)


OPENED: list[Session] = []
"""Sessions that the running test has opened; closed after it, because a session keeps a shell for its next step."""


@dataclass(kw_only=True)
class Desk:
    """A bench and what is written on it."""

    connector: Connector = field(default_factory=lambda: ScriptedConnector({}))
    samples: Iterable[Sample] = ()
    truths: Mapping[str, bool] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    page: Page = field(default_factory=Page)
    checks: list[tuple[str, bool, str]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    judged: list[Result] = field(default_factory=list)
    on_ask: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._next = iter(self.samples)

    def bench(
        self, action: Action | None = None, *, job: Job | None = None, host: str = "db1", **parts: object
    ) -> Bench:
        """A bench; keywords are fields of `Bench`, or of its planned step."""
        own = {name: parts.pop(name) for name in tuple(parts) if name in Bench.__dataclass_fields__}
        planned = PlannedStep(
            **{"id": "1.1", "name": "step", "action": action or CommandAction(), "hosts": (host,), **parts}
        )
        return Bench(
            planned=planned,
            host=host,
            job=job or Job(id="run/1.1/db1/1"),
            sink=self.page,
            clock=self.clock,
            open_session=lambda _look=None: self._open(host),
            ask_probe=self._ask,
            evaluate=self._evaluate,
            report=self._report,
            state=self._state,
            **own,
        )

    async def _open(self, host: str) -> Session:
        session = await self.connector.connect(Host(name=host))
        OPENED.append(session)
        return session

    async def _ask(self, name: str) -> Sample:
        self.on_ask()
        return next(self._next)

    def _evaluate(self, expression: str, result: Result) -> bool:
        self.judged.append(result)
        if expression not in self.truths:
            raise problem(f'"{expression}" has an unknown name')
        return self.truths[expression]

    async def _state(self, fact: Fact) -> None:
        self.facts.append(fact)

    async def _report(self, name: str, ok: bool, detail: str) -> None:
        self.checks.append((name, ok, detail))


def scripted(answers: Answers) -> Desk:
    """A desk in front of scripted hosts."""
    return Desk(connector=ScriptedConnector(answers))


def local() -> Desk:
    """A desk in front of this machine."""
    return Desk(connector=LocalConnector(wall=lambda: 1_800_000_000.0))
