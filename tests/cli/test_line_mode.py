"""A person at a line: every gate can be answered by typing, and the safe answer needs nothing but staying silent."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from runbook.talk.peer import login_name
from tests.cli.desk import Desk, Said, book

DONE = "{name: After, command: 'echo after', on: localhost, timeout: 10s, changes: false}"


def run(desk: Desk, steps: str, typed: str, *words: str) -> tuple[Said, dict[str, object]]:
    """Run these steps, typing; gives what was said and the one object."""
    desk.write("drills/look.yaml", book(steps=f"[{steps}, {DONE}]"))
    said = desk.start("run", "look", "--line", "--json", "--attended", *words, typed=typed)
    assert "Traceback" not in said.err
    return said, json.loads(said.out)


def outcomes(ended: dict[str, object]) -> list[str]:
    return [step["outcome"] for step in ended["steps"][1:]]


@pytest.mark.parametrize(
    ("steps", "typed"),
    [
        ("{name: Sure, confirm: Really?}", "proceed\n"),
        ("{name: Sure, confirm: Really?}", "what?\np\n"),
        ("{name: Sure, confirm: Really?, type: localhost}", "localhos\nlocalhost\n"),
        ("{name: Who, ask: Who are you?, register: who}", "anna\n"),
        ("{name: Way, choose: {prompt: Which?, options: [left, right]}}", "2\n"),
        ("{name: By hand, manual: Turn the key}", "done\n"),
        ("{name: List, checklist: [one, two]}", "tick\nwaive\nnot here\n"),
    ],
    ids=["confirm", "confirm after a slip", "typed", "ask", "choose", "manual", "checklist"],
)
def test_a_gate_is_answered_by_typing(desk: Desk, steps: str, typed: str) -> None:
    said, ended = run(desk, steps, typed)
    assert (said.status, outcomes(ended)) == (0, ["succeeded", "succeeded"]), said.err


def test_a_no_stops_the_run_before_what_follows(desk: Desk) -> None:
    said, ended = run(desk, "{name: Sure, confirm: Really?}", "stop\nnot today\n")
    assert (said.status, ended["verdicts"]["run"]) == (1, "aborted")
    assert outcomes(ended)[-1] == "not_reached"


def test_a_gate_says_what_a_yes_lets_through(desk: Desk) -> None:
    said, _ = run(desk, "{name: Sure, confirm: Really?}", "proceed\n")
    assert "This lets through:" in said.err
    assert "1.2 After on localhost" in said.err
    assert "echo after" in said.err


@pytest.mark.parametrize(
    ("typed", "verdict", "status"),
    [("skip\nknown fault\n", "completed with deviations", 1), ("abort\n", "failed", 1)],
    ids=["skip", "abort"],
)
def test_a_failed_step_is_put_to_the_person(desk: Desk, typed: str, verdict: str, status: int) -> None:
    said, ended = run(desk, "{name: Fails, command: 'exit 3', on: localhost, timeout: 10s}", typed)
    assert (said.status, ended["verdicts"]["run"], outcomes(ended)[0]) == (status, verdict, "failed"), said.err


def test_step_mode_asks_before_every_step(desk: Desk) -> None:
    said, ended = run(desk, DONE.replace("After", "First"), "proceed\n" * 3, "--step")
    assert (said.status, outcomes(ended)) == (0, ["succeeded", "succeeded"]), said.err
    assert said.err.count("WAIT") == 3


def test_a_person_who_leaves_is_told_how_to_come_back(desk: Desk) -> None:
    """The end of the input is no answer: the run goes on waiting, and somebody else lets it go on."""
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    waits = desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    assert "confirm" in waits.out
    assert desk.ask("approve", run_id, "--gate", "9.9#1") == Said(
        5,
        "",
        f'error: gate "9.9#1" does not wait in run {run_id}\n'
        f"  fix: Open now: 1.1#1. Each is shown by: runbook approve {run_id}\n",
    )
    assert 'fix: Did you mean "1.1#1"?' in desk.ask("approve", run_id, "--gate", "1.1").err
    answered = desk.ask("approve", run_id, "--gate", "1.1#1")
    assert (answered.status, answered.out) == (0, "")
    ended = desk.start("attach", run_id, "--json")
    assert (ended.status, json.loads(ended.out)["verdicts"]["run"]) == (0, "completed")
    assert f"proceed by {login_name(os.getuid())}" in desk.ask("replay", run_id).out


def test_an_interrupt_leaves_the_watching_and_says_that_the_run_goes_on(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    said = desk.interrupt("attach", run_id, when="WAIT  confirm")
    assert said.status == 130
    assert said.err.rstrip("\n").endswith(
        f"\nYou left; run {run_id} goes on. Back to it: runbook attach {run_id}\n"
        f'Stop it: runbook halt {run_id} -m "why"'
    )
    assert json.loads(desk.ask("runs", "--json").out)[0]["verdict"] == "live"
    assert desk.ask("halt", run_id, "-m", "enough").status == 0


@pytest.mark.parametrize("words", [("halt", "-m", "enough"), ("approve",)])
def test_a_run_whose_runner_was_killed_is_not_live_and_can_be_resumed(desk: Desk, words: tuple[str, ...]) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.close()
    said = desk.until(lambda: desk.ask(*words, run_id), lambda said: "is not live" in said.err)
    assert said == Said(
        5,
        "",
        f"error: run {run_id} is not live\n"
        "  why: its runner is gone\n"
        f"  fix: Continue it with: runbook resume {run_id}\n",
    )
    assert list(Path(os.environ["XDG_RUNTIME_DIR"]).rglob("*.sock")) == []


def test_a_live_run_is_halted_from_another_terminal_with_a_reason(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    assert json.loads(desk.ask("runs", "--json").out)[0]["verdict"] == "live"
    assert desk.ask("halt", run_id, "-m", "wrong day").status == 0
    ended = json.loads(desk.start("attach", run_id, "--json").out)
    assert ended["verdicts"]["run"] == "aborted"
    assert "wrong day" in desk.ask("replay", run_id).out


def test_a_live_run_and_its_replay_print_the_same(desk: Desk) -> None:
    talk = "{name: Talk, command: 'for n in 1 2 3 4 5; do echo line $n; sleep 0.02; done', on: localhost, timeout: 10s}"
    desk.write("drills/look.yaml", book(steps=f"[{talk}, {DONE}]"))
    said = desk.start("run", "look", "--line", "--auto")
    assert said.err == ""
    live = said.out.splitlines()
    replayed = desk.ask("replay").out.splitlines()
    assert live[: len(replayed)] == replayed
    assert [line.rpartition("| ")[2] for line in replayed if "|   line " in line] == [
        f"  line {n}" for n in range(1, 6)
    ]


def test_the_story_steps_aside_to_standard_error_when_the_output_is_one_object(desk: Desk) -> None:
    said = desk.start("run", "look", "--line", "--auto", "--json")
    assert json.loads(said.out)["verdicts"]["run"] == "completed"
    assert "RUN   Look on localhost" in said.err


def test_the_question_is_asked_where_the_person_is_although_the_story_goes_into_a_file(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    said = desk.start("run", "look", "--line", "--attended", typed="proceed\n")
    assert said.status == 0
    assert "\n1.1#1 Sure: Really?\n\n  This lets through:\n" in said.err
    assert "WAIT  confirm 1.1#1: Really?" in said.out


def test_a_reader_that_goes_away_stops_neither_the_run_nor_its_exit_status(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps="[{name: Fails, command: 'exit 3', on: localhost, timeout: 10s}]"))
    said = desk.pipe("run", "look", "--line", "--auto", into="true")
    assert said == Said(1, "", "Nobody reads the lines any more; still watching, for the exit status.\n")


def test_what_our_own_look_at_a_host_prints_is_not_told_as_output(desk: Desk) -> None:
    said = desk.start("run", "look", "--line", "--auto")
    assert [line for line in said.out.splitlines() if " 0.1 " in line and "|   space" in line] == []


def test_who_cannot_answer_here_is_given_the_whole_command(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?, type: localhost}}, {DONE}]"))
    said = desk.start("run", "look", "--line", "--attended", "--detach")
    run_id = said.out.strip()
    yes, no = (
        f"runbook approve {run_id} --gate '1.1#1' {words}" for words in ("--type localhost", '--reject -m "WHY"')
    )
    waits = desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    assert waits.out.endswith(f"    answer it with one of:\n      {yes}\n      {no}\n")
    assert desk.ask(*shlex.split(yes)[1:]).status == 0
    ended = desk.until(lambda: desk.ask("approve", run_id), lambda said: "has ended" in said.err)
    assert ended.err.startswith(f"error: run {run_id} has ended: completed\n  why: it ended 20")
    assert ended.err.endswith(f": every step is done\n  fix: Read it with: runbook replay {run_id}\n")


@pytest.mark.parametrize(
    ("step", "words", "said"),
    [
        (
            "choose: {prompt: Way?, options: [left, right]}",
            (),
            "needs a value\n  fix: Add --value VALUE. Offered: 1 left, 2 right. Such as: {start} --value left\n",
        ),
        (
            "checklist: [one, two]",
            (),
            "needs a value\n  fix: Add --value VALUE. Items: 1 one, 2 two. Such as: {start} --value 1\n",
        ),
        (
            "checklist: [one, two]",
            ("--value", "3"),
            'no item "3"\n  fix: Items: 1 one, 2 two. Such as: {start} --value 1\n',
        ),
        (
            "checklist: [one, two]",
            ("--value", "0"),
            'no item "0"\n  fix: Items: 1 one, 2 two. Such as: {start} --value 1\n',
        ),
    ],
    ids=["no choice", "no item", "an item too many", "item nought"],
)
def test_a_value_that_is_missing_or_none_of_those_offered_is_asked_for(
    desk: Desk, step: str, words: tuple[str, ...], said: str
) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Ask, {step}}}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    refused = desk.ask("approve", run_id, "--gate", "1.1#1", *words)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.endswith(said.format(start=f"runbook approve {run_id} --gate '1.1#1'"))


def test_a_gate_that_was_answered_a_second_ago_says_by_whom_and_what_to_type_now(desk: Desk) -> None:
    desk.write(
        "drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {{name: And, confirm: So?}}, {DONE}]")
    )
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    assert desk.ask("approve", run_id, "--gate", "1.1#1").status == 0
    late = desk.until(lambda: desk.ask("approve", run_id, "--gate", "1.1#1"), lambda said: "1.2#1" in said.err)
    assert late.status == 5
    what, why, fix = late.err.splitlines()
    assert what == f'error: gate "1.1#1" does not wait in run {run_id}'
    assert re.fullmatch(rf"  why: it was answered 20.* UTC: proceed by {login_name(os.getuid())}", why)
    assert fix == f"  fix: Open now: 1.2#1. Each is shown by: runbook approve {run_id}"


def test_an_answer_that_the_gate_does_not_take_is_answered_with_one_that_it_does(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    assert desk.ask("approve", run_id, "--gate", "1.1#1", "--answer", "yep") == Said(
        2,
        "",
        'error: "yep" is not offered\n'
        f"  fix: Add --answer with one of: proceed, stop. Such as: runbook approve {run_id} --gate '1.1#1'\n",
    )


def test_an_answer_without_its_gate_is_no_answer(desk: Desk) -> None:
    assert desk.ask("approve", "look", "--type", "localhost") == Said(
        2,
        "",
        "error: which gate is answered is not said\n"
        "  fix: Name it with --gate. What waits is shown by: runbook approve look\n",
    )


def test_a_live_run_shows_how_long_it_has_lasted_and_not_when_it_last_did_something(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{{name: Sure, confirm: Really?}}, {DONE}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1#1" in said.out)
    first, later = (
        desk.until(lambda: desk.ask("runs", "--json"), lambda said, least=least: lasted(said) > least)
        for least in (0.0, 0.5)
    )
    assert lasted(later) > lasted(first)
    assert " so far " in desk.ask("runs").out
    assert desk.ask("halt", run_id, "-m", "enough").err == (
        f"Run {run_id} cancels what runs, then takes its closing steps. Watch it: runbook attach {run_id}\n"
    )


def test_a_halt_says_which_block_it_leaves_in_its_middle(desk: Desk) -> None:
    block = f"{{name: Swap, block: {{steps: [{{name: Sure, confirm: Really?}}], always: [{DONE}]}}}}"
    desk.write("drills/look.yaml", book(steps=f"[{block}]"))
    run_id = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run_id), lambda said: "1.1.1#1" in said.out)
    assert desk.ask("halt", run_id, "-m", "enough").err.splitlines()[1:] == [
        "The `always` inside Swap is not taken; docs/format.md says why."
    ]
    assert "not_reached" in [
        step["outcome"] for step in json.loads(desk.start("attach", run_id, "--json").out)["steps"]
    ]


def lasted(said: Said) -> float:
    return float(json.loads(said.out)[0]["duration"])
