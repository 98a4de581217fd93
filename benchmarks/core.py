"""The core alone: a thousand scripted hosts, twenty steps, no I/O. Shows that cost grows with the hosts and not faster.

    python -m benchmarks.core [--hosts 1000] [--steps 20]

A pure executor asks `due`, starts what is named, ends it, and folds, exactly as the engine does but without a loop, a
disk or a link. The figure that matters is the last column: microseconds an event, which should not grow with the fleet.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc

from benchmarks.table import publish, rows
from runbook.core.actor import Actor
from runbook.core.effect import Attempt, Conclude, Enter
from runbook.core.events.entry import Entry
from runbook.core.events.event import AttemptEnded, AttemptStarted, Event, RunnerStarted, RunOpened, StepEntered
from runbook.core.fold.evolve import evolve, open_run
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.rules.due import due
from runbook.core.run import Run


def plan(hosts: int, steps: int) -> Plan:
    """The same command on every host, so many times."""
    names = tuple(f"h{number}" for number in range(hosts))
    planned = tuple(
        PlannedStep(id=f"1.{number}", name=f"Step {number}", action=CommandAction(shell="true"), hosts=names)
        for number in range(1, steps + 1)
    )
    return Plan(
        runbook="bench",
        title="Bench",
        kind="operation",
        hosts=tuple(Host(name=name) for name in names),
        environment=Environment(name="bench"),
        sections=(PlannedSection(id="1", name="Work", steps=planned),),
    )


def drive(of: Plan) -> tuple[Run, int]:
    """Run it to its end; the run, and how many events that took."""
    opened = RunOpened(run="r", plan=of, plan_digest="", operator=Actor(name="bench", uid=0))
    first = Entry(seq=0, at=0.0, wall="", event=opened)
    run = open_run(first)
    assert run is not None
    seq = 0

    def tell(run: Run, *events: Event) -> Run:
        nonlocal seq
        for event in events:
            seq += 1
            run = evolve(run, Entry(seq=seq, at=float(seq), wall="", event=event))
        return run

    run = tell(run, RunnerStarted(pid=1))
    while not run.has_ended:
        effects = due(run, run.now)
        notes = [effect.event for effect in effects if isinstance(effect, Conclude)]
        entering = [run.steps[effect.step].planned for effect in effects if isinstance(effect, Enter)]
        notes += [StepEntered(step=planned.id, hosts=planned.hosts) for planned in entering]
        attempts = [effect for effect in effects if isinstance(effect, Attempt)]
        run = tell(run, *notes, *(AttemptStarted(step=a.step, host=a.host, number=a.number) for a in attempts))
        run = tell(
            run,
            *(AttemptEnded(step=a.step, host=a.host, number=a.number, outcome=Outcome.SUCCEEDED) for a in attempts),
        )
    return run, seq


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    body = []
    for hosts in sorted({options.hosts // 10, options.hosts // 2, options.hosts}):
        of = plan(hosts, options.steps)
        began = time.perf_counter()
        _, events = drive(of)
        took = time.perf_counter() - began
        tracemalloc.start()
        run, _ = drive(of)
        kept = tracemalloc.get_traced_memory()[0] / 1024 / hosts
        tracemalloc.stop()
        assert run.has_ended
        body.append((f"{hosts}", f"{events}", f"{took:.2f}", f"{took / events * 1e6:.1f}", f"{kept:.1f}"))
    publish("core", rows(("hosts", "events", "seconds", "us an event", "KiB a host"), body), write=options.write)


if __name__ == "__main__":
    main()
