"""A secret that takes every road to the record: none of them leads there."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from runbook.core.action import (
    AssertAction,
    CommandAction,
    ConfirmAction,
    HttpAction,
    ManualAction,
    NotifyAction,
    ScriptAction,
)
from runbook.core.command import Secret
from runbook.core.event import SessionLost
from runbook.core.intent import AddNote, AnswerGate, HaltRun
from runbook.core.plan import PlannedParameter, PlannedProbe, PlannedStep
from runbook.engine.log import Log
from runbook.engine.masked import masked, masked_intent
from runbook.masking.masker import Masker
from runbook.problem import Problems
from tests.place import Place, answered, command, ended, eventually, plan, until

SECRET = Secret("password", "corr\"x horse/batt'ery")
MASK = Masker.for_secrets((SECRET,)).mask_text
FORMS = {SECRET.reveal(), json.dumps(SECRET.reveal())[1:-1], "corr", "horse", "batt"}


def leaks(folder: Path) -> list[str]:
    """Lines of a record that hold any part of the secret."""
    found = {path.name: path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()}
    lines = [f"{name}: {line}" for name, text in found.items() for line in text.splitlines()]
    return [line for line in lines if any(form in line for form in FORMS)]


async def test_a_secret_is_on_no_road_to_the_record(place: Place) -> None:
    aware = {"awaits": ("password",)}
    steps = (
        command("1.1", "printf '%s\\n' {{ password }}; printf '%s\\n' {{ password }} >&2; exit 1", on_failure="continue", **aware),
        command("1.2", 'printf %s "$P" | sed s/h/h/', env={"P": "{{ password }}"}, register="said", **aware),
        command("1.3", "echo {{ said.stdout }}", awaits=("said",)),
        command("1.4", "true", failed_when="said.stdout == password or nonsense", on_failure="continue", awaits=("said", "password")),
        command("1.5", "true", when="said.stdout != said.stdout and password == password", **aware),
        command("1.6", "echo {{ password.nothing }}", on_failure="continue", **aware),
        command("1.7", "true", cwd="/nowhere/{{ password }}", on_failure="continue", **aware),
        PlannedStep(
            id="1.8", name="Script", action=ScriptAction(text="echo {{ password }}; exit 2"), hosts=("here",),
            on_failure="continue", **aware,
        ),
        PlannedStep(
            id="1.9", name="Call", hosts=("controller",), on_failure="continue", timeout=2.0,
            action=HttpAction(url="http://127.0.0.1:1/{{ password }}", headers={"X-Key": "{{ password }}"}), **aware,
        ),
        PlannedStep(
            id="1.10", name="Is it?", hosts=("controller",), on_failure="continue",
            action=AssertAction(that="password == 'x'"), **aware,
        ),
        PlannedStep(id="1.11", name="By hand", action=ManualAction(instructions="Type {{ password }}"), **aware),
        PlannedStep(id="1.12", name="Go on?", action=ConfirmAction(message="With {{ password }}?"), **aware),
    )  # fmt: skip
    probe = PlannedProbe(
        name="login", hosts=("here",), every=0.1, awaits=("password",),
        action=CommandAction(shell="echo {{ password }} >&2; exit 1"),
    )  # fmt: skip
    feed = await place.start(plan(*steps, probes=(probe,)), secrets=(SECRET,), attended=False)
    await until(feed, lambda run: run.open_gates == ("1.11#1",))
    assert await feed.send(AddNote(text=f"it is {SECRET.reveal()}")) is None
    await answered(
        feed, lambda gate: AnswerGate(gate=gate, answer="done", reason=SECRET.reveal(), value=SECRET.reveal())
    )
    await until(feed, lambda run: run.open_gates == ("1.12#1",))
    assert await feed.send(HaltRun(reason=f"{SECRET.reveal()} was shown")) is None
    run = await ended(feed)
    assert {step.id: step.outcome for step in run.steps.values() if step.outcome is None} == {}
    assert leaks(place.folder(run.id)) == []


async def test_a_variable_that_equals_a_secret_is_in_no_command_s_environment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET.reveal())
    monkeypatch.setenv("DB_USER", "orders")
    step = command("1.1", 'echo "${DB_PASSWORD-none} ${DB_USER-none}"')
    run = await ended(await place.start(plan(step), secrets=(SECRET,)))
    assert (place.folder(run.id) / "out" / "here.log").read_text() == "none orders\n"


async def test_a_run_with_secrets_is_not_resumed_where_nobody_can_give_them(place: Place) -> None:
    parameter = PlannedParameter(name="password", secret=True, source="env:DB_PASSWORD")
    question = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))
    feed = await place.start(plan(question, parameters=(parameter,)), secrets=(SECRET,))
    await until(feed, lambda run: run.open_gates)
    os.kill(place.runners(feed.run.id)[-1], signal.SIGKILL)
    await eventually(lambda: not feed.is_live)
    with pytest.raises(Problems, match="needs its secrets again: password"):
        await place.workspace.resume(feed.run.id)
    place.workspace.secret = lambda _name, _source: SECRET.reveal()
    await place.workspace.resume(feed.run.id)
    again = await place.watch(feed.run.id)
    assert await again.send(AddNote(text=SECRET.reveal())) is None
    await until(again, lambda run: run.notes)
    assert leaks(place.folder(feed.run.id)) == []


@pytest.mark.parametrize("word", ["command", "shell", "kind", "true", "here", "echo"])
async def test_a_secret_that_is_a_word_of_ours_hides_the_word_and_breaks_nothing(place: Place, word: str) -> None:
    step = command("1.1", "echo {{ said.stdout }}", awaits=("said",))
    first = command("1.0", "printf done", register="said")
    run = await ended(await place.start(plan(first, step), secrets=(Secret("password", word),), attended=False))
    assert run.steps["1.1"].outcome == "succeeded"


def test_masking_keeps_the_shape_of_a_value() -> None:
    action = NotifyAction(message=f"it is {SECRET.reveal()}")
    assert masked(action, MASK) == NotifyAction(message="it is ********")
    assert masked({"a": [SECRET.reveal(), 1, None, (True, SECRET.reveal())]}, MASK) == {
        "a": ["********", 1, None, (True, "********")]
    }
    assert masked(SessionLost(host="db1", reason=SECRET.reveal()), MASK) == SessionLost(host="db1", reason="********")


def test_what_people_must_meet_exactly_is_not_masked() -> None:
    mask = Masker.for_secrets((Secret("weak", "1.1"),)).mask_text
    answer = AnswerGate(gate="1.1#1", answer="proceed", typed="1.1", reason="for 1.1")
    assert masked_intent(answer, mask) == AnswerGate(gate="1.1#1", answer="proceed", typed="1.1", reason="for ********")


def test_half_a_character_does_not_stop_the_masking() -> None:
    assert MASK(f"\ud800 {SECRET.reveal()}").endswith(" ********")


def test_the_log_masks_and_survives_a_full_disk() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        assert Log(full.fileno(), MASK).write("lost") == 4


def test_what_libraries_print_as_a_last_resort_is_masked(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        print("Traceback", SECRET.reveal(), file=Log(file.fileno(), MASK))
    assert (tmp_path / "log").read_text() == "Traceback ********\n"
