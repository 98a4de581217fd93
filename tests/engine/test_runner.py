"""A run as a process of its own: what it survives, whom it listens to, and what a killed one leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat

import pytest

from runbook.core.events.event import AttemptStarted, StepEnded
from runbook.core.fold.verdict import verdicts
from runbook.core.host import Host
from runbook.core.intent import AnswerGate, HaltRun, PauseRun, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import ConfirmAction, ParallelAction
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Environment, PlannedStep
from runbook.problem import Exit, Problems
from runbook.record.checking.verify import verify
from tests.place import Place, answered, command, ended, eventually, gone, plan, until


def outcomes(run) -> dict[str, str | None]:
    return {step.id: step.outcome and step.outcome.value for step in run.steps.values()}


async def test_a_run_goes_through_its_steps_and_ends_with_its_verdict(place: Place) -> None:
    feed = await place.start(plan(command("1.1", "echo one", register="first"), command("1.2", "echo two")))
    run = await ended(feed)
    assert outcomes(run) == {"1.1": "succeeded", "1.2": "succeeded"}
    assert run.values["first"].by_host["here"].stdout == "one"
    assert verdicts(run).exit is Exit.HELD
    assert (place.folder(run.id) / "out" / "here.log").read_bytes() == b"one\ntwo\n"
    assert verify(place.folder(run.id)).grade == "sound"


async def test_nothing_of_a_record_is_open_to_others(place: Place) -> None:
    run = await ended(await place.start(plan(command("1.1", "echo secret"))))
    folder = place.folder(run.id)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert {name: mode for name, mode in found.items() if mode & 0o077} == {}


async def test_a_secret_reaches_the_command_and_no_file(place: Place) -> None:
    secret = Secret("password", "correct horse battery")
    step = command(
        "1.1",
        'printf %s "$PASSWORD" | wc -c; echo "it is $PASSWORD"',
        env={"PASSWORD": "{{ password }}"},
        awaits=("password",),
    )
    run = await ended(await place.start(plan(step), secrets=(secret,)))
    output = (place.folder(run.id) / "out" / "here.log").read_text().split()
    assert output == ["21", "it", "is", "********"]
    everything = b"".join(path.read_bytes() for path in place.folder(run.id).rglob("*") if path.is_file())
    assert b"correct horse" not in everything


async def test_a_value_that_looks_like_a_template_is_never_rendered(place: Place) -> None:
    secret = Secret("password", "correct horse battery")
    step = command("1.1", 'printf %s "$GIVEN"', env={"GIVEN": "{{ password }}"})
    run = await ended(await place.start(plan(step), secrets=(secret,)))
    assert (place.folder(run.id) / "out" / "here.log").read_text() == "{{ password }}"


async def test_leaving_and_coming_back_shows_the_same_run(place: Place) -> None:
    first = await place.start(plan(PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))))
    await until(first, lambda run: run.open_gates)
    await first.close()
    second = await place.watch(first.run.id)
    assert second.run.open_gates == ("1.1#1",)
    await answered(second, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert outcomes(await ended(second)) == {"1.1": "succeeded"}


async def test_two_people_see_the_same_gate_and_only_the_first_answer_counts(place: Place) -> None:
    one = await place.start(
        plan(
            PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?")),
            PlannedStep(id="1.2", name="Really?", action=ConfirmAction(message="Really?")),
        )
    )
    other = await place.watch(one.run.id)
    await until(other, lambda run: run.open_gates == ("1.1#1",))
    answer = AnswerGate(gate="1.1#1", answer="proceed")
    assert await one.send(answer) is None
    refused = await other.send(answer)
    assert refused is not None
    assert (refused.what, refused.exit) == ("gate 1.1#1 is closed", Exit.REFUSED)


async def test_a_killed_runner_leaves_its_step_in_doubt_and_a_resume_asks_about_it(place: Place) -> None:
    counter = place.root / "count"
    blocked = command("1.2", f"echo x >> {counter}; exec sleep 60", durable=False)
    feed = await place.start(plan(command("1.1", "echo once"), blocked, command("1.3", "echo after")))
    await eventually(counter.exists)
    run_id = feed.run.id
    os.kill(place.runners(run_id)[-1], signal.SIGKILL)
    await eventually(lambda: not feed.is_live)

    await place.workspace.resume(run_id)
    again = await place.watch(run_id)
    run = await until(again, lambda run: run.open_gates)
    assert run.steps["1.2"].outcome is Outcome.IN_DOUBT
    assert run.gates[run.open_gates[0]].opened.choices == ("accept", "retry", "skip", "rollback", "abort")
    assert await again.send(ResolveFailure(step="1.2", choice="accept", reason="the counter says so")) is None
    run = await ended(again)

    assert outcomes(run) == {"1.1": "succeeded", "1.2": "in_doubt", "1.3": "succeeded"}
    assert counter.read_text() == "x\n"
    started = [entry.event.step for entry in place.entries(run_id) if isinstance(entry.event, AttemptStarted)]
    assert started == ["1.1", "1.2", "1.3"]
    assert verify(place.folder(run_id)).grade == "sound"


async def test_a_terminated_runner_leaves_the_run_to_be_resumed(place: Place) -> None:
    question = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))
    feed = await place.start(plan(question))
    await until(feed, lambda run: run.open_gates)
    pid = place.runners(feed.run.id)[-1]
    os.kill(pid, signal.SIGTERM)
    await eventually(lambda: gone(pid))
    assert not place.door(feed.run.id).path.exists()
    assert verdicts(place.workspace.folded(feed.run.id)).run == "interrupted"

    await place.workspace.resume(feed.run.id)
    again = await place.watch(feed.run.id)
    await answered(again, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(again)).run == "completed"


async def test_losing_the_terminal_means_nothing_to_a_runner(place: Place) -> None:
    question = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))
    feed = await place.start(plan(question))
    await until(feed, lambda run: run.open_gates)
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        os.kill(place.runners(feed.run.id)[-1], name)
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(feed)).run == "completed"


async def test_a_halt_ends_what_runs_takes_the_closing_steps_and_is_no_failure(place: Place) -> None:
    mark = place.root / "pid"
    endless = command("1.1", f"echo $$ > {mark}; exec sleep 60")
    closing = command("A.1", "echo closing")
    feed = await place.start(plan(endless, command("1.2", "echo never"), always=(closing,)))
    await eventually(lambda: mark.exists() and mark.read_text().strip())
    assert await feed.send(HaltRun(reason="wrong database")) is None
    run = await ended(feed)
    assert outcomes(run) == {"1.1": "cancelled", "1.2": None, "A.1": "succeeded"}
    assert (verdicts(run).run, run.ended) == ("aborted", "wrong database")
    await eventually(lambda: gone(int(mark.read_text())))


async def test_a_second_run_of_the_same_runbook_is_refused_while_one_is_live(place: Place) -> None:
    question = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))
    first = await place.start(plan(question))
    with pytest.raises(Problems) as refused:
        await place.start(plan(question))
    assert refused.value.problems[0].code == "already-live"
    assert refused.value.exit is Exit.REFUSED
    assert [path.name for path in (place.root / "recordings").iterdir() if "T" in path.name] == [first.run.id]


async def test_a_client_that_never_reads_does_not_slow_the_run(place: Place) -> None:
    steps = tuple(command(f"1.{number}", "echo line") for number in range(1, 30))
    feed = await place.start(plan(PlannedStep(id="1.0", name="?", action=ConfirmAction(message="?")), *steps))
    socket = place.door(feed.run.id).path
    stalled = [await asyncio.open_unix_connection(str(socket)) for _ in range(5)]
    for _, writer in stalled:
        writer.write(b'{"ask":"watch"}\n')
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(feed)).run == "completed"
    for _, writer in stalled:
        writer.close()


async def test_a_client_that_talks_nonsense_is_told_so_and_harms_nothing(place: Place) -> None:
    feed = await place.start(plan(PlannedStep(id="1.1", name="?", action=ConfirmAction(message="?"))))
    socket = place.door(feed.run.id).path
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(b"GET / HTTP/1.1\n")
    assert b"did not understand" in await reader.readline()
    writer.close()
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(feed)).run == "completed"


async def test_a_failure_nobody_attends_aborts_and_rolls_nothing_back(place: Place) -> None:
    undo = (command("1.1.undo.1", "echo undone"),)
    steps = (command("1.1", "echo done", undo=undo), command("1.2", "exit 3"), command("1.3", "echo never"))
    run = await ended(await place.start(plan(*steps), attended=False))
    assert outcomes(run) == {"1.1": "succeeded", "1.1.undo.1": None, "1.2": "failed", "1.3": None}
    assert (verdicts(run).run, run.steps["1.2"].detail) == ("failed", "exit code is 3, expected 0")


async def test_a_rollback_undoes_what_ran_in_reverse_and_nothing_else(place: Place) -> None:
    log = place.root / "log"
    steps = tuple(
        command(f"1.{n}", f"echo do {n} >> {log}", undo=(command(f"1.{n}.undo.1", f"echo undo {n} >> {log}"),))
        for n in (1, 2)
    )
    fails = command("1.3", "exit 1", on_failure="rollback", undo=(command("1.3.undo.1", f"echo undo 3 >> {log}"),))
    never = command("1.4", "true", undo=(command("1.4.undo.1", f"echo undo 4 >> {log}"),))
    run = await ended(await place.start(plan(*steps, fails, never), attended=False))
    assert log.read_text().splitlines() == ["do 1", "do 2", "undo 3", "undo 2", "undo 1"]
    assert verdicts(run).run == "failed"


async def test_an_unreachable_host_is_unreachable_and_nothing_was_sent(place: Place) -> None:
    nowhere = Host(name="here", address="127.0.0.1", port=1, ssh_config="none")
    run = await ended(await place.start(plan(command("1.1", "echo hi"), hosts=(nowhere,)), attended=False))
    assert outcomes(run) == {"1.1": "unreachable"}
    assert verdicts(run).exit is Exit.UNREACHABLE


async def test_a_machine_answers_only_the_gates_that_the_environment_lets_it(place: Place) -> None:
    steps = (PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?")),)
    kept = Environment(name="production", auto=())
    feed = await place.start(plan(*steps, environment=kept), auto=True, attended=False)
    run = await until(feed, lambda run: run.open_gates)
    assert run.gates["1.1#1"].answers == ()
    free = await place.start(plan(*steps, runbook="other"), auto=True, attended=False)
    run = await ended(free)
    assert [answer.given.by.machine for answer in run.gates["1.1#1"].answers] == [True]


async def test_a_paused_run_finishes_its_step_and_enters_no_other(place: Place) -> None:
    go = place.root / "go"
    waits = command("1.1", f"until [ -e {go} ]; do sleep 0.02; done")
    feed = await place.start(plan(waits, command("1.2", "true")))
    await until(feed, lambda run: run.steps["1.1"].running)
    assert await feed.send(PauseRun()) is None
    go.touch()
    run = await until(feed, lambda run: run.steps["1.1"].outcome)
    assert (run.paused, outcomes(run)) == (True, {"1.1": "succeeded", "1.2": None})


async def test_parallel_steps_run_at_the_same_time(place: Place) -> None:
    here, there = place.root / "a", place.root / "b"
    meet = "touch {mine}; until [ -e {other} ]; do sleep 0.01; done"
    children = (
        command("1.1.1", meet.format(mine=here, other=there)),
        command("1.1.2", meet.format(mine=there, other=here)),
    )
    both = PlannedStep(id="1.1", name="Both", action=ParallelAction(), steps=children)
    run = await ended(await place.start(plan(both)))
    assert outcomes(run) == {"1.1": "succeeded", "1.1.1": "succeeded", "1.1.2": "succeeded"}


async def test_a_template_that_fails_fails_its_step_and_sends_nothing(place: Place) -> None:
    step = command("1.1", "echo {{ nothing.stdout }}", awaits=("nothing",))
    run = await ended(await place.start(plan(step), attended=False))
    assert outcomes(run) == {"1.1": "failed"}
    assert '"nothing" is not defined' in run.steps["1.1"].detail
    assert [entry for entry in place.entries(run.id) if isinstance(entry.event, AttemptStarted)] == []


async def test_every_step_of_a_record_ends_once(place: Place) -> None:
    run = await ended(await place.start(plan(*(command(f"1.{n}", "true") for n in range(1, 6)))))
    ends = [entry.event.step for entry in place.entries(run.id) if isinstance(entry.event, StepEnded)]
    assert ends == ["1.1", "1.2", "1.3", "1.4", "1.5"]


async def test_a_folder_that_cannot_be_written_stops_a_run_before_it_begins(place: Place) -> None:
    (place.root / "recordings").write_text("a file where the folder should be")
    with pytest.raises(Problems) as refused:
        await place.start(plan(command("1.1", "true")))
    assert refused.value.problems[0].code == "record-unwritable"
