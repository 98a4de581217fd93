"""Runs that find their own way, from the text of a runbook to their end, on scripted hosts, with runners that die."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from runbook.core.events.event import Jumped, StepEnded
from runbook.core.fold.verdict import verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.run import Run
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import compile_plan
from runbook.record.beginning import folded as fold_record
from runbook.record.checking.judgement import Judgement
from runbook.record.checking.verify import verify
from runbook.record.files.reader import RecordReader
from runbook.transport.scripted import Says, ScriptedConnector
from runbook.view.asking.gates import gate_view
from runbook.view.steps import step_rows
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
    assert [event.detail for event in stage.events(StepEnded) if event.step == "1.4"] == ["otherwise", "short"]
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


# --- loops ------------------------------------------------------------------------------------------------------------

DROPPING = """
- {name: Find, command: list, register: found}
- name: Drop
  command: "drop {{ item }}"
  loop: {items: "{{ found.stdout | lines }}", at_most: 3}
  rollback: {command: "restore {{ item }}"}
- {name: Sweep, command: sweep}
"""


def tables(*names: str, **codes: int) -> ScriptedConnector:
    """A host that lists these tables, and on which some commands end badly."""
    listed = Says("".join(f"{name}\n" for name in names).encode())
    return ScriptedConnector(
        lambda _host, command: (
            listed
            if command.shell == "list"
            else Says(code=codes.get((command.shell or "").replace(" ", "_").replace("'", ""), 0))
        )
    )


async def test_items_that_the_run_finds_are_gone_through_one_by_one_as_words_of_a_command(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := tables("p1", "p 2; rm -rf /"))
    run = await stage.open(planned(DROPPING), attended=False).to_its_end()
    assert sent(world) == ["list", "drop p1", "drop 'p 2; rm -rf /'", "sweep"]
    assert [row.name for row in step_rows(run, run.now)] == [
        "Find",
        "Drop",
        "Drop (p1)",
        "Drop (p 2; rm -rf /)",
        "Sweep",
    ]
    assert verify(stage.folder).grade is Judgement.SOUND
    assert folded(stage) == run


async def test_more_items_than_the_plan_has_turns_for_fail_the_loop_before_anything_is_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := tables("a", "b", "c", "d"))
    run = await stage.open(planned(DROPPING), attended=False).to_its_end()
    assert sent(world) == ["list"]
    assert "4 items, and the plan has 3 turns for them" in run.steps["1.2"].detail


async def test_what_the_turns_did_is_undone_item_by_item_the_newest_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := tables("a", "b", "c", drop_b=1))
    of = planned(DROPPING.replace("  loop:", "  on_failure: rollback\n  loop:"))
    await stage.open(of, attended=False).to_its_end()
    assert sent(world) == ["list", "drop a", "drop b", "restore b", "restore a"]


@pytest.mark.parametrize("turn", ["1.2.1", "1.2.2", "1.2.3"])
async def test_a_runner_that_dies_behind_any_turn_is_followed_by_one_that_takes_the_next(
    tmp_path: Path, turn: str
) -> None:
    stage = Stage(tmp_path, world := tables("a", "b", "c"))
    live = stage.open(planned(DROPPING), attended=False)
    await live.until(lambda run: run.steps[turn].outcome)
    await live.crash()
    await stage.resume().to_its_end()
    assert sent(world) == ["list", "drop a", "drop b", "drop c", "sweep"]


async def test_the_gate_of_a_turn_shows_what_it_sends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, tables("a", "b"))
    of = planned(DROPPING)
    steps = (*of.sections[0].steps[:1], confirmed(of.sections[0].steps[1]), *of.sections[0].steps[2:])
    of = replace(of, sections=(replace(of.sections[0], steps=steps),))
    live = stage.open(of)
    run = await live.until(lambda run: run.open_gates)
    view = gate_view(run, run.open_gates[0], run.now)
    assert (view.title, view.message, [row.texts[0].lines for row in view.follows]) == (
        "Drop (a)",
        ("Run Drop (a) on db1?",),
        [("drop a",)],
    )
    await live.stop()


def confirmed(loop: PlannedStep) -> PlannedStep:
    return replace(loop, steps=tuple(replace(turn, confirm="key") for turn in loop.steps))


async def test_a_loop_that_is_reached_again_keeps_the_items_by_which_its_turns_are_undone(tmp_path: Path) -> None:
    left = [Says(b"a\nb\n"), Says(b"b\n")]
    world = ScriptedConnector(lambda _host, command: left.pop(0) if command.shell == "list" else Says())
    stage = Stage(tmp_path, world)
    again = "- {branch: [{when: tries.rc == 0, goto: Find}]}\n"
    of = planned(DROPPING.replace("- {name: Sweep", "- {command: sweep, register: tries}\n" + again + "- {name: Sweep"))
    run = await stage.open(of, attended=False).to_its_end()
    assert sent(world) == ["list", "drop a", "drop b", "sweep", "list"]
    assert "a, b could not be undone any more" in run.steps["1.2"].detail


async def test_turns_are_undone_by_their_items_though_the_loop_was_refused_others(tmp_path: Path) -> None:
    left = [Says(b"a\nb\n"), Says(b"b\n")]
    world = ScriptedConnector(lambda _host, command: left.pop(0) if command.shell == "list" else Says())
    stage = Stage(tmp_path, world)
    steps = DROPPING.replace("- {name: Sweep, command: sweep}", "- {branch: [{goto: Find}]}")
    of = planned(steps.replace("  loop:", "  on_failure: rollback\n  loop:"))
    await stage.open(of, attended=False).to_its_end()
    assert sent(world) == ["list", "drop a", "drop b", "list", "restore b", "restore a"]


async def test_conditions_and_results_of_a_turn_speak_of_its_item(tmp_path: Path) -> None:
    world = ScriptedConnector(lambda _host, command: Says((command.shell or "").encode()))
    stage = Stage(tmp_path, world)
    steps = """
- set: {names: [a, b, c]}
- {command: "look {{ item }}", loop: "{{ names }}", when: item != 'b', failed_when: "not result.stdout.endswith(item)"}
"""
    run = await stage.open(planned(steps), attended=False).to_its_end()
    assert (sent(world), run.steps["1.2.2"].outcome) == (["look a", "look c"], Outcome.SKIPPED)
