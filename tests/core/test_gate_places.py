"""Gates that a machine may answer, gates in front of steps, and gates after the way forward."""

from __future__ import annotations

import pytest

from runbook.core.events.event import GateOpened
from runbook.core.fold.verdict import verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    Action,
    ApproveAction,
    AskAction,
    ChecklistAction,
    ChooseAction,
    ConfirmAction,
    Item,
    ManualAction,
    Option,
)
from runbook.core.planned.plan import Environment, PlannedStep
from runbook.core.run import StepPhase
from tests.builders import plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import answer, asking

APPROVE = ApproveAction(message="Fail over?")
CHECKLIST = ChecklistAction(items=(Item(item="DNS is low"), Item(item="People told", owner="desk")))


# --- machines ---------------------------------------------------------------------------------------------------------

EVERY = [
    (ConfirmAction(message="Kills db1", type="db1"), ["proceed"], ""),
    (APPROVE, ["approve"], "approved by policy"),
    (AskAction(prompt="How many?", type="integer", default="3"), ["value"], "3"),
    (ChooseAction(prompt="?", options=(Option(label="east"), Option(label="west"))), ["choose"], "east"),
    (ManualAction(instructions="Pull"), ["done"], ""),
    (CHECKLIST, ["tick", "tick"], ""),
]


@pytest.mark.parametrize(("action", "answers", "detail"), EVERY)
def test_a_machine_answers_where_the_environment_lets_it_and_says_that_it_is_one(
    action: Action, answers: list[str], detail: str
) -> None:
    drive = asking(action, auto=True, attended=False, environment=Environment(name="lab", auto=("all",)))
    given = [one.given for one in drive.run.gates["1.1#1"].answers]
    assert [one.answer for one in given] == answers
    assert all(one.by.machine and one.by.via == "auto" for one in given)
    assert (drive.outcome("1.1"), drive.state("1.1").detail, drive.did) == (Outcome.SUCCEEDED, detail, ["1.2@db1"])


@pytest.mark.parametrize(
    ("auto", "allowed"), [(False, ("all",)), (True, ()), (True, ("approve",)), (True, ("failure",))]
)
def test_no_machine_answers_otherwise(auto: bool, allowed: tuple[str, ...]) -> None:
    drive = asking(ConfirmAction(message="Sure?"), auto=auto, environment=Environment(name="lab", auto=allowed))
    assert drive.run.open_gates == ("1.1#1",)


def test_no_machine_ever_decides_what_follows_a_failure() -> None:
    of = plan(step("1.1"), environment=Environment(name="lab", auto=("all", "failure")))
    drive = Drive(of, outcomes={"1.1": Outcome.FAILED}, auto=True).go()
    assert drive.run.open_gates == ("1.1#1",)


@pytest.mark.parametrize(("type", "default"), [("string", ""), ("integer", "a few")])
def test_a_machine_has_no_answer_where_no_default_fits(type: str, default: str) -> None:  # noqa: A002
    action = AskAction(prompt="?", type=type, default=default)
    drive = asking(action, auto=True, environment=Environment(name="lab", auto=("ask",)))
    assert drive.run.open_gates == ("1.1#1",)


def test_a_machine_does_not_add_to_what_a_person_began() -> None:
    drive = Drive(plan(step("1.1", CHECKLIST), environment=Environment(name="lab", auto=("checklist",))), auto=True)
    drive.story.ask("1.1", "checklist").say("tick", value=0)
    drive.settle()
    assert len(drive.run.gates["1.1#1"].answers) == 1


# --- gates in front of steps ------------------------------------------------------------------------------------------


def guarded(confirm: str, **opened: object) -> Drive:
    guarded_step = step("1.1", confirm=confirm, confirm_word="db1", hosts=("db1", "db2"))
    of = plan(guarded_step, step("1.2"), environment=Environment(name="lab", auto=("confirm",)))
    return Drive(of, **opened).go()


