"""The table of answers holds everywhere: for every kind of gate and every answer, the rules, a line, a command and the
screen offer the same, ask for a reason in the same cases, and ask the same of the runner.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList

from runbook.cli.line.answering import Draft, answer_commands, answering_intent, refusing_answer
from runbook.cli.line.gates import question as asked_in_lines
from runbook.cli.verbs.approve_verb import verb
from runbook.core.answers import QUESTIONS, Answer, GateKind, answer_of, gate_kinds, question
from runbook.core.events.event import AttemptEnded, GateAnswered, HaltRequested
from runbook.core.gate.gates import IN_FRONT, machine_may_answer
from runbook.core.host_key import ChangedKey, HostKey, HostKeys
from runbook.core.intent import AnswerGate, Intent, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    Action,
    ApproveAction,
    AskAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    Item,
    ManualAction,
    Option,
)
from runbook.core.planned.plan import Environment
from runbook.core.rules.decide import decide
from runbook.core.run import GateState
from runbook.problem import Problem
from runbook.tui.modals.failure import FailureGate
from runbook.tui.modals.failure_box import FailureBox
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.reason import Reason
from tests.builders import ANNA, BEN, plan, step
from tests.core.driving import Drive
from tests.tui.fakes import FakeFeed
from tests.tui.showing import asked, opened, until

ASKING: dict[str, Action] = {
    "confirm": ConfirmAction(message="Kills db1", type="db1"),
    "approve": ApproveAction(message="Fail over?", allow_self=True),
    "ask": AskAction(prompt="Ticket?"),
    "choose": ChooseAction(prompt="Which way?", options=(Option(label="east"), Option(label="west"))),
    "manual": ManualAction(instructions="Pull the cable"),
    "checklist": ChecklistAction(items=(Item(item="DNS is low"), Item(item="People told"))),
}
CHANGED = ChangedKey(machine="db1", known=(HostKey("ssh-rsa", "SHA256:a"),), shown=HostKey("ssh-rsa", "SHA256:b"))
WHY = "looked by hand"
SECOND_ACTS = {"retry": "2", "rollback": "roll back", "abort": "abort"}
"""Words that are typed before what reaches hosts that are well, or ends the way forward."""
VALUES = {"nothing": None, "text": "CHG-7", "label": "west", "item": 0}


@dataclass(frozen=True)
class Given:
    """One answer at one kind of gate."""

    kind: GateKind
    answer: Answer


EVERY = [Given(one.kind, answer) for one in QUESTIONS for answer in one.answers]
each_answer = pytest.mark.parametrize("given", EVERY, ids=lambda given: f"{given.kind} {given.answer.word}")


def waiting(kind: GateKind, **fields: object) -> Drive:
    """A run that has come to a gate of that kind; a failure is one on which everything is offered."""
    if kind == "failure":
        of = step("1.1", CommandAction(shell="promote"), hosts=("db1", "db2"), **fields)
        return Drive(plan(of, step("1.2")), outcomes={"1.1@db2": Outcome.IN_DOUBT}).go()
    if kind == "host_key":
        place = Environment(name="lab", host_keys=HostKeys(changed="ask"))
        drive = Drive(plan(step("1.1", CommandAction(shell="promote"), **fields), environment=place))
        drive.settle()
        ended = {"outcome": Outcome.UNREACHABLE, "changed_key": CHANGED}
        drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, **ended))
        drive.settle()
        return drive
    if kind == "approval":
        # Anna answers in all of these, so somebody else has started it.
        return Drive(plan(step("1.1", approvals=1, confirm="key", **fields), step("1.2")), operator=BEN).go()
    if kind == "before":
        fields = {"confirm": "typed", "confirm_word": "db1", **fields}
    return Drive(plan(step("1.1", ASKING.get(kind, CommandAction(shell="promote")), **fields), step("1.2"))).go()


def gate_of(drive: Drive) -> GateState:
    return drive.run.gates[drive.run.open_gates[0]]


def meant(given: Given, gate: GateState, reason: str) -> Intent:
    """What everybody who gives this answer has to ask of the runner."""
    word, about = given.answer.word, gate.opened
    if given.kind == "failure":
        return ResolveFailure(step="1.1", choice=word, reason=reason)
    typed = about.word if given.answer.is_yes else ""
    value = VALUES[given.answer.takes]
    return AnswerGate(gate="1.1#1", answer=word, value=value, reason=reason, typed=typed, digest=about.digest)


def reason_for(answer: Answer) -> str:
    return WHY if answer.needs_reason else ""


# --- the rules --------------------------------------------------------------------------------------------------------


@each_answer
def test_the_rules_grant_it_and_ask_for_a_reason_as_the_table_says(given: Given) -> None:
    drive = waiting(given.kind)
    gate = gate_of(drive)
    granted = decide(drive.run, meant(given, gate, WHY), ANNA)
    silent = decide(drive.run, meant(given, gate, ""), ANNA)
    assert not isinstance(granted, Problem), granted
    assert (isinstance(silent, Problem) and silent.code == "no-reason") is given.answer.needs_reason
    assert any(isinstance(event, HaltRequested) for event in granted) is given.answer.halts


@each_answer
def test_a_word_that_must_be_typed_belongs_to_the_yes_alone(given: Given) -> None:
    drive = waiting(given.kind)
    gate = gate_of(drive)
    if not gate.opened.word:
        return
    untyped = AnswerGate(gate="1.1#1", answer=given.answer.word, reason=WHY)
    refused = decide(drive.run, untyped, ANNA)
    assert (isinstance(refused, Problem) and refused.code == "wrong-word") is given.answer.is_yes


@each_answer
def test_the_step_ends_as_the_table_says(given: Given) -> None:
    if given.answer.ends is None:
        return
    drive = waiting(given.kind)
    assert drive.ask(meant(given, gate_of(drive), WHY)) is None
    drive.go()
    expected = Outcome.SUCCEEDED if given.kind in IN_FRONT and given.answer.is_yes else given.answer.ends
    assert drive.outcome("1.1") is expected


@pytest.mark.parametrize("kind", ["manual", "failure"])
def test_a_required_step_is_not_left_undone(kind: GateKind) -> None:
    drive = waiting(kind, required=True)
    gate = gate_of(drive)
    undone = [answer for answer in question(kind).answers if answer.leaves_undone]
    assert undone
    for answer in undone:
        assert answer.word not in gate.opened.choices
        assert isinstance(decide(drive.run, meant(Given(kind, answer), gate, WHY), ANNA), Problem)


@each_answer
def test_a_machine_gives_it_only_where_the_table_lets_it(given: Given) -> None:
    place = Environment(name="lab", auto=("all",), host_keys=HostKeys(changed="ask"))
    drive = waiting(given.kind)
    run = drive.run
    may = machine_may_answer(replace(run, auto=True, plan=replace(run.plan, environment=place)), gate_of(drive))
    assert may is bool(question(given.kind).auto)
    assert not given.answer.by_machine or may
    if given.kind in gate_kinds() and given.kind != "ask":
        lived = Drive(plan(step("1.1", ASKING[given.kind]), environment=place), auto=True).go()
        said = {event.answer for event in lived.events if isinstance(event, GateAnswered)}
        assert (given.answer.word in said) is given.answer.by_machine


# --- in lines, by command, on the screen ------------------------------------------------------------------------------


class Typed:
    """A keyboard on which these lines are typed."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.reasons = 0

    async def ask(self, prompt: str) -> str | None:
        self.reasons += prompt.startswith("Reason")
        return self._lines.pop(0) if self._lines else None


