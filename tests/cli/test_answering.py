"""The commands that answer a gate: complete as they stand, for every kind of gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runbook.cli.line.answering import answer_commands, item_number, label_of, refusing_answer
from runbook.core.events.event import GateAnswered, GateOpened
from runbook.core.run import GateAnswer, GateState
from runbook.problem import Problems
from tests.builders import ANNA

START = "runbook approve r1 --gate '2.1#1'"


def gate(kind: str, *choices: str, word: str = "", ticked: tuple[int, ...] = ()) -> GateState:
    answers = tuple(
        GateAnswer(at=0.0, given=GateAnswered(gate="2.1#1", step="2.1", by=ANNA, answer="tick", value=number))
        for number in ticked
    )
    opened = GateOpened(gate="2.1#1", step="2.1", kind=kind, choices=choices, word=word)
    return GateState(opened=opened, opened_at=0.0, answers=answers)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (gate("confirm"), ("", ' --reject -m "WHY"')),
        (gate("before", word="db 1"), (" --type 'db 1'", ' --reject -m "WHY"')),
        (gate("approve"), ("", ' --reject -m "WHY"')),
        (gate("ask"), (" --value VALUE",)),
        (gate("choose", "left", "to the right"), (" --value left", " --value 'to the right'")),
        (gate("manual"), ("", ' --reject -m "WHY"', ' --answer skip -m "WHY"')),
        (gate("checklist", "one", "two", ticked=(0,)), (" --value 2", ' --answer waive --value 2 -m "WHY"')),
        (gate("failure", "retry", "skip", "abort"), (" --answer retry", ' --answer skip -m "WHY"', " --answer abort")),
    ],
    ids=lambda value: value.opened.kind if isinstance(value, GateState) else "",
)
def test_each_kind_of_gate_has_its_whole_command(asked: GateState, words: tuple[str, ...]) -> None:
    assert answer_commands("r1", asked) == tuple(f"{START}{each}" for each in words)


def test_a_command_has_what_is_needed_to_find_the_run_from_here() -> None:
    [first, *_] = answer_commands("r1", gate("confirm"), ("--recordings", "/srv/my records", "--operator", "ben"))
    assert first == "runbook approve r1 --recordings '/srv/my records' --operator ben --gate '2.1#1'"


@pytest.mark.parametrize(("typed", "chosen"), [("2", "to the right"), ("left", "left"), ("1", "left")])
def test_a_label_is_chosen_by_its_words_or_its_number(typed: str, chosen: str) -> None:
    assert label_of(gate("choose", "left", "to the right").opened, typed) == chosen


def test_a_label_that_is_a_number_counts_before_its_place() -> None:
    assert label_of(gate("choose", "2", "1").opened, "2") == "2"


@pytest.mark.parametrize(("typed", "number"), [("2", 1), ("Told support", 1), ("1", 0)])
def test_an_item_is_named_by_its_number_or_its_words(typed: str, number: int) -> None:
    assert item_number(gate("checklist", "Backup", "Told support").opened, typed) == number


@pytest.mark.parametrize("read", [label_of, item_number])
def test_what_is_not_offered_is_refused_with_everything_that_is(read: Callable[[GateOpened, str], object]) -> None:
    with pytest.raises(Problems) as refused:
        read(gate("choose", "left", "to the right").opened, "3")
    assert refused.value.problems[0].fix == "Offered: 1 left, 2 to the right."


def test_nothing_in_a_command_drives_the_terminal() -> None:
    [first, *_] = answer_commands("r1", gate("confirm", word="a\x1b[2Jb"))
    assert "\x1b" not in first


def test_a_plain_no_is_the_answer_that_says_no_at_each_gate() -> None:
    kinds = ("confirm", "before", "approve", "manual", "ask", "choose", "checklist")
    assert [refusing_answer(gate(kind).opened) for kind in kinds] == ["stop", "stop", "reject", "failed", "", "", ""]
    assert refusing_answer(gate("failure", "retry", "abort").opened) == "abort"