def test_a_changing_step_waits_for_the_gate_that_the_environment_puts_before_it() -> None:
    drive = guarded("typed")
    assert drive.run.gates["1.1#1"].opened == GateOpened(
        gate="1.1#1",
        step="1.1",
        kind="before",
        message="Run Step 1.1 on db1, db2?",
        word="db1",
        choices=("proceed", "stop"),
        digest="digest of 1.1",
    )
    assert drive.did == []
    assert drive.ask(answer("proceed", typed="db1")) is None
    assert drive.go().did == ["1.1@db1", "1.1@db2", "1.2@db1"]


def test_a_key_is_enough_where_no_word_is_asked_for() -> None:
    drive = guarded("key")
    assert drive.ask(answer("proceed")) is None


def test_stopping_before_a_step_ends_the_run_before_anything_is_sent() -> None:
    drive = guarded("key", replies={"1.1": [says("stop", reason="wrong host")]})
    assert (drive.did, drive.outcome("1.1"), drive.run.has_ended) == ([], Outcome.CANCELLED, True)


def test_a_machine_lets_through_what_it_may_confirm() -> None:
    assert guarded("key", auto=True).did == ["1.1@db1", "1.1@db2", "1.2@db1"]


def test_a_retry_of_a_step_does_not_ask_before_it_once_more() -> None:
    drive = Drive(
        plan(step("1.1", confirm="key", retries=1)),
        outcomes={"1.1": [Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED]},
        replies={"1.1": [says("proceed"), picks("retry")]},
    ).go()
    assert (drive.outcome("1.1"), len(drive.did)) == (Outcome.SUCCEEDED, 3)


# --- gates after the way forward --------------------------------------------------------------------------------------

GATES = [
    (ConfirmAction(message="Sure?"), {}, "stop"),
    (ConfirmAction(message="Sure?"), {}, "proceed"),
    (None, {"confirm": "key"}, "stop"),
    (None, {"confirm": "key"}, "proceed"),
]


@pytest.mark.parametrize(("action", "fields", "said"), GATES)
def test_stopping_at_a_gate_of_the_rollback_ends_the_rollback(
    action: Action | None, fields: dict[str, object], said: str
) -> None:
    rollback = (step("R.1", action, **fields), step("R.2"))
    of: tuple[PlannedStep, ...] = (step("1.1", on_failure="rollback"),)
    drive = Drive(
        plan(*of, rollback=rollback, always=(step("A.1"),)),
        outcomes={"1.1": Outcome.FAILED},
        replies={"R.1": [says(said, reason="leave it as it is")]},
    ).go()
    undone = (["R.1@db1"] if action is None else []) + ["R.2@db1"]
    assert drive.did == ["1.1@db1", *(undone if said == "proceed" else []), "A.1@db1"]
    assert verdicts(drive.run).run == ("failed" if said == "proceed" else "aborted")


@pytest.mark.parametrize(("action", "fields", "said"), GATES)
def test_stopping_at_a_gate_of_the_closing_steps_ends_that_step_alone(
    action: Action | None, fields: dict[str, object], said: str
) -> None:
    drive = Drive(
        plan(step("1.1"), always=(step("A.1", action, **fields), step("A.2"))),
        replies={"A.1": [says(said, reason="nobody to tell")]},
    ).go()
    assert drive.did == ["1.1@db1", *(["A.1@db1"] if action is None and said == "proceed" else []), "A.2@db1"]
    assert drive.outcome("A.1") is (Outcome.SUCCEEDED if said == "proceed" else Outcome.CANCELLED)
    assert drive.run.stop is None


def test_a_gate_has_a_new_name_each_time_so_that_an_answer_reaches_no_later_one() -> None:
    drive = asking(ManualAction(instructions="Pull"), replies={"1.1": [says("failed", reason="stuck"), picks("retry")]})
    assert list(drive.run.open_gates) == ["1.1#3"]
    assert drive.state("1.1").phase is StepPhase.ENTERED
    assert drive.ask(answer("done")).what == "gate 1.1#1 is closed"