@each_answer
async def test_at_a_line_it_is_typed_with_a_reason_only_where_it_needs_one(given: Given) -> None:
    drive = waiting(given.kind)
    gate = gate_of(drive)
    plain = {"text": "CHG-7", "label": "2"}.get(given.answer.takes, given.answer.word)
    first = gate.opened.word if gate.opened.word and given.answer.is_yes else plain
    keyboard = Typed(first, SECOND_ACTS.get(given.answer.word, WHY) if given.kind == "failure" else WHY)
    intent = await asked_in_lines(drive.run, "1.1#1" if given.kind != "failure" else gate.opened.gate, keyboard)
    assert (intent, keyboard.reasons) == (
        meant(given, gate, reason_for(given.answer)),
        int(given.answer.needs_reason),
    )


@each_answer
def test_the_command_that_is_shown_for_it_is_whole_and_asks_the_same(given: Given) -> None:
    gate = gate_of(waiting(given.kind))
    commands = [shlex.split(one) for one in answer_commands("r1", gate)]
    intents = [(command, answering_intent(gate.opened, _draft(command))) for command in commands]
    wanted = meant(given, gate, "WHY" if given.answer.needs_reason else "")
    if given.answer.takes == "text":
        wanted = replace(wanted, value="VALUE")
    [command] = [command for command, intent in intents if intent == wanted]
    assert ("-m" in command) is given.answer.needs_reason
    assert (refusing_answer(gate.opened) == given.answer.word) is given.answer.is_no


