"""Questions to people: every kind, who may answer, which answers count, and when it is settled."""

from __future__ import annotations

import pytest

from runbook.core.actor import Actor
from runbook.core.answers import answer_of
from runbook.core.events.event import GateOpened, HaltRequested, StepEntered
from runbook.core.events.policy_event import StepHeld
from runbook.core.fold.verdict import verdicts
from runbook.core.gate import gates
from runbook.core.intent import AnswerGate, HaltRun, ResolveFailure, SkipStep
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
from runbook.problem import Exit, Problem
from tests.builders import ANNA, BEN, RUN_ID, plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import answer, asking

CLEO = Actor(name="cleo", uid=1002, via="approve")
DAN = Actor(name="dan", uid=1003, via="approve")
APPROVE = ApproveAction(message="Fail over?")
CHECKLIST = ChecklistAction(items=(Item(item="DNS is low"), Item(item="People told", owner="desk")))


# --- every kind -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "opened"),
    [
        (
            ConfirmAction(message="Kills db1", type="db1"),
            {"kind": "confirm", "message": "Kills db1", "word": "db1", "choices": ("proceed", "stop")},
        ),
        (APPROVE, {"kind": "approve", "message": "Fail over?", "choices": ("approve", "reject")}),
        (AskAction(prompt="Ticket?"), {"kind": "ask", "message": "Ticket?", "choices": ("value",)}),
        (
            ChooseAction(prompt="Which way?", options=(Option(label="east"), Option(label="west"))),
            {"kind": "choose", "message": "Which way?", "choices": ("east", "west")},
        ),
        (
            ManualAction(instructions="Pull the cable"),
            {"kind": "manual", "message": "Pull the cable", "choices": ("done", "failed", "skip")},
        ),
        (
            CHECKLIST,
            {"kind": "checklist", "message": "DNS is low\nPeople told", "choices": ("DNS is low", "People told")},
        ),
    ],
)
def test_a_gate_says_what_it_asks_and_what_it_takes(action: Action, opened: dict[str, object]) -> None:
    drive = asking(action)
    expected = GateOpened(gate="1.1#1", step="1.1", digest="digest of 1.1", **opened)
    assert drive.run.gates["1.1#1"].opened == expected
    assert drive.run.open_gates == ("1.1#1",)
    assert drive.did == [], "nothing behind a gate begins before it is answered"


@pytest.mark.parametrize(
    ("action", "given", "detail"),
    [
        (ConfirmAction(message="Sure?"), answer("proceed", reason="agreed"), "agreed"),
        (APPROVE, answer("approve"), "approved by ben"),
        (AskAction(prompt="Ticket?"), answer("value", value="CHG-7"), "CHG-7"),
        (ChooseAction(prompt="?", options=(Option(label="east"),)), answer("choose", value="east"), "east"),
        (ManualAction(instructions="Pull"), answer("done", reason="rack 4"), "rack 4"),
    ],
)
def test_an_answer_ends_the_step_and_the_run_goes_on(action: Action, given: AnswerGate, detail: str) -> None:
    drive = asking(action)
    assert drive.ask(given, BEN) is None
    drive.go()
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (Outcome.SUCCEEDED, detail)
    assert drive.did == ["1.2@db1"]
    assert drive.run.open_gates == ()


def test_what_was_asked_or_chosen_is_registered() -> None:
    chosen = step("1.2", ChooseAction(prompt="?", options=(Option(label="east"), Option(label="west"))), register="way")
    of = plan(step("1.1", AskAction(prompt="Ticket?"), register="ticket"), chosen)
    drive = Drive(of, replies={"1.1": [says("value", value="CHG-7")], "1.2": [says("choose", value="west")]}).go()
    assert {name: known.by_host[""].value for name, known in drive.run.values.items()} == {
        "ticket": "CHG-7",
        "way": "west",
    }


