"""What a runner holds on to: nothing that grows with what hosts print or with how long a run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AnswerGate
from runbook.core.planned.action import ConfirmAction
from runbook.core.planned.plan import PlannedStep
from runbook.record.checking.verify import verify
from tests.place import Place, answered, command, ended, eventually, plan, until

MEGABYTE = 2**20
QUESTION = ConfirmAction(message="Go on?")


def resident(pid: int) -> int:
    """Bytes of a process's memory that lie in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children(pid: int) -> list[str]:
    """States of the processes that it started: `Z` for one that nobody buried."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in found]


@pytest.mark.slow
@pytest.mark.parametrize("durable", [True, False])
async def test_a_hundred_megabytes_of_output_leave_the_runner_as_small_as_it_was(place: Place, durable: bool) -> None:
    flood = command("1.2", f"head -c {100 * MEGABYTE} /dev/zero | tr '\\0' 'x' | fold -w 120", durable=durable)
    gates = [PlannedStep(id=f"1.{number}", name="Go on?", action=QUESTION) for number in (1, 3)]
    feed = await place.start(plan(gates[0], flood, gates[1]))
    await until(feed, lambda run: run.open_gates)
    pid = place.runners(feed.run.id)[-1]
    before = resident(pid)
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    peak = before
    while feed.run.steps["1.2"].outcome is None:
        await feed.wait_changed()
        peak = max(peak, resident(pid))
    assert feed.run.steps["1.2"].outcome == "succeeded"
    assert feed.run.outputs["here"].length >= 100 * MEGABYTE
    assert peak - before < 40 * MEGABYTE
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    await ended(feed)
    assert verify(place.folder(feed.run.id)).grade == "sound"


@pytest.mark.slow
async def test_two_hundred_steps_and_as_many_callers_leave_no_descriptor_and_no_zombie(place: Place) -> None:
    first = PlannedStep(id="1.0", name="Go on?", action=QUESTION)
    steps = tuple(command(f"1.{n}", f"echo {n}", durable=bool(n % 2)) for n in range(1, 201))
    last = PlannedStep(id="1.201", name="Done?", action=QUESTION)
    feed = await place.start(plan(first, command("1.0a", "true"), *steps, last))
    await until(feed, lambda run: run.open_gates == ("1.0#1",))
    pid = place.runners(feed.run.id)[-1]
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    await until(feed, lambda run: run.steps["1.5"].outcome)
    early = descriptors(pid)
    for _ in range(20):
        caller = await place.workspace.attach(feed.run.id)
        await caller.close()
    await until(feed, lambda run: run.open_gates == ("1.201#1",))
    # Up to two more shells may have been opened for steps that took a moment; each holds four.
    await eventually(lambda: descriptors(pid) <= early + 8)
    assert "Z" not in children(pid)
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(feed)).run == "completed"


async def test_a_launcher_that_stays_keeps_nothing_of_the_runners_that_it_started(place: Place) -> None:
    feed = await place.start(plan(command("1.1", "true")))
    pid = place.runners((await ended(feed)).id)[-1]
    await eventually(lambda: not Path(f"/proc/{pid}").exists())