def _draft(command: list[str]) -> Draft:
    """As the verb reads it."""
    said = verb.make_context("approve", command[2:]).params
    return Draft(**{name: said[name] for name in ("gate", "answer", "reject", "value", "reason", "typed")})


@each_answer
async def test_on_the_screen_it_is_pressed_and_a_reason_asked_only_where_it_needs_one(given: Given) -> None:
    drive = waiting(given.kind)
    gate = gate_of(drive)
    feed = FakeFeed(drive.story)
    async with opened(feed=feed, start_on="run", size=(100, 40)) as pilot:
        box = await asked(pilot, GateModal)
        if isinstance(box, FailureGate):
            await _decided(pilot, box.query_one(FailureBox), given.answer)
            await until(pilot, lambda: feed.sent)
            assert feed.sent == [meant(given, gate, reason_for(given.answer))]
            return
        button = _aimed(box, given, gate)
        await until(pilot, lambda: not button.disabled)
        button.focus()
        await pilot.press("enter")
        if given.answer.needs_reason or given.answer.is_grave:
            reason = await asked(pilot, Reason)
            go = reason.query_one("#go", Button)
            assert go.disabled is given.answer.needs_reason
            if given.answer.needs_reason:
                reason.query_one("#reason", Input).value = WHY
            await until(pilot, lambda: not go.disabled)
            go.focus()
            await pilot.press("enter")
        await until(pilot, lambda: feed.sent)
    assert feed.sent == [meant(given, gate, reason_for(given.answer))]


def _aimed(box: GateModal, given: Given, gate: GateState) -> Button:
    """Fill in what the answer takes, and give the button that gives it."""
    for typed in box.query("#typed"):
        typed.value = gate.opened.word if given.answer.is_yes else ""
    match given.answer.takes:
        case "text":
            box.query_one("#value", Input).value = "CHG-7"
            return box.query_one("#value-given", Button)
        case "label":
            box.query_one("#ways", OptionList).highlighted = 1
            return box.query_one("#chosen", Button)
    return box.query_one(f"#{given.answer.word}", Button)


async def _decided(pilot: Pilot[None], box: FailureBox, answer: Answer) -> None:
    """Choose it by its number, read what it would reach, type what it asks for, and do it."""
    number = next(place for place, way in enumerate(box.menu.ways, start=1) if way.answer == answer.word)
    await pilot.press(str(number), "enter")
    await until(pilot, lambda: box.takes_enter)
    await pilot.press(*(WHY if answer.needs_reason else SECOND_ACTS.get(answer.word, "")), "enter")


# --- the table itself, as it is promised to scripts and to old records: written out, so that a change of it is seen ---

WORDS = {
    "confirm": ("proceed", "stop"),
    "approve": ("approve", "reject"),
    "ask": ("value",),
    "choose": ("choose",),
    "manual": ("done", "failed", "skip"),
    "checklist": ("tick", "waive"),
    "before": ("proceed", "stop"),
    "approval": ("approve", "reject"),
    "failure": ("accept", "retry_failed", "exclude", "skip", "retry", "rollback", "abort"),
    "host_key": ("accept", "refuse"),
}
REASONED = {
    "confirm": {"stop"},
    "approve": {"reject"},
    "manual": {"failed", "skip"},
    "checklist": {"waive"},
    "before": {"stop"},
    "approval": {"reject"},
    "failure": {"accept", "skip", "exclude"},
}


def test_the_words_and_what_needs_a_reason_are_what_they_always_were() -> None:
    assert {one.kind: tuple(answer.word for answer in one.answers) for one in QUESTIONS} == WORDS
    reasoned = {one.kind: {answer.word for answer in one.answers if answer.needs_reason} for one in QUESTIONS}
    assert {kind: words for kind, words in reasoned.items() if words} == REASONED


def test_a_word_means_one_thing_at_a_gate_and_every_gate_offers_its_yes_first() -> None:
    for one in QUESTIONS:
        words = [answer.word for answer in one.answers]
        assert len(words) == len(set(words))
        assert [answer.is_yes for answer in one.answers].count(True) == (one.kind != "failure")
        assert one.kind == "failure" or one.answers[0].is_yes
        assert sum(answer.is_no for answer in one.answers) <= 1
        assert all(answer_of(one.kind, answer.word) is answer for answer in one.answers)
    assert answer_of("approve", "proceed") is None