def test_a_manual_step_that_failed_is_a_failure() -> None:
    drive = asking(ManualAction(instructions="Pull"), replies={"1.1": [says("failed", reason="stuck")]})
    assert (drive.outcome("1.1"), drive.tale[-1]) == (Outcome.FAILED, "ask 1.1#2 failure")


def test_a_manual_step_that_failed_can_be_asked_for_again() -> None:
    drive = asking(
        ManualAction(instructions="Pull"),
        replies={"1.1": [says("failed", reason="stuck"), picks("retry"), says("done")]},
    )
    assert (drive.outcome("1.1"), drive.did) == (Outcome.SUCCEEDED, ["1.2@db1"])


def test_a_manual_step_may_be_skipped_with_a_reason() -> None:
    drive = asking(ManualAction(instructions="Pull"), replies={"1.1": [says("skip", reason="no cable here")]})
    assert (drive.outcome("1.1"), drive.did) == (Outcome.SKIPPED, ["1.2@db1"])


def test_a_checklist_is_done_when_every_item_is_ticked_or_waived() -> None:
    drive = asking(CHECKLIST)
    assert drive.ask(answer("tick", value=1)) is None
    drive.go()
    assert drive.state("1.1").is_live
    assert drive.ask(answer("waive", value=0, reason="DNS is static")) is None
    drive.go()
    assert (drive.outcome("1.1"), drive.state("1.1").detail) == (Outcome.SUCCEEDED, "1 waived")


# --- answers that do not count ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "  "])
@pytest.mark.parametrize(
    ("action", "word", "fields"),
    [
        (ConfirmAction(message="Sure?"), "stop", {}),
        (APPROVE, "reject", {}),
        (ManualAction(instructions="Pull"), "failed", {}),
        (ManualAction(instructions="Pull"), "skip", {}),
        (CHECKLIST, "waive", {"value": 0}),
    ],
)
def test_saying_no_goes_on_record_with_a_reason(
    action: Action, word: str, fields: dict[str, object], reason: str
) -> None:
    assert asking(action).ask(answer(word, reason=reason, **fields), BEN).code == "no-reason"


@pytest.mark.parametrize("typed", ["", "db2", "DB1", "db1 "])
def test_the_word_is_typed_letter_for_letter(typed: str) -> None:
    drive = asking(ConfirmAction(message="Kills db1", type="db1"))
    refused = drive.ask(answer("proceed", typed=typed))
    assert (refused.code, refused.fix) == ("wrong-word", 'Type "db1" letter for letter.')
    assert drive.ask(answer("proceed", typed="db1")) is None


def test_stopping_needs_no_word() -> None:
    drive = asking(ConfirmAction(message="Kills db1", type="db1"))
    assert drive.ask(answer("stop", reason="too early")) is None


def test_an_answer_to_something_that_has_changed_since_is_refused() -> None:
    drive = asking(ConfirmAction(message="Sure?"))
    refused = drive.ask(answer("proceed", digest="digest of yesterday"))
    assert (refused.code, refused.fix) == (
        "stale-gate",
        f"Look at it again and answer again: runbook approve {RUN_ID}",
    )
    assert drive.ask(answer("proceed", digest="digest of 1.1")) is None


def test_an_answer_that_the_gate_does_not_take_is_refused_with_those_it_takes() -> None:
    refused = asking(ConfirmAction(message="Sure?")).ask(answer("approve"))
    assert (refused.what, refused.fix) == ('gate 1.1#1 does not take "approve"', "It takes: proceed, stop.")


def test_the_menu_of_a_failed_step_is_no_gate_to_answer() -> None:
    drive = Drive(plan(step("1.1")), outcomes={"1.1": Outcome.FAILED}).go()
    assert drive.ask(answer("proceed")).fix == "It takes: nothing; use the menu of the failed step."


