"""What a list of runs and finding one of them cost among many records: `python -m benchmarks.records [RECORDS]`.

Processor time of whole commands, because that is what a person waits for and what another load on the machine does not
change; the least of five each. By an id, a verb must cost the same whatever else lies in the folder, so its time in a
folder of one record stands beside it. Budgets: `runs -n 20` at most 0.3 s, the others at most 1.2 times the same verb
alone. "first" is without what an earlier list has kept in the folder's cache.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.table import publish, rows
from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    Event,
    RunEnded,
    RunnerStarted,
    RunOpened,
    StepEnded,
    StepEntered,
)
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.result import Result
from runbook.record.files.journal import Journal

ROOT = Path(__file__).parent.parent
ROUNDS = 5
LISTED = 0.3
"""Seconds that `runs -n 20` may take."""
ALONE = 1.2
"""Times the same verb in a folder of one record."""

HOSTS = tuple(Host(name=f"db{number}") for number in range(3))
STEPS = tuple(
    PlannedStep(id=f"1.{n}", name=f"Step {n}", action=CommandAction(shell="true"), hosts=tuple(h.name for h in HOSTS))
    for n in range(1, 9)
)
BOOKS = ("orders-restart", "orders-failover", "billing-restore", "daily-health")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def story(run: str, book: str, started: str) -> tuple[Event, ...]:
    """Eight steps on three hosts: 68 lines."""
    section = PlannedSection(id="1", name="Work", steps=STEPS)
    plan = Plan(
        runbook=book,
        title=book,
        kind="operation",
        environment=Environment(name="lab"),
        hosts=HOSTS,
        sections=(section,),
    )
    anna = Actor(name="anna", uid=1000, via="run")
    events: list[Event] = [
        RunOpened(run=run, plan=plan, plan_digest=plan.digest, operator=anna, version="0.1.0", started=started),
        RunnerStarted(pid=4711),
    ]
    for step in STEPS:
        events.append(StepEntered(step=step.id, hosts=step.hosts, digest="d" * 64))
        events += [AttemptStarted(step=step.id, host=host, number=1) for host in step.hosts]
        done = {"outcome": Outcome.SUCCEEDED, "result": Result(rc=0, stdout="ok")}
        events += [AttemptEnded(step=step.id, host=host, number=1, **done) for host in step.hosts]
        events.append(StepEnded(step=step.id, outcome=Outcome.SUCCEEDED))
    return (*events, RunEnded(reason="all steps done"))


def fill(folder: Path, count: int) -> str:
    """So many records, a quarter of an hour apart; gives the id of one in the middle."""
    ids = []
    for number in range(count):
        began = BEGAN + timedelta(minutes=15 * number)
        book = BOOKS[number % len(BOOKS)]
        ids.append(f"{began:%Y%m%dT%H%M%SZ}-{book}-{number % 65536:04x}")
        wall = f"{began:%Y-%m-%dT%H:%M:%S}.000Z"
        told = story(ids[-1], book, wall)
        journal = Journal.create(folder / ids[-1], sync=lambda _: None)
        journal.append(*(Entry(seq=seq, at=seq / 2, wall=wall, event=event) for seq, event in enumerate(told)))
        journal.close()
    return ids[count // 2]


def seconds(workspace: Path, *words: str) -> float:
    """Processor time of one command, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "runbook.cli", *words], cwd=workspace, env=environment, check=False, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def least(workspace: Path, *words: str) -> float:
    return min(seconds(workspace, *words) for _ in range(ROUNDS))


def first(workspace: Path, *words: str) -> float:
    """Without a cache, where there is one."""
    shutil.rmtree(workspace / "recordings/.cache", ignore_errors=True)
    return seconds(workspace, *words)


def main() -> int:
    count = next((int(word) for word in sys.argv[1:] if word.isdigit()), 5000)
    with tempfile.TemporaryDirectory() as place:
        many, one = Path(place) / "many", Path(place) / "one"
        run = fill(many / "recordings", count)
        shutil.copytree(many / "recordings" / run, one / "recordings" / run)
        listed = ("runs", "-n", "20")
        begun, all_first = first(many, *listed), first(many, "runs")
        lists = (
            ("runs -n 20, first", begun, LISTED),
            ("runs -n 20", least(many, *listed), LISTED),
            ("runs, first", all_first, 0.0),
            ("runs", least(many, "runs"), 0.0),
        )
        by_id = {
            " ".join(("halt ID" if words[0] == "halt" else f"{words[0]} ID",)): (
                least(many, *words),
                least(one, *words),
            )
            for words in (("verify", run), ("attach", run, "--line"), ("halt", run, "-m", "enough"))
        }
    body = [(name, f"{took:.2f}", "", *_judged(took, budget, "s")) for name, took, budget in lists]
    body += [
        (name, f"{took:.2f}", f"{alone:.2f}", *_judged(took / alone, ALONE, "x"))
        for name, (took, alone) in by_id.items()
    ]
    heads = (f"processor time in a folder of {count} records", "s", "s alone", "budget", "")
    publish("records", rows(heads, body), write="--write" in sys.argv)
    return int("missed" in str(body))


def _judged(found: float, budget: float, unit: str) -> tuple[str, str]:
    if not budget:
        return "", ""
    return f"<= {budget:g} {unit}", "held" if found <= budget else "**missed**"


if __name__ == "__main__":
    sys.exit(main())
