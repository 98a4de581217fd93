"""Plans, runs and entries with sane defaults, so that a test says only what it is about.

    tale = Story(plan(step("1.1"), step("1.2", hosts=("db1", "db2"))))
    tale.start()
    tale.ran("1.1", took=2.0)
    tale.run, tale.entries

A `Story` writes what a runner would write: entries without gaps, with a monotonic `at` that only `wait` moves on, and
the wall time that goes with it. It folds as it goes, and nothing in it decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AlwaysStarted,
    AttemptEnded,
    AttemptStarted,
    Event,
    GateAnswered,
    GateOpened,
    ProbeSampled,
    RunEnded,
    RunnerStarted,
    RunOpened,
    SessionOpened,
    StepEnded,
    StepEntered,
)
from runbook.core.fold.evolve import evolve, open_run
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, CommandAction
from runbook.core.planned.casting import cast
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.result import Result
from runbook.core.run import Run

ANNA = Actor(name="anna", uid=1000, via="run")
BEN = Actor(name="ben", uid=1001, via="attach")
STARTED = datetime(2026, 11, 23, 4, 12, 0, tzinfo=UTC)
RUN_ID = "20261123T041200Z-orders-failover"


def step(step: str = "1.1", action: Action | None = None, **fields: object) -> PlannedStep:
    """A step; by default a command on db1."""
    chosen = action or CommandAction(shell=f"run-{step}")
    given = {"name": f"Step {step}", "section": "Work", **fields}
    if isinstance(chosen, CommandAction):
        given.setdefault("hosts", ("db1",))
    return PlannedStep(id=step, action=chosen, **given)


def section(section: str, *steps: PlannedStep, **fields: object) -> PlannedSection:
    """A section, named like its first step's section."""
    name = steps[0].section if steps else "Empty"
    return PlannedSection(id=section, steps=steps, **{"name": name, **fields})


def plan(*steps: PlannedStep, **fields: object) -> Plan:
    """A plan in one section, or in those given as `sections`; its hosts are those its steps name."""
    sections = fields.pop("sections", (section("1", *steps),))
    inside = [each for part in sections for each in part.steps]
    names = dict.fromkeys(host for top in inside for each in top.walk() for host in each.hosts if host != "controller")
    defaults = {
        "runbook": "orders-failover",
        "title": "Fail orders over",
        "kind": "failover",
        "environment": Environment(name="lab"),
        "hosts": tuple(Host(name=name) for name in names),
    }
    return cast(Plan(sections=sections, **{**defaults, **fields}))


def opened(of: Plan | None = None, **fields: object) -> RunOpened:
    """The first event of a run."""
    of = of or plan(step())
    defaults = {
        "run": RUN_ID,
        "plan_digest": of.digest,
        "operator": ANNA,
        "version": "0.1.0",
        "boot_id": "11111111-2222-3333-4444-555555555555",
        "started": wall(0.0),
    }
    return RunOpened(plan=of, **{**defaults, **fields})


def wall(at: float) -> str:
    """The wall time that goes with `at`."""
    return (STARTED + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Story:
    """A run being written, entry by entry."""

    def __init__(self, of: Plan | None = None, **fields: object) -> None:
        self.now = 0.0
        first = Entry(seq=0, at=0.0, wall=wall(0.0), event=opened(of, **fields))
        self.entries: list[Entry] = [first]
        run = open_run(first)
        assert run is not None
        self.run: Run = run
        self.before: list[Run] = []
        """`before[n]` is the run that entry `n + 1` was folded into."""

    def wait(self, seconds: float) -> Story:
        """Let time pass."""
        self.now += seconds
        return self

    def add(self, *events: Event) -> Story:
        """Write events at the present moment."""
        for event in events:
            entry = Entry(seq=len(self.entries), at=self.now, wall=wall(self.now), event=event)
            self.entries.append(entry)
            self.before.append(self.run)
            self.run = evolve(self.run, entry)
        return self

    def start(self, *hosts: str) -> Story:
        """A runner takes it, and hosts answer (all of the plan's by default)."""
        names = hosts or tuple(host.name for host in self.run.plan.hosts)
        sessions = [
            SessionOpened(host=name, address="127.0.0.1", host_key=f"SHA256:{name}", user="ops", server="OpenSSH_9.2")
            for name in names
        ]
        return self.add(RunnerStarted(pid=4711, by=ANNA), *sessions)

    def enter(self, name: str, **fields: object) -> Story:
        """A step begins on its planned hosts."""
        return self.add(StepEntered(step=name, **{"hosts": self.run.steps[name].planned.hosts, **fields}))

    def attempt(self, name: str, host: str) -> Story:
        """A host is tried (again)."""
        before = self.run.steps[name].attempts.get(host)
        return self.add(AttemptStarted(step=name, host=host, number=before.number + 1 if before else 1))

    def answer(self, name: str, host: str, outcome: Outcome = Outcome.SUCCEEDED, **fields: object) -> Story:
        """The newest attempt on a host ends."""
        number = self.run.steps[name].attempts[host].number
        rc = {Outcome.SUCCEEDED: 0, Outcome.FAILED: 1}.get(outcome)
        given = {"result": Result(rc=rc), "detail": "" if rc == 0 else outcome.value.replace("_", " "), **fields}
        return self.add(AttemptEnded(step=name, host=host, number=number, outcome=outcome, **given))

    def end(self, name: str, outcome: Outcome = Outcome.SUCCEEDED, detail: str = "") -> Story:
        """A step is over."""
        return self.add(StepEnded(step=name, outcome=outcome, detail=detail))

    def ran(self, name: str, outcome: Outcome = Outcome.SUCCEEDED, *, took: float = 1.0, detail: str = "") -> Story:
        """A whole step, the same on all its hosts."""
        hosts = self.run.steps[name].planned.hosts
        self.enter(name)
        for host in hosts:
            self.attempt(name, host)
        self.wait(took)
        for host in hosts:
            self.answer(name, host, outcome, **({"detail": detail} if detail else {}))
        return self.end(name, outcome, detail)

    def ask(self, name: str, kind: str = "confirm", **fields: object) -> Story:
        """A gate opens, and its step with it unless it stands in front of or behind one."""
        if kind not in {"before", "failure"} and not self.run.steps[name].is_live:
            self.enter(name)
        count = sum(gate.opened.step == name for gate in self.run.gates.values())
        given = {"message": "Go on?", "choices": ("proceed", "stop"), **fields}
        return self.add(GateOpened(gate=f"{name}#{count + 1}", step=name, kind=kind, **given))

    def say(self, answer: str = "proceed", *, by: Actor = ANNA, **fields: object) -> Story:
        """Somebody answers the newest open gate."""
        gate = self.run.gates[self.run.open_gates[-1]].opened
        return self.add(GateAnswered(gate=gate.gate, step=gate.step, by=by, answer=answer, **fields))

    def sample(self, probe: str, *oks: bool, every: float = 0.5, took: float = 0.01) -> Story:
        """A probe answers so many times, `every` seconds apart."""
        for ok in oks:
            self.wait(every).add(ProbeSampled(probe=probe, ok=ok, took=took, detail="" if ok else "refused"))
        return self

    def finish(self, reason: str = "every step is done") -> Story:
        """The run ends."""
        return self.add(AlwaysStarted(), RunEnded(reason=reason))