def test_an_unknown_gate_is_refused_with_those_that_wait() -> None:
    drive, how = asking(ConfirmAction(message="Sure?")), f"Shown by: runbook approve {RUN_ID}"
    assert drive.ask(AnswerGate(gate="9.9#1", answer="proceed")).fix == f"Waiting now: 1.1#1. {how}"
    assert Drive(plan(step())).ask(AnswerGate(gate="1.1#1", answer="proceed")).fix == f"Waiting now: none. {how}"


@pytest.mark.parametrize(("value", "fix"), [("wset", 'Did you mean "west"?'), (None, "Known: east, west.")])
def test_a_way_that_is_not_offered_is_refused_with_the_nearest_that_is(value: object, fix: str) -> None:
    drive = asking(ChooseAction(prompt="?", options=(Option(label="east"), Option(label="west"))))
    refused = drive.ask(answer("choose", value=value))
    assert (refused.what, refused.fix) == (f'"{value}" is not offered', fix)


@pytest.mark.parametrize("value", [2, -1, "0", None, True])
def test_an_item_that_is_not_on_the_list_is_refused(value: object) -> None:
    assert asking(CHECKLIST).ask(answer("tick", value=value)).fix == "Items are numbered 0 to 1."


def test_an_item_is_settled_once() -> None:
    drive = asking(CHECKLIST)
    assert drive.ask(answer("tick", value=0)) is None
    assert drive.ask(answer("waive", value=0, reason="no"), BEN).why == "anna: tick"


def test_an_answer_that_is_made_from_what_was_shown_names_it() -> None:
    opened = asking(ConfirmAction(message="Kills db1", type="db1")).run.gates["1.1#1"].opened
    given = gates.giving(opened, answer_of("confirm", "proceed"), reason="agreed", typed="db1")
    assert given == answer("proceed", reason="agreed", typed="db1", digest="digest of 1.1")
    menu = Drive(plan(step("1.1")), outcomes={"1.1": Outcome.FAILED}).go().run.gates["1.1#1"].opened
    chosen = gates.giving(menu, answer_of("failure", "abort"), reason="enough")
    assert chosen == ResolveFailure(step="1.1", choice="abort", reason="enough")


# --- answering twice --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "given"),
    [
        (ConfirmAction(message="Sure?"), answer("proceed")),
        (ConfirmAction(message="Sure?"), answer("stop", reason="no")),
        (APPROVE, answer("approve")),
        (APPROVE, answer("reject", reason="no")),
        (AskAction(prompt="?"), answer("value", value="x")),
        (ManualAction(instructions="Pull"), answer("done")),
    ],
)
def test_two_people_at_the_same_moment_get_one_answer_and_one_refusal(action: Action, given: AnswerGate) -> None:
    drive = asking(action)
    assert drive.ask(given, BEN) is None
    refused = drive.ask(given, CLEO)
    assert (refused.what, refused.why) == ("gate 1.1#1 is closed", f"ben answered {given.answer}")


def test_a_gate_in_front_of_a_step_is_answered_once() -> None:
    drive = Drive(plan(step("1.1", confirm="key"))).go()
    assert drive.ask(answer("proceed"), BEN) is None
    assert drive.ask(answer("stop", reason="wait"), CLEO).why == "ben answered proceed"


def test_a_gate_that_nobody_answered_is_closed_by_a_halt() -> None:
    drive = asking(ConfirmAction(message="Sure?"))
    drive.ask(HaltRun(reason="wrong window"))
    assert drive.ask(answer("proceed")).why == "its step is over"
    drive.go()
    assert (drive.outcome("1.1"), drive.did) == (Outcome.CANCELLED, [])


# --- approval ---------------------------------------------------------------------------------------------------------


def test_nobody_approves_their_own_run() -> None:
    refused = asking(APPROVE).ask(answer("approve"), ANNA)
    assert (refused.code, refused.why) == (
        "not-allowed",
        "anna started this run, and nobody approves their own run",
    )


def test_unless_the_author_allows_it() -> None:
    assert asking(ApproveAction(message="?", allow_self=True)).ask(answer("approve"), ANNA) is None


