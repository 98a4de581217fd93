"""Between the wish to run something and the first connection: what is asked for, what is shown, and what a yes is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk, book
from tests.real.terminal import typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

QUESTION = "Start it? [y/N] "
PARAMETERS = """parameters:
  target: {type: host, help: Where it is done}
  count: {type: integer, min: 1, max: 9}
  mode: {type: choice, choices: [graceful, forced], default: graceful}
  password: {type: secret}
"""
STEPS = """
      - name: Say it
        command: "echo {{ count }} {{ mode }} $P"
        on: "{{ target }}"
        env: {P: "{{ password }}"}
        timeout: 10s
        rollback: {name: Unsay it, command: "true", timeout: 10s}
"""


WORK = "[{name: Work, command: uptime, on: localhost, timeout: 10s}]"


@pytest.fixture
def here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in front of a terminal, with a runbook that changes something."""
    monkeypatch.delenv("CI", raising=False)
    desk.write("drills/look.yaml", book(steps=WORK))
    return desk


@pytest.fixture
def asking(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in front of a terminal, with a runbook that needs values."""
    monkeypatch.delenv("CI", raising=False)
    desk.write("drills/ask.yaml", book(name="ask", head=PARAMETERS, steps=STEPS))
    desk.write("inventories/here/hosts.yaml", "all: {hosts: {web1: {ansible_connection: local}}}\n")
    return desk


def records(desk: Desk) -> list[Path]:
    """Runs that were begun."""
    return sorted((desk.root / "recordings").glob("*/journal.jsonl"))


async def test_what_would_happen_is_shown_and_a_no_starts_nothing(here: Desk) -> None:
    status, said = await typed(here.root, "run", "look", answers=((QUESTION, "n"),))
    assert (status, records(here)) == (130, [])
    shown = said.replace("\r\n", "\n").split("digest")[0]
    assert shown == (
        "\nLook\n  operation look in here: 2 steps\n  hosts      localhost\n"
        "  changes    1 step, without undo\n             1.1 Work on localhost, no undo\n  "
    )
    assert said.endswith("Nothing was started.\r\n")


@pytest.mark.parametrize("answers", [("",), ("\x04",), ("maybe", "n"), ("y es", "no")])
async def test_only_a_yes_is_a_yes(asking: Desk, answers: tuple[str, ...]) -> None:
    typing = (("password (not shown", "geheim"), *((QUESTION, answer) for answer in answers))
    status, said = await typed(asking.root, "run", "ask", "-p", "target=web1", "-p", "count=1", answers=typing)
    assert (status, records(asking)) == (130, []), said


async def test_a_yes_starts_the_plan_that_was_shown(here: Desk) -> None:
    status, said = await typed(here.root, "run", "look", answers=((QUESTION, "y"),))
    [journal] = records(here)
    assert status == 0, said
    assert f'"plan_digest":"{said.split("digest")[1].split()[0]}' in journal.read_text()


async def test_who_knows_says_so_and_is_shown_it_all_the_same(here: Desk) -> None:
    status, said = await typed(here.root, "run", "look", "--yes", answers=())
    assert (status, "1.1 Work on localhost" in said, QUESTION in said) == (0, True, False), said


@pytest.mark.parametrize("words", [("--auto",), ("--unattended",)])
async def test_nobody_is_asked_who_was_said_to_be_away(here: Desk, words: tuple[str, ...]) -> None:
    status, said = await typed(here.root, "run", "look", *words, answers=())
    assert (status, QUESTION in said) == (0, False), said


async def test_ci_is_not_asked_even_where_it_has_a_terminal(desk: Desk) -> None:
    status, said = await typed(desk.root, "run", "look", answers=(), CI="true")
    assert (status, QUESTION in said) == (0, False), said


def test_without_a_terminal_the_command_line_is_the_word(desk: Desk) -> None:
    said = desk.start("run", "look")
    assert (said.status, QUESTION in said.err, "digest" in said.err) == (0, False, False), said


async def test_what_is_missing_is_refused_where_nobody_can_be_asked(asking: Desk) -> None:
    status, said = await typed(asking.root, "run", "ask", answers=None)
    assert (status, records(asking)) == (2, [])
    assert 'parameter "target" is missing' in said
    assert "Give it: -p target=VALUE" in said


async def test_missing_values_are_asked_for_until_they_fit_and_secrets_unseen(asking: Desk) -> None:
    answers = (
        ("\ntarget: ", "9"),
        ("\ntarget: ", "1"),
        ("\ncount: ", "many"),
        ("\ncount: ", "12"),
        ("\ncount: ", "3"),
        ("password (not shown", ""),
        ("password (not shown", "geheim-4711"),
        (QUESTION, "y"),
    )
    status, told = await typed(asking.root, "run", "ask", answers=answers)
    said = told.replace("\r\n", "\n")
    assert status == 0, said
    assert said.startswith(
        "Look asks for values (* is needed):\n"
        "  * target    host                          Where it is done\n"
        "  * count     integer, 1 to 9\n"
        "    mode      graceful | forced = graceful\n"
        "  * password  secret\n"
        "   1  web1\n"
    )
    assert '  host parameter "target" cannot be "9". It is no host of inventory here. Known: web1.\n' in said
    assert '  integer parameter "count" cannot be "many". Write a whole number.\n' in said
    assert '  integer parameter "count" cannot be "12". The most is 9.\n' in said
    assert "  password is needed: type it; it is not shown while you do. Ctrl-D leaves.\n" in said
    assert "  values     target=web1, count=3, mode=graceful, password=(secret)\n" in said
    assert "  changes    1 step, each with its undo\n" in said
    assert "|   3 graceful ********\n" in said
    assert "geheim" not in said


async def test_a_value_can_be_changed_at_the_question_and_a_wrong_one_changes_nothing(asking: Desk) -> None:
    answers = (
        ("password (not shown", "geheim"),
        (QUESTION, "mode=forced"),
        (QUESTION, "count=many"),
        (QUESTION, "y"),
    )
    given = ("-p", "target=web1", "-p", "count=3")
    status, said = await typed(asking.root, "run", "ask", *given, answers=answers)
    assert status == 0, said
    assert said.count("password (not shown") == 1
    assert 'integer parameter "count" cannot be "many"' in said
    assert "|   3 forced ****" in said


async def test_every_command_can_be_read_at_the_question(here: Desk) -> None:
    status, said = await typed(here.root, "run", "look", answers=((QUESTION, "p"), (QUESTION, "n")))
    assert (status, "localhost: $ uptime" in said) == (130, True), said


async def test_where_the_environment_wants_its_name_a_y_is_not_enough(here: Desk) -> None:
    here.write("inventories/here/environment.yaml", "name: production\nconfirm: typed\n")
    question = 'Type "production" to start it, or Enter to leave it: '
    status, said = await typed(here.root, "run", "look", answers=((question, "y"), (question, "")))
    assert (status, records(here)) == (130, [])
    assert 'Nothing is started by "y".' in said


async def test_what_the_place_has_against_it_is_told_before_the_question(here: Desk) -> None:
    here.write("inventories/here/environment.yaml", 'name: here\nfreeze: ["2000-01-01/2999-12-31 for ever"]\n')
    status, said = await typed(here.root, "run", "look", answers=((QUESTION, "y"),))
    assert (status, records(here)) == (5, [])
    assert "  freeze     2000-01-01/2999-12-31 for ever" in said.partition(QUESTION)[0]
    assert "refused now (freeze): " in said.partition(QUESTION)[0]


async def test_what_a_rollback_would_take_back_is_shown_and_asked_as_well(here: Desk) -> None:
    undo = "[{name: Work, command: 'true', on: localhost, timeout: 10s, rollback: {name: Unwork, command: 'true', timeout: 9s}}]"
    here.write("drills/look.yaml", book(steps=undo))
    assert here.start("run", "look").status == 0
    status, said = await typed(here.root, "rollback", "last", answers=((QUESTION, "n"),))
    assert (status, len(records(here)), "Unwork on localhost" in said) == (130, 1, True), said
    status, said = await typed(here.root, "rollback", "last", answers=((QUESTION, "y"),))
    assert (status, len(records(here))) == (0, 2), said


async def test_leaving_a_question_starts_nothing(asking: Desk) -> None:
    status, said = await typed(asking.root, "run", "ask", answers=(("\ntarget: ", "\x04"),))
    assert (status, records(asking)) == (130, [])
    assert "Nothing was started: target has no value. It may be given with the command: -p target=VALUE" in said


def test_a_secret_on_the_command_line_is_refused_and_not_ignored(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="parameters: {password: {type: secret, from: 'env:PW'}}\n"))
    said = desk.ask("plan", "look", "-p", "password=geheim")
    assert said.status == 2
    assert 'the secret "password" is not given like other parameters' in said.err
    assert "fix: Leave it out; it comes from env:PW.\n" in said.err
