"""Entering a step: what it costs on so many hosts, and for how long nobody else gets a turn meanwhile.

    python -m benchmarks.entering [--hosts 2000]

A run whose first step has registered a value on every host meets a second one whose condition and text name it, and a
gate in front of it: from there to the open gate is what entering costs. Beside it something asks for a turn of the loop
all the time, as gates and probes do; the longest that it had to wait is the longest slice. Real record, real executor,
no host. Last, what an attempt costs the loop before anything leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.table import publish, rows
from runbook.core.actor import Actor
from runbook.core.events.event import AttemptEnded, AttemptStarted, RunnerStarted, RunOpened, StepEnded, StepEntered
from runbook.core.host import Host
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.result import Result
from runbook.engine.clock import SystemClock
from runbook.engine.entering import Entering
from runbook.engine.executor import Executor
from runbook.engine.fleet import Fleet
from runbook.engine.recorder import Recorder
from runbook.engine.runner import GARBAGE
from runbook.engine.tools import Tools
from runbook.engine.work import RunWorkers
from runbook.masking.masker import Masker
from runbook.record.address import open_store
from runbook.transport.scripted import Says, ScriptedConnector

ANNA = Actor(name="anna", uid=1000)
ROUNDS = 3
REGISTERED = 5
"""Names that the step before has registered, on every host."""
PAUSE = 0.0005
"""Seconds between two wishes for a turn."""
BUDGET = 50
"""Milliseconds that the longest slice may take."""


class Cost(NamedTuple):
    """Of one round, in milliseconds."""

    entering: float
    slice: float
    sending: float
    """Processor time of all attempts, with a host that answers at once."""


def plan(hosts: int) -> Plan:
    names = tuple(f"web{number:04}" for number in range(hosts))
    first = tuple(
        PlannedStep(id=f"1.{number}", name="Ask", action=CommandAction(shell="ask"), hosts=names, register=f"u{number}")
        for number in range(1, REGISTERED + 1)
    )
    second = PlannedStep(
        id="1.9",
        name="Use",
        action=CommandAction(shell="use {{ u1.stdout }} {{ host.name }}"),
        hosts=names,
        when="u1.rc == 0",
        awaits=("host", "u1"),
        env={"REGION": "{{ u1.stdout }}"},
        confirm="key",
    )
    return Plan(
        runbook="bench",
        title="Bench",
        kind="operation",
        hosts=tuple(Host(name=name) for name in names),
        environment=Environment(name="bench"),
        sections=(PlannedSection(id="1", name="Work", steps=(*first, second)),),
    )


def recorded(folder: Path, of: Plan, clock: SystemClock) -> Recorder:
    """A record whose first steps are over."""
    writer = open_store(str(folder)).create("run", runbook="bench", files={}).writer
    recorder = Recorder(writer=writer, clock=clock, origin=clock.monotonic(), run=None)
    recorder.record(RunOpened(run="r", plan=of, plan_digest="", operator=ANNA))
    recorder.record(RunnerStarted(pid=1))
    for step in of.sections[0].steps[:-1]:
        recorder.record(StepEntered(step=step.id, hosts=step.hosts))
        for host in step.hosts:
            result = Result(rc=0, stdout=f"eu-{host}" + "x" * 40)
            recorder.record(AttemptStarted(step=step.id, host=host, number=1))
            recorder.record(AttemptEnded(step=step.id, host=host, number=1, outcome=Outcome.SUCCEEDED, result=result))
        recorder.record(StepEnded(step=step.id, outcome=Outcome.SUCCEEDED))
    return recorder


class Turns:
    """Asks for a turn of the loop all the time, and knows the most processor time that others took before it came."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while True:
            asked = time.process_time()
            await asyncio.sleep(PAUSE)
            self.longest = max(self.longest, time.process_time() - asked)

    def stop(self) -> float:
        self._task.cancel()
        return self.longest


async def measure(folder: Path, hosts: int) -> Cost:
    clock = SystemClock()
    recorder = recorded(folder, plan(hosts), clock)
    await recorder.commit()
    executor = Executor(recorder)
    world = ScriptedConnector(lambda _host, _command: Says())
    masker = Masker.for_secrets(())
    fleet = Fleet(recorder.run.hosts, {"ssh": world, "local": world}, clock, executor.tell, lambda _machine: None)
    entering = Entering((), masker.mask_text, clock, folder=Path())
    workers = RunWorkers(
        Tools(
            recorder=recorder,
            executor=executor,
            fleet=fleet,
            masker=masker,
            entering=entering,
            clock=clock,
            secrets=(),
            folder=folder,
        )
    )
    turns = Turns()
    await asyncio.sleep(0)
    began = time.process_time()
    driving = asyncio.create_task(executor.drive(workers))
    while not recorder.run.open_gates:
        await recorder.wait_beyond(recorder.run.seq)
    entered = time.process_time() - began
    await asyncio.sleep(0.01)
    longest = turns.stop()
    began = time.process_time()
    await executor.submit(AnswerGate(gate="1.9#1", answer="proceed"), ANNA)
    await driving
    return Cost(entered * 1e3, longest * 1e3, (time.process_time() - began) * 1e3)


def best(hosts: int) -> Cost:
    """The least of each over the rounds: what the machine did besides is nobody's cost here."""
    costs = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            costs.append(asyncio.run(measure(Path(folder), hosts)))
    return Cost(*(min(each) for each in zip(*costs, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=2000)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    # As the runner does.
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)
    sizes = sorted({options.hosts // 20, options.hosts // 2, options.hosts})
    costs = {hosts: best(hosts) for hosts in sizes}
    least = costs[sizes[0]].entering
    body = [
        (
            f"{hosts}",
            f"{cost.entering:.0f}",
            f"{cost.entering / least:.1f}",
            f"{cost.slice:.0f}",
            "held" if cost.slice <= BUDGET else "**missed**",
            f"{cost.sending / hosts:.2f}",
        )
        for hosts, cost in costs.items()
    ]
    heads = (
        "hosts",
        "ms to enter a step",
        f"x {sizes[0]} hosts",
        "ms of the longest slice",
        f"budget <= {BUDGET}",
        "ms an attempt",
    )
    publish("entering", rows(heads, body), write=options.write)


if __name__ == "__main__":
    main()