def test_two_approvals_are_two_people() -> None:
    drive = asking(ApproveAction(message="?", min_required=2))
    assert drive.ask(answer("approve"), BEN) is None
    drive.go()
    assert drive.state("1.1").is_live
    refused = drive.ask(answer("approve"), Actor(name="ben", uid=1001, via="another terminal"))
    assert refused.why == "ben has answered already, and 2 different people are needed"
    assert drive.ask(answer("approve"), CLEO) is None
    assert drive.go().state("1.1").detail == "approved by ben, cleo"


@pytest.mark.parametrize(("person", "allowed"), [(BEN, True), (CLEO, True), (DAN, False)])
def test_approvers_are_roles_of_the_environment_or_people(person: Actor, allowed: bool) -> None:
    lab = Environment(name="lab", roles={"dba-lead": ("ben",)})
    drive = asking(ApproveAction(message="?", approvers=("dba-lead", "cleo")), environment=lab)
    refused = drive.ask(answer("approve"), person)
    assert (refused is None) is allowed
    assert refused is None or refused.why == "dan is none of: dba-lead (ben), cleo"


def test_a_rejection_is_no_failure_and_fires_no_rollback() -> None:
    changed = step("1.1", undo=(step("1.1.undo.1"),))
    drive = Drive(
        plan(changed, step("1.2", APPROVE, on_failure="rollback")),
        replies={"1.2": [says("reject", by=BEN, reason="not tonight")]},
    ).go()
    assert drive.did == ["1.1@db1"]
    assert drive.outcome("1.2") is Outcome.CANCELLED
    assert HaltRequested(by=BEN, reason="ben: reject at Step 1.2: not tonight") in drive.events
    assert verdicts(drive.run).run == "aborted"


def test_one_rejection_ends_an_approval_that_waits_for_more() -> None:
    drive = asking(ApproveAction(message="?", min_required=2))
    drive.ask(answer("approve"), BEN)
    drive.ask(answer("reject", reason="not tonight"), CLEO)
    assert verdicts(drive.go().run).run == "aborted"


def test_stopping_at_a_confirmation_ends_the_run_without_an_undo() -> None:
    changed = step("1.1", undo=(step("1.1.undo.1"),))
    of = plan(changed, step("1.2", ConfirmAction(message="Go on?")), rollback=(step("R.1"),), always=(step("A.1"),))
    drive = Drive(of, replies={"1.2": [says("stop", reason="lag is too high")]}).go()
    assert drive.did == ["1.1@db1", "A.1@db1"]


@pytest.mark.parametrize(
    ("on_timeout", "ends", "detail"),
    [
        ("proceed", Outcome.SUCCEEDED, "nobody answered in time; the runbook goes on then"),
        ("fail", Outcome.FAILED, "nobody answered in time"),
    ],
)
def test_an_approval_lapses_as_its_policy_says(on_timeout: str, ends: Outcome, detail: str) -> None:
    drive = asking(ApproveAction(message="?", timeout=600.0, on_timeout=on_timeout), attended=False, on_failure="abort")
    assert drive.tale[:3] == ["enter 1.1", "ask 1.1#1 approve", "lapse 1.1#1"]
    state = drive.state("1.1")
    assert (state.outcome, state.ended_at, state.detail) == (ends, 600.0, detail)
    assert verdicts(drive.run).run == ("completed" if on_timeout == "proceed" else "failed")


def test_a_lapse_that_asks_is_put_to_the_operator_whatever_follows_other_failures() -> None:
    drive = asking(ApproveAction(message="?", timeout=600.0, on_timeout="ask"), on_failure="abort")
    assert drive.tale[-2:] == ["end 1.1 failed", "ask 1.1#2 failure"]


def test_nobody_can_approve_what_has_lapsed() -> None:
    drive = asking(ApproveAction(message="?", timeout=600.0))
    assert drive.now == 600.0
    assert drive.ask(answer("approve"), BEN).what == "gate 1.1#1 is closed"


