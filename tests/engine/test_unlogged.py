"""A step with `no_log`: what is rendered into it, what it prints and why it failed are in no record and on no screen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptEnded, AttemptStarted, GateOpened, StepEnded, StepEntered, StepSkipped
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    CONTROLLER,
    Action,
    CommandAction,
    ConfirmAction,
    LoopAction,
    ScriptAction,
    SetAction,
    UploadAction,
    WaitAction,
)
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import digest_of, hash_of
from runbook.core.result import Result
from runbook.record.checking.verify import verify
from runbook.transport.scripted import Says, ScriptedConnector
from runbook.view.asking.gates import gate_view
from tests.builders import plan, step
from tests.engine.stage import Live, Stage

VALUE = "4711"
FIRST = step("1.1", CommandAction(shell="first"), register="pin")
AWARE = {"awaits": ("pin",), "no_log": True}


def stage_of(root: Path, *steps: PlannedStep) -> tuple[Stage, Live]:
    """A run whose first step registers the value; everything else on the host repeats what it was sent, and fails."""

    def answers(_host: object, command: object) -> Says:
        if command.shell == "first":
            return Says(out=f"{VALUE}\n".encode())
        return Says(out=f"{command} {VALUE}\n".encode(), err=f"{VALUE}\n".encode(), code=3)

    stage = Stage(root, ScriptedConnector(answers))
    return stage, stage.open(plan(FIRST, *steps))


def behind_the_first(stage: Stage) -> str:
    """The record of all that came after the value was registered, and every other file of the run."""
    lines = (stage.folder / "journal.jsonl").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if '"StepEnded"' in line)
    logs = [path.read_text().replace(f"{VALUE}\n", "", 1) for path in (stage.folder / "out").glob("*")]
    return "\n".join((*lines[at:], *logs))


def hashes(text: str) -> set[str]:
    """Of a value as somebody would guess it."""
    return {hashlib.sha256(guess.encode()).hexdigest() for guess in (text, f"{text}\n", f"login {text}")}


@pytest.mark.parametrize(
    "action",
    [CommandAction(shell="login {{ pin.stdout }}"), ScriptAction(text="login {{ pin.stdout }}")],
    ids=["command", "script"],
)
async def test_nothing_of_what_is_rendered_or_printed_is_kept(tmp_path: Path, action: Action) -> None:
    hidden = step(
        "1.2", action, hosts=("db1",), env={"PIN": "{{ pin.stdout }}"}, cwd="/{{ pin.stdout }}", register="said", **AWARE,
        failed_when="result.stdout.nothing", on_failure="continue",
    )  # fmt: skip
    stage, live = stage_of(tmp_path, hidden)
    await live.to_its_end()
    assert any(VALUE in sent.text for sent in stage.world.sent if sent.text != "first")
    text = behind_the_first(stage)
    assert [found for found in {VALUE, *hashes(VALUE)} if found in text] == []
    ended = stage.events(AttemptEnded)[-1]
    assert (ended.outcome, ended.result.rc, ended.result.stdout) == (Outcome.FAILED, 3, "")
    assert verify(stage.folder).grade == "sound"


async def test_its_digests_are_those_of_the_plans_text(tmp_path: Path) -> None:
    stage, live = stage_of(
        tmp_path, step("1.2", CommandAction(shell="login {{ pin.stdout }}"), on_failure="continue", **AWARE)
    )
    await live.to_its_end()
    entered, started = stage.events(StepEntered)[-1], stage.events(AttemptStarted)[-1]
    assert json.loads(entered.shown["*"])["action"] == {"kind": "command", "shell": "login {{ pin.stdout }}"}
    assert (entered.digest, started.digest) == (digest_of(entered.shown, ["db1"]), hash_of(entered.shown["*"]))


async def test_the_gate_in_front_of_it_shows_the_plans_text(tmp_path: Path) -> None:
    hidden = step("1.2", CommandAction(shell="login {{ pin.stdout }}"), confirm="key", on_failure="continue", **AWARE)
    stage, live = stage_of(tmp_path, hidden)
    run = await live.until(lambda run: run.open_gates)
    (name,) = run.open_gates
    assert VALUE not in repr(gate_view(run, name, run.now))
    (gate,) = stage.events(GateOpened)
    assert await live.ask(AnswerGate(gate=name, answer="proceed", digest=gate.digest)) is None
    await live.to_its_end()
    assert stage.world.sent[-1].text == f"login {VALUE}"


async def test_a_condition_that_is_false_tells_no_values(tmp_path: Path) -> None:
    stage, live = stage_of(tmp_path, step("1.2", CommandAction(shell="login"), when="pin.stdout == 'other'", **AWARE))
    await live.to_its_end()
    (skipped,) = stage.events(StepSkipped)
    assert (skipped.expression, skipped.values) == ("pin.stdout == 'other'", {})
    assert VALUE not in behind_the_first(stage)


async def test_a_reason_that_could_quote_it_is_not_kept(tmp_path: Path) -> None:
    action = UploadAction(src="/no/{{ pin.stdout }}", dest="/x")
    upload = step("1.2", action, hosts=("db1",), on_failure="continue", **AWARE)
    stage, live = stage_of(tmp_path, upload)
    run = await live.to_its_end()
    assert VALUE not in behind_the_first(stage)
    assert run.steps["1.2"].detail == "why is not kept: the runbook says no_log"


async def test_what_people_read_and_what_we_wait_for_is_rendered(tmp_path: Path) -> None:
    ask = PlannedStep(id="1.2", name="Ask", action=ConfirmAction(message="Is it {{ pin.stdout }}?"), **AWARE)
    wait = PlannedStep(id="1.3", name="Wait", action=WaitAction(until="{{ '00:00' if pin.stdout else 'x' }}"), **AWARE)
    _, live = stage_of(tmp_path, ask, wait)
    run = await live.until(lambda run: run.open_gates)
    assert run.gates[run.open_gates[0]].opened.message == f"Is it {VALUE}?"
    assert await live.ask(AnswerGate(gate=run.open_gates[0], answer="proceed")) is None
    run = await live.until(lambda run: run.steps["1.3"].is_live or run.steps["1.3"].outcome)
    assert (run.steps["1.3"].outcome, run.steps["1.3"].wait > 0) == (None, True)
    await live.stop()


async def test_what_a_run_goes_by_is_kept_or_it_could_not_go_on(tmp_path: Path) -> None:
    given = step("1.2", SetAction(values={"door": "{{ pin.stdout }}"}), hosts=(CONTROLLER,), **AWARE)
    turn = step("1.3.1", CommandAction(shell="login {{ door }}"), awaits=("door",), on_failure="continue")
    items = LoopAction(source="{{ [pin.stdout] }}", at_most=1)
    loop = PlannedStep(id="1.3", name="Each", action=items, steps=(turn,), **AWARE)
    stage, live = stage_of(tmp_path, given, loop)
    await live.to_its_end()
    assert stage.world.sent[-1].text == f"login {VALUE}"


async def test_a_step_that_does_not_say_so_keeps_all_of_it(tmp_path: Path) -> None:
    open_one = step(
        "1.2", CommandAction(shell="login {{ pin.stdout }}"), awaits=("pin",), on_failure="continue", register="said"
    )
    stage, live = stage_of(tmp_path, open_one)
    await live.to_its_end()
    ended = stage.events(AttemptEnded)[-1]
    assert isinstance(ended.result, Result)
    assert VALUE in ended.result.stdout
    assert stage.events(StepEnded)[-1].detail == f"exit code is 3, expected 0; stderr ends: {VALUE}"
