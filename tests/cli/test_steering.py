"""Words for a run: what each of them asks of it, and what is said where one is none, or lacks something."""

from __future__ import annotations

from typing import get_args

import pytest

from runbook.cli.line.countdown import next_mark
from runbook.cli.line.steering import WORDS, help_lines, intent_of, live_waits, tell_command, understood
from runbook.core.intent import (
    AddNote,
    AnswerGate,
    ContinueRun,
    CutWait,
    ExcludeHost,
    HaltRun,
    Intent,
    LiftFaults,
    MarkMilestone,
    PauseRun,
    ResolveFailure,
    RollBack,
    SkipStep,
)
from runbook.core.planned.action import WaitAction
from runbook.core.run import Run
from runbook.problem import Problems
from tests.builders import Story, plan, step


@pytest.fixture
def waiting() -> Run:
    """A run whose first step waits for five minutes."""
    tale = Story(plan(step("1.1", WaitAction(seconds=300.0), name="Soak"), step("1.2", hosts=("here",))))
    return tale.start().enter("1.1", wait=300.0).run


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("pause", PauseRun()),
        ("continue", ContinueRun()),
        ("skip 1.2 not needed today", SkipStep(step="1.2", reason="not needed today")),
        ("skip 1.1 it is up", CutWait(step="1.1", reason="it is up")),
        ("cut 1.1 it is up", CutWait(step="1.1", reason="it is up")),
        ("cut it is up", CutWait(step="1.1", reason="it is up")),
        ("note  the disk is  slow", AddNote(text="the disk is  slow")),
        ("mark service_restored", MarkMilestone(milestone="service_restored")),
        ("mark restored", MarkMilestone(milestone="service_restored")),
        ("exclude here smoke comes out", ExcludeHost(host="here", reason="smoke comes out")),
        ("lift enough was seen", LiftFaults(reason="enough was seen")),
        ("undo wrong version", RollBack(reason="wrong version")),
        ("halt wrong day", HaltRun(reason="wrong day")),
    ],
)
def test_a_line_asks_for_one_thing(waiting: Run, line: str, intent: Intent) -> None:
    assert live_waits(waiting) == ("1.1",)
    assert intent_of(understood(line, waiting), waiting) == intent


def test_all_that_may_be_asked_of_a_run_beside_answers_has_its_word(waiting: Run) -> None:
    lines = (
        "pause",
        "continue",
        "skip 1.2",
        "cut 1.1",
        "note x",
        "mark normal",
        "exclude here",
        "lift",
        "undo",
        "halt",
    )
    asked = {type(intent_of(understood(line, waiting), waiting)) for line in lines}
    assert asked == {*get_args(Intent)} - {AnswerGate, ResolveFailure}


ALL = ", ".join(word.word for word in WORDS)


def test_every_word_is_explained_as_it_is_written() -> None:
    assert [line.split()[0] for line in help_lines()] == [word.word for word in WORDS]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("paus", f'no run knows the word "paus": its words are {ALL}. Did you mean: pause.'),
        ("paus 1.4 now", f'no run knows the word "paus": its words are {ALL}. Did you mean: pause 1.4 now.'),
        ("frob", f'no run knows the word "frob": its words are {ALL}. What each does is told by: help.'),
        ("pause now", '"pause" stands alone. Write: pause.'),
        ("skip", '"skip" lacks its STEP: waiting now: 1.1. Write: skip STEP WHY.'),
        ("note", '"note" lacks its TEXT. Write: note TEXT.'),
        ("exclude", '"exclude" lacks its HOST: hosts of this run: here. Write: exclude HOST WHY.'),
        ("mark lunch", 'there is no milestone "lunch". Known: declared, detected, normal, outage'),
        ("mark re", 'there is no milestone "re". Known: declared, detected, normal, outage'),
    ],
)
def test_what_is_no_word_or_lacks_something_is_refused_with_what_to_write(waiting: Run, line: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        intent_of(understood(line, waiting), waiting)
    assert str(caught.value).startswith(said)


def test_who_may_not_read_the_record_has_to_name_the_wait() -> None:
    told = understood("cut 1.1", None)
    assert (told.subject, told.lacks_reason) == ("1.1", True)
    assert tell_command("r1", told) == 'runbook tell r1 cut 1.1 -m "WHY"'


@pytest.mark.parametrize(
    ("left", "mark"),
    [(7200.0, 5400.0), (3600.0, 3300.0), (601.0, 600.0), (600.0, 540.0), (95.0, 60.0), (60.0, 30.0), (31.0, 30.0),
     (30.0, 20.0), (15.0, 10.0), (10.0, 0.0), (0.5, 0.0)],
)  # fmt: skip
def test_the_shorter_a_wait_the_more_often_it_is_told(left: float, mark: float) -> None:
    assert next_mark(left) == mark
