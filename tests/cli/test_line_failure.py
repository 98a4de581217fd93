"""What follows a failure is decided in lines as on the screen: with the hosts in sight, and grave deeds in two acts."""

from __future__ import annotations

import pytest

from runbook.cli.line.gates import question
from runbook.core.intent import Intent, ResolveFailure
from runbook.core.outcome import Outcome
from tests.builders import plan, step
from tests.core.driving import Drive


class Typed:
    """A keyboard on which these lines are typed, and what it was asked."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.prompts: list[str] = []

    async def ask(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self._lines.pop(0) if self._lines else None


def stuck() -> Drive:
    """One of three hosts failed."""
    hosts = ("app1", "app2", "app3")
    of = step("1.1", name="Restart", hosts=hosts, undo=(step("1.1.undo.1", hosts=hosts),))
    return Drive(plan(of, step("1.2")), outcomes={"1.1@app2": Outcome.FAILED}).go()


async def decided(*lines: str) -> tuple[Intent | None, list[str]]:
    keyboard = Typed(*lines)
    run = stuck().run
    said = {("1.1", "app2"): "bind() failed: Address already in use"}
    return await question(run, "1.1#1", keyboard, said=said), keyboard.prompts


async def test_the_hosts_their_words_and_what_each_choice_reaches_are_told(capsys) -> None:
    await decided()
    assert capsys.readouterr().err == (
        "\n"
        "1.1 Restart: 1 of 3 hosts failed, 2 are OK\n"
        "  FAIL    1  app2  exit 1  bind() failed: Address already in use  (0:01)\n"
        "  OK      2  app[1,3]  (0:01)\n"
        "  1  retry_failed  Retry the failed host: on app2 only, about 0:01\n"
        "  2  exclude       Exclude it and go on: 2 go on, it is out; asks for a reason\n"
        "  3  skip          Go on without it: the step stays failed; asks for a reason\n"
        '  4  retry         Retry all 3 hosts: 2 healthy get it again, about 0:01; asks for "3"\n'
        '  5  rollback      Roll back: undo 1 step, newest first; asks for "roll back"\n'
        '  6  abort         Abort the run: closing steps only; asks for "abort"\n'
    )


@pytest.mark.parametrize("typed", ["1", "retry_failed", "retry_"])
async def test_the_least_that_helps_is_the_first_and_takes_one_line(typed: str) -> None:
    assert (await decided(typed))[0] == ResolveFailure(step="1.1", choice="retry_failed")


@pytest.mark.parametrize(
    ("lines", "choice", "reason"),
    [
        (("retry", "3"), "retry", ""),
        (("4", "3 all of them hang"), "retry", "all of them hang"),
        (("rollback", "roll back"), "rollback", ""),
        (("6", "abort"), "abort", ""),
        (("abort",), "abort", ""),
        (("a", "abort wrong day"), "abort", "wrong day"),
    ],
)
async def test_grave_deeds_take_a_typed_word(lines: tuple[str, ...], choice: str, reason: str) -> None:
    assert (await decided(*lines))[0] == ResolveFailure(step="1.1", choice=choice, reason=reason)


@pytest.mark.parametrize("second", ["", "y", "yes", "retry", "4", "33"])
async def test_all_hosts_are_not_retried_by_anything_but_their_number(second: str) -> None:
    intent, prompts = await decided("retry", second, "1")
    assert intent == ResolveFailure(step="1.1", choice="retry_failed")
    assert prompts[1] == 'Type "3" and it retries on all 3 hosts: '


@pytest.mark.parametrize("typed", ["", "r", "7", "0", "y"])
async def test_what_means_nothing_or_several_things_is_asked_again(typed: str) -> None:
    intent, prompts = await decided(typed, "2", "no disk")
    assert intent == ResolveFailure(step="1.1", choice="exclude", reason="no disk")
    assert prompts == ["[1-6, or a word] ", "[1-6, or a word] ", "Reason, goes on record: "]


async def test_nobody_there_decides_nothing() -> None:
    assert [(await decided(*lines))[0] for lines in ((), ("retry",), ("exclude",))] == [None, None, None]
