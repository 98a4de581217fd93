"""A secret that takes every road to the record: none of them leads there."""

from __future__ import annotations

import json
import os
import shlex
import signal
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import SessionLost
from runbook.core.host import Host
from runbook.core.intent import AddNote, AnswerGate, HaltRun
from runbook.core.planned.action import (
    AssertAction,
    CommandAction,
    ConfirmAction,
    HttpAction,
    ManualAction,
    NotifyAction,
    ScriptAction,
)
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan, PlannedParameter, PlannedProbe, PlannedStep
from runbook.engine.log import Log
from runbook.engine.masked import masked, masked_intent
from runbook.masking.masker import Masker
from runbook.problem import Problems
from tests.place import Place, answered, command, ended, eventually, plan, until

SECRET = Secret("password", "corr\"x horse/batt'ery")
MASKER = Masker.for_secrets((SECRET,))
MASK = MASKER.mask_text
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
        assert Log(full.fileno(), MASKER).write("lost") == 4


def test_what_libraries_print_as_a_last_resort_is_masked(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        log = Log(file.fileno(), MASKER)
        print("Traceback", SECRET.reveal(), file=log)
        for piece in (SECRET.reveal()[:5], SECRET.reveal()[5:], "\n"):
            log.write(piece)
        log.flush()
    assert (tmp_path / "log").read_text() == "Traceback ********\n********\n"


PLAIN = Secret("token", "hunter22SuperSecret")
QUOTED = Secret("word", "it's a s3cret & more")
OPEN = {PLAIN.reveal(), QUOTED.reveal(), "s3cret"}


def in_the_open(folder: Path) -> list[str]:
    """Files of a record in which a secret can be read."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(text.encode() in path.read_bytes() for text in OPEN)]


def open_plan() -> Plan:
    """Secrets wherever an author may have written them, and steps that hold only when they are sent as they were."""
    is_sent = f'[ "$(printf %s {PLAIN.reveal()} | wc -c)" -eq 19 ]'
    quoted = shlex.quote(QUOTED.reveal())
    steps = (
        command("1.1", is_sent, description=f"Log in with {PLAIN.reveal()}"),
        command("1.2", f'test {quoted} = "it\'s a s3cret & more"'),
        command("1.3", 'test "$A" = "$B"', env={"A": PLAIN.reveal(), "B": "{{ token }}"}, awaits=("token",)),
        command("1.4", "test {{ note | upper }} = HUNTER22SUPERSECRET", awaits=("said",)),
        command("1.5", "printf %s {{ host.door }} | grep -q '^hunter22S'", awaits=("said",)),
        command("1.6", f"{is_sent} && echo {{{{ said.stdout }}}}", awaits=("said",), when=f"note == '{PLAIN.reveal()}'"),
    )  # fmt: skip
    said = command("1.0", "echo said", register="said")
    return plan(
        said, *steps,
        title=f"With {PLAIN.reveal()}",
        parameters=(
            PlannedParameter(name="token", secret=True, source=f"command:echo {PLAIN.reveal()}"),
            PlannedParameter(name="word", secret=True, source="env:WORD"),
            PlannedParameter(name="note", value=PLAIN.reveal(), source="command line"),
        ),
        hosts=(Host(name="here", connection="local", variables={"door": PLAIN.reveal(), "many": [QUOTED.reveal()]}),),
    )  # fmt: skip


async def test_a_secret_that_somebody_wrote_into_the_plan_is_sent_as_it_is_and_on_no_disk(place: Place) -> None:
    feed = await place.start(open_plan(), secrets=(PLAIN, QUOTED), attended=False)
    run = await ended(feed)
    assert {step.id: step.outcome for step in run.steps.values() if step.outcome != "succeeded"} == {}
    assert in_the_open(place.folder(run.id)) == []
    assert [one.source for one in run.plan.parameters] == ["prompt", "env:WORD", "command line"]


async def test_a_runner_that_takes_over_sends_the_same_from_the_record_alone(place: Place) -> None:
    of = open_plan()
    question = PlannedStep(id="1.9", name="Go on?", action=ConfirmAction(message="Go on?"))
    first = msgspec.structs.replace(
        of.sections[0], steps=(of.sections[0].steps[0], question, *of.sections[0].steps[1:])
    )
    feed = await place.start(msgspec.structs.replace(of, sections=(first,)), secrets=(PLAIN, QUOTED), attended=True)
    await until(feed, lambda run: run.open_gates)
    os.kill(place.runners(feed.run.id)[-1], signal.SIGKILL)
    await eventually(lambda: not feed.is_live)
    place.workspace.secret = lambda name, _source: {"token": PLAIN, "word": QUOTED}[name].reveal()
    await place.workspace.resume(feed.run.id)
    again = await place.watch(feed.run.id)
    await answered(again, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    run = await ended(again)
    assert {step.id: step.outcome for step in run.steps.values() if step.outcome != "succeeded"} == {}
    assert in_the_open(place.folder(run.id)) == []


async def test_a_host_cannot_have_a_secret_sent_by_naming_it(place: Place) -> None:
    """Only what stands in the plan is restored; what a host printed is its own words."""
    said = command("1.1", "printf '%s{token}' '********'", register="said")
    sent = command("1.2", "test {{ said.stdout }} = '********''{token}'", awaits=("said",))
    written = command("1.3", f"test {PLAIN.reveal()} = hunter22'SuperSecret'")
    run = await ended(await place.start(plan(said, sent, written), secrets=(PLAIN,), attended=False))
    assert [run.steps[step].outcome for step in ("1.2", "1.3")] == ["succeeded", "succeeded"]
