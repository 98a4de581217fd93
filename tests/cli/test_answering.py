"""The commands that answer a gate: complete as they stand, for every kind of gate."""

from __future__ import annotations

import pytest

from runbook.cli.answering import answer_commands, refusing_answer
from runbook.core.event import GateAnswered, GateOpened
from runbook.core.run import GateAnswer, GateState
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


def test_nothing_in_a_command_drives_the_terminal() -> None:
    [first, *_] = answer_commands("r1", gate("confirm", word="a\x1b[2Jb"))
    assert "\x1b" not in first


def test_a_plain_no_is_the_answer_that_says_no_at_each_gate() -> None:
    kinds = ("confirm", "before", "approve", "manual", "ask", "choose", "checklist")
    assert [refusing_answer(gate(kind).opened) for kind in kinds] == ["stop", "stop", "reject", "failed", "", "", ""]
    assert refusing_answer(gate("failure", "retry", "abort").opened) == "abort"
