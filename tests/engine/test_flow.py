"""Runs that find their own way, from the text of a runbook to their end, on scripted hosts, with runners that die."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from runbook.core.event import Jumped
from runbook.core.fold.verdict import verdicts
from runbook.core.outcome import Outcome
from runbook.core.plan import Plan
from runbook.core.run import Run
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import compile_plan
from runbook.record.beginning import folded as fold_record
from runbook.record.checking.verify import Judgement, verify
from runbook.record.files.reader import RecordReader
from runbook.transport.scripted import Says, ScriptedConnector
from tests.engine.stage import Stage
from tests.planning.compiling import inventory, text_of


def planned(steps: str, **parts: str) -> Plan:
    """The plan of these steps on one host, without the look before anything changes."""
    runbook = parse_runbook(text_of(steps, section="on: db1", **parts).encode(), "t.yaml")
    made = compile_plan(runbook, inventory()).plan
    return replace(made, sections=made.sections[1:])


def lags(*values: int) -> ScriptedConnector:
    """A host whose lag is another at each look; all else it is asked to do goes well."""
    left = list(values)
    return ScriptedConnector(
        lambda _host, command: Says(f"{left.pop(0)}\n".encode() if command.shell == "lag" else b"")
    )


WAITING = """
- {name: Count, set: {tries: 0}}
- {name: Look, command: lag, register: lag}
- {name: Again, set: {tries: "{{ tries + 1 }}", short: "{{ lag.stdout | int < 10 }}"}}
- name: Which way
  branch:
    - {when: short, goto: Promote}
    - {when: tries >= 3, goto: Give up}
    - {goto: Look}
- {name: Give up, end: failed, reason: "the lag was {{ lag.stdout }} after {{ tries }} looks"}
- {name: Promote, command: "promote {{ tries }}"}
- {name: Done, end: completed, reason: "promoted at look {{ tries }}", when: tries > 1}
- {name: Celebrate, command: celebrate}
"""


def sent(world: ScriptedConnector) -> list[str]:
    return [one.text for one in world.sent]


async def test_a_branch_goes_round_until_a_value_is_what_it_should_be(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := lags(50, 20, 5))
    run = await stage.open(planned(WAITING), attended=False).to_its_end()
    assert sent(world) == ["lag", "lag", "lag", "promote 3"]
    assert (verdicts(run).run, run.ended) == ("completed", "step 1.7 Done: promoted at look 3")


async def test_a_branch_that_gives_up_ends_the_run_with_its_authors_reason(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := lags(50, 40, 30))
    run = await stage.open(planned(WAITING), attended=True).to_its_end()
    assert sent(world) == ["lag", "lag", "lag"]
    assert (verdicts(run).run, run.ended) == ("failed", "step 1.5 Give up: the lag was 30 after 3 looks")


@pytest.mark.parametrize("looks", [1, 2])
async def test_a_runner_that_dies_between_two_rounds_is_followed_by_one_that_goes_on(
    tmp_path: Path, looks: int
) -> None:
    stage = Stage(tmp_path, world := lags(50, 20, 5))
    live = stage.open(planned(WAITING), attended=False)
    await live.until(lambda run: run.steps["1.2"].visit == looks and run.steps["1.2"].outcome)
    await live.crash()
    run = await stage.resume().to_its_end()
    assert sent(world) == ["lag", "lag", "lag", "promote 3"]
    assert run.ended == "step 1.7 Done: promoted at look 3"


async def test_the_record_says_which_way_was_taken_and_folds_to_the_same_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, lags(50, 5))
    run = await stage.open(planned(WAITING), attended=False).to_its_end()
    assert [(event.source, event.target) for event in stage.events(Jumped)] == [("1.4", "1.2"), ("1.4", "1.6")]
    assert folded(stage) == run
    assert verify(stage.folder).grade is Judgement.SOUND


async def test_a_value_that_cannot_be_computed_fails_its_step_in_words(tmp_path: Path) -> None:
    stage = Stage(tmp_path, lags(5))
    of = planned("- {command: lag, register: r}\n- {set: {n: '{{ r.json.x + 1 }}'}}")
    run = await stage.open(of, attended=False).to_its_end()
    assert run.steps["1.2"].outcome is Outcome.FAILED
    assert 'no "x"' in run.steps["1.2"].detail


def folded(stage: Stage) -> Run:
    """The run that the record alone gives."""
    return fold_record(RecordReader(stage.folder))
