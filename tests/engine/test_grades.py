"""Which steps a host's systemd is asked to run: those that may be long, and those that ask for it; and what is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.events.event import AttemptGraded
from runbook.core.outcome import Grade, Outcome
from runbook.steps.kind import WORTH_A_UNIT
from runbook.transport.scripted import Hangs, LosesLink, Says, ScriptedConnector
from tests.builders import plan
from tests.engine.stage import Stage
from tests.engine.test_executor import does


def grades(stage: Stage) -> list[Grade]:
    return [event.grade for event in stage.events(AttemptGraded)]


@pytest.mark.parametrize(
    ("fields", "grade"),
    [
        ({}, Grade.SESSION),
        ({"timeout": WORTH_A_UNIT - 1}, Grade.SESSION),
        ({"timeout": WORTH_A_UNIT}, Grade.UNIT),
        ({"durable": "unit"}, Grade.UNIT),
        ({"durable": False, "timeout": WORTH_A_UNIT}, Grade.ATTACHED),
    ],
    ids=["quick", "not long", "long", "asked for", "attached"],
)
async def test_what_may_be_long_or_asks_for_it_is_a_unit(
    tmp_path: Path, fields: dict[str, object], grade: Grade
) -> None:
    world = ScriptedConnector({"work": Says()})
    world.grade = Grade.UNIT
    stage = Stage(tmp_path, world)
    await stage.open(plan(does("1.1", **fields)), attended=False).to_its_end()
    assert grades(stage) == [grade]


async def test_a_step_whose_link_is_lost_is_found_again_as_what_it_was(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": LosesLink(then=Says())})
    world.grade = Grade.UNIT
    stage = Stage(tmp_path, world)
    run = await stage.open(plan(does("1.1", durable="unit")), attended=False).to_its_end()
    assert (run.steps["1.1"].outcome, grades(stage)) == (Outcome.SUCCEEDED, [Grade.UNIT, Grade.UNIT])


async def test_a_runner_that_takes_over_knows_from_the_record_what_it_was(tmp_path: Path) -> None:
    world = ScriptedConnector({"work": Hangs(b"begun\n")})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", timeout=WORTH_A_UNIT)), attended=False)
    await live.until(lambda run: run.outputs)
    await live.crash()
    # The host has a systemd now; the step was begun without.
    world.grade = Grade.UNIT
    resumed = stage.resume()
    await resumed.until(lambda _run: len(grades(stage)) == 2)
    await resumed.stop()
    assert grades(stage) == [Grade.SESSION, Grade.SESSION]