def test_an_approval_without_a_timeout_waits_for_ever() -> None:
    drive = asking(APPROVE)
    assert drive.run.gates["1.1#1"].opened.deadline is None


def test_whoever_may_not_answer_is_told_why_and_what_somebody_else_would_type() -> None:
    drive = asking(ApproveAction(message="Fail over?", approvers=("carla",)))
    assert drive.ask(answer("approve"), BEN) == Problem(
        what="ben may not answer gate 1.1#1",
        why="ben is none of: carla",
        fix=f"Ask somebody who may to type: runbook approve {RUN_ID} --gate '1.1#1'",
        code="not-allowed",
        exit=Exit.REFUSED,
    )


def test_a_gate_that_was_answered_a_moment_ago_is_refused_with_who_did_and_what_waits_now() -> None:
    drive = Drive(plan(step("1.1", ConfirmAction(message="Sure?")), step("1.2", ConfirmAction(message="And?")))).go()
    assert drive.ask(answer("proceed")) is None
    drive.go()
    assert drive.ask(answer("stop", reason="no"), BEN) == Problem(
        what="gate 1.1#1 is closed",
        why="anna answered proceed",
        fix=f"Waiting now: 1.2#1. Shown by: runbook approve {RUN_ID}",
        code="gate-closed",
        exit=Exit.REFUSED,
    )


# --- what the environment demands before a step -----------------------------------------------------------------------


def agreeing(needed: int = 2, **environment: object) -> Drive:
    """A run that has come to a step before which other people have to agree."""
    steps = (step("1.1", changes=True, confirm="typed", confirm_word="db", approvals=needed), step("1.2"))
    place = Environment(**{"name": "production", **environment})
    return Drive(plan(*steps, environment=place)).go()


def test_before_a_step_other_people_agree_in_place_of_the_operators_word() -> None:
    drive = agreeing()
    opened = drive.run.gates["1.1#1"].opened
    assert (opened.kind, opened.word, opened.choices) == ("approval", "", ("approve", "reject"))
    assert drive.did == []
    assert drive.ask(answer("approve"), BEN) is None
    drive.go()
    assert (drive.did, drive.run.open_gates) == ([], ("1.1#1",)), "one of two"
    assert drive.ask(answer("approve"), CLEO) is None
    drive.go()
    assert drive.did == ["1.1@db1", "1.2@db1"]


@pytest.mark.parametrize(
    ("by", "environment", "why"),
    [
        (ANNA, {}, "anna started this run, and nobody approves their own run"),
        (BEN, {}, "ben has answered already, and 2 different people are needed"),
        (DAN, {"roles": {"approve": ("cleo",)}}, "dan is none of: cleo"),
    ],
)
def test_nobody_agrees_for_themselves_or_twice_or_without_the_role(by: Actor, environment: dict, why: str) -> None:
    drive = agreeing(**environment)
    if not environment:
        assert drive.ask(answer("approve"), BEN) is None
    refused = drive.ask(answer("approve"), by)
    assert refused is not None
    assert refused.why == why


def following(*first: PlannedStep, needed: int = 1, **environment: object) -> Drive:
    """A run of these steps and of one behind them, in their section, that others must have agreed to."""
    place = Environment(**{"name": "production", **environment})
    return Drive(plan(*first, step("1.2", changes=True, agreement=needed), environment=place)).go()


def test_what_others_agreed_to_once_covers_the_steps_behind_it() -> None:
    drive = following(step("1.1", changes=True, approvals=1, agreement=1))
    assert drive.ask(answer("approve"), BEN) is None
    assert drive.go().did == ["1.1@db1", "1.2@db1"]


def test_it_is_asked_again_where_more_people_are_needed() -> None:
    drive = following(step("1.1", changes=True, approvals=1, agreement=1), needed=2)
    drive.ask(answer("approve"), BEN)
    assert (drive.go().did, drive.run.gates["1.2#1"].opened.kind) == (["1.1@db1"], "approval")


