"""`command` and `script`: what is sent, and what comes back."""

from __future__ import annotations

import asyncio

import pytest

from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import CommandAction, ScriptAction
from runbook.core.planned.command import MASK, Become, Command, Secret
from runbook.core.result import Result
from runbook.steps.command import CommandKind, prepared
from runbook.steps.following import PAUSE
from runbook.steps.kind import Finding
from runbook.steps.script import ScriptKind, script_command
from runbook.transport.scripted import Dies, Hangs, LosesLink, Says, ScriptedConnector, unreachable
from runbook.transport.session import Job
from tests.steps.desk import Desk, local, scripted

LAG = CommandAction(shell="orders lag")


async def test_a_command_that_exits_0_succeeds_with_its_output_on_record():
    desk = scripted({"orders lag": Says(b"3\n", b"note\n")})
    finding = await CommandKind().attempt(LAG, desk.bench())
    assert finding == Finding(outcome=Outcome.SUCCEEDED, result=Result(rc=0, stdout="3", stderr="note"))
    assert (desk.page.out, desk.page.err, desk.page.grades) == (b"3\n", b"note\n", [Grade.SESSION])


async def test_a_lost_link_is_in_doubt_and_never_success():
    desk = scripted({"orders lag": LosesLink(b"3\n")})
    finding = await CommandKind().attempt(LAG, desk.bench(job=Job(id="a", durable=False)))
    detail = "sent, and no answer came: it ended with exit code 0, and what it printed is not there"
    assert finding == Finding(
        outcome=Outcome.IN_DOUBT, detail=detail, result=Result(stdout="3", duration=PAUSE), is_over=True
    )


async def test_a_host_that_cannot_be_opened_is_unreachable_in_the_problems_words():
    desk = Desk(connector=ScriptedConnector({}, unreachable={"db1": unreachable("db1")}))
    assert await CommandKind().attempt(LAG, desk.bench()) == Finding(
        outcome=Outcome.UNREACHABLE, detail="host db1: db1 cannot be reached: scripted. Change the script."
    )


async def test_a_limit_times_out_and_a_foreign_signal_fails():
    desk = scripted({"orders lag": Hangs(), "orders check": Dies("SEGV")})
    timed_out = await CommandKind().attempt(LAG, desk.bench(job=Job(id="a", limit=0.01)))
    died = await CommandKind().attempt(CommandAction(shell="orders check"), desk.bench(job=Job(id="b")))
    assert (timed_out.outcome, died.outcome) == (Outcome.TIMED_OUT, Outcome.FAILED)


async def test_cancelling_ends_the_command_and_says_so():
    desk = scripted({"orders lag": Hangs(b"waiting")})
    task = asyncio.create_task(CommandKind().attempt(LAG, desk.bench()))
    while not desk.page.out:
        await asyncio.sleep(0)
    task.cancel()
    assert (await task).outcome is Outcome.CANCELLED


async def test_a_secret_in_the_output_is_masked_in_the_result_and_the_failure():
    desk = scripted({"orders lag": Says(err=b"login with correct-horse refused\n", code=1)})
    finding = await CommandKind().attempt(LAG, desk.bench(secrets=(Secret("password", "correct-horse"),)))
    assert finding == Finding(
        outcome=Outcome.FAILED,
        detail=f"exit code is 1, expected 0; stderr ends: login with {MASK} refused",
        result=Result(rc=1, stderr=f"login with {MASK} refused"),
    )


async def test_expressions_see_the_result_of_this_attempt():
    desk = scripted({"orders lag": Says(b"3\n")})
    desk.truths = {"result.stdout | int < 5": True}
    await CommandKind().attempt(LAG, desk.bench(until="result.stdout | int < 5"))
    assert desk.judged == [Result(rc=0, stdout="3")]


async def test_an_attempt_of_a_dead_runner_is_followed_from_its_first_byte_and_never_started_again():
    world = ScriptedConnector({"orders lag": LosesLink(b"on", then=Says(b"one two\n"))})
    await CommandKind().attempt(LAG, Desk(connector=world).bench())
    desk = Desk(connector=world)
    bench = desk.bench(job=Job(id="run/1.1/db1/1", out_offset=2), reattach=True)
    finding = await CommandKind().attempt(LAG, bench)
    assert finding == Finding(outcome=Outcome.SUCCEEDED, result=Result(rc=0, stdout="one two"))
    assert desk.page.out == b"e two\n"
    assert len(world.sent) == 1


async def test_an_attempt_that_never_started_is_not_started_by_following_it():
    desk = scripted({"orders lag": Says()})
    job = Job(id="run/1.1/db1/1", place=desk.connector.place)
    finding = await CommandKind().attempt(LAG, desk.bench(job=job, reattach=True))
    assert finding.outcome is Outcome.UNREACHABLE


def test_a_command_carries_the_steps_environment_folder_user_and_secrets():
    secret = Secret("password", "correct-horse")
    bench = Desk().bench(cwd="/srv", env=(("PW", secret),), become=Become(user="orders"), secrets=(secret,))
    assert prepared(Command(argv=("id", "-u")), bench) == Command(
        argv=("id", "-u"),
        cwd="/srv",
        env=(("PW", secret),),
        become=Become(user="orders"),
        secrets=(secret,),
    )


async def test_a_command_that_no_shell_can_carry_fails_and_says_why():
    finding = await CommandKind().attempt(CommandAction(shell="echo a\0b"), local().bench())
    assert finding.outcome is Outcome.FAILED
    assert "NUL" in finding.detail


def test_a_script_without_arguments_is_the_interpreters_own_business():
    action = ScriptAction(text="print(1)\n", interpreter=("python3", "-I"))
    assert script_command(action, Desk().bench()) == Command(shell="print(1)\n", interpreter=("python3", "-I"))


@pytest.mark.parametrize(
    ("interpreter", "text"),
    [
        (("/bin/sh", "-eu"), '#!/bin/sh\nprintf \'<%s>\' "$@"\nread -r line || echo " no input"\n'),
        (("python3", "-I"), "import sys\nprint(''.join(f'<{a}>' for a in sys.argv[1:]), end='')\nprint(' no input')"),
    ],
)
async def test_a_script_gets_its_arguments_letter_for_letter(interpreter, text):
    action = ScriptAction(text=text, interpreter=interpreter, args=("a b", "c'd", "$HOME", "-n"))
    finding = await ScriptKind().attempt(action, local().bench())
    assert finding == Finding(outcome=Outcome.SUCCEEDED, result=Result(rc=0, stdout="<a b><c'd><$HOME><-n> no input"))


def test_the_same_script_is_the_same_command():
    action = ScriptAction(text="true\n", args=("a",))
    first, second = (script_command(action, Desk().bench()) for _ in range(2))
    assert first.digest == second.digest