def test_who_skips_the_step_that_asks_does_not_get_round_the_people() -> None:
    drive = Drive(
        plan(
            step("1.0"),
            step("1.1", changes=True, approvals=1, agreement=1),
            step("1.2", changes=True, agreement=1),
            environment=Environment(name="production"),
        )
    )
    drive.go(lambda now: bool(now.state("1.0").running))
    assert drive.ask(SkipStep(step="1.1", reason="I know better"), ANNA) is None
    assert (drive.go().did, drive.run.gates["1.2#1"].opened.kind) == (["1.0@db1"], "approval")
    assert drive.ask(AnswerGate(gate="1.2#1", answer="approve"), ANNA) is not None
    assert drive.ask(AnswerGate(gate="1.2#1", answer="approve"), BEN) is None
    assert drive.go().did == ["1.0@db1", "1.2@db1"]


@pytest.mark.parametrize(
    ("by", "environment", "counts"),
    [(BEN, {}, True), (BEN, {"roles": {"approve": ("cleo",)}}, False), (ANNA, {}, False)],
)
def test_an_approval_of_the_authors_counts_for_whom_the_environment_would_let_agree(
    by: Actor, environment: dict, counts: bool
) -> None:
    approve = ApproveAction(message="Sure?", allow_self=True)
    drive = following(step("1.1", action=approve), **environment)
    assert drive.ask(answer("approve"), by) is None
    assert drive.go().did == (["1.2@db1"] if counts else [])


def test_what_goes_on_because_nobody_answered_is_agreed_to_by_nobody() -> None:
    lapsing = ApproveAction(message="Sure?", timeout=5.0, on_timeout="proceed")
    drive = following(step("1.1", action=lapsing))
    assert (drive.did, drive.run.gates["1.2#1"].opened.kind) == ([], "approval")


def test_one_who_rejects_before_a_step_stops_the_run() -> None:
    drive = agreeing()
    assert drive.ask(answer("reject", reason="not tonight"), BEN) is None
    drive.go()
    assert (drive.did, verdicts(drive.run).run) == ([], "aborted")
    assert drive.outcome("1.1") is Outcome.CANCELLED


def test_a_machine_agrees_only_where_the_environment_lets_it_approve() -> None:
    steps = plan(step("1.1", approvals=2, confirm="key"), environment=Environment(name="p", auto=("confirm",)))
    assert Drive(steps, auto=True).go().did == []
    steps = plan(step("1.1", approvals=2, confirm="key"), environment=Environment(name="p", auto=("approve",)))
    assert Drive(steps, auto=True).go().did == ["1.1@db1"]


def test_a_step_that_a_rule_holds_asks_although_it_was_let_through_before() -> None:
    held = StepHeld(step="1.1", rule="window", sentence="production opens Sun 02:00-06:00 UTC.")
    drive = Drive(plan(step("1.1", changes=True), step("1.2")))
    drive.story.add(StepEntered(step="1.1", hosts=("db1",), digest="digest of 1.1"), held)
    drive.go()
    assert drive.run.gates["1.1#1"].opened.message == ("Run Step 1.1 on db1? production opens Sun 02:00-06:00 UTC.")
    assert drive.did == []
    assert drive.ask(answer("proceed")) is None
    drive.go()
    assert drive.did == ["1.1@db1", "1.2@db1"]


def test_no_machine_lets_a_step_past_a_rule_that_holds_it() -> None:
    held = StepHeld(step="1.1", rule="window", sentence="production is closed.")
    drive = Drive(plan(step("1.1", changes=True), environment=Environment(name="p", auto=("all",))), auto=True)
    drive.story.add(StepEntered(step="1.1", hosts=("db1",), digest="digest of 1.1"), held)
    assert drive.go().run.open_gates == ("1.1#1",)
