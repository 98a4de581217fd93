"""The people whom an environment wants to agree: before what they are asked, and how often."""

from __future__ import annotations

import pytest

from runbook.planning.following import plan_from
from runbook.planning.policy import gates_a_machine_may_not_answer
from tests.planning.compiling import plan

STEADY = """\
steady_state:
  - {name: up, http: "http://web1/", every: 1s}
"""
BREAK = "- {name: Break, fault: {process-kill: {unit: nginx.service}}, on: web1, duration: 5m}"
CHANGE = "- {name: Change, command: change, on: web1}"
LOOK = "- {name: Look, command: look, on: web1, changes: false}"
BOTH = {"changing": 1, "fault": 2}


def asked(*steps: str, approvals: dict[str, int], head: str = "", **parts: object) -> dict[str, int]:
    """The steps before which people are asked to agree, and how many."""
    made = plan("\n".join(steps), head=head, approvals=approvals, **parts)
    every = (each for section in made.sections for step in section.steps for each in step.walk())
    return {step.name: step.approvals for step in every if step.approvals}


def test_a_fault_is_agreed_to_before_it_is_laid() -> None:
    assert asked(LOOK, CHANGE, BREAK, head=STEADY, approvals={"fault": 2}) == {"Break": 2}


def test_people_are_asked_once_in_a_section_and_again_where_more_are_needed() -> None:
    assert asked(CHANGE, CHANGE.replace("Change", "Again"), BREAK, head=STEADY, approvals=BOTH) == {
        "Change": 1,
        "Break": 2,
    }


def test_what_a_fault_was_agreed_to_covers_the_changes_behind_it() -> None:
    assert asked(BREAK, CHANGE, head=STEADY, approvals=BOTH) == {"Break": 2}


@pytest.mark.parametrize(
    ("approve", "expected"),
    [
        ("- {name: OK, approve: {message: Sure, min_required: 2}}", {}),
        ("- {name: OK, approve: {message: Sure}}", {"Break": 2}),
        ("- {name: OK, approve: {message: Sure, min_required: 2, allow_self: true}}", {"Break": 2}),
    ],
)
def test_an_approval_of_the_authors_counts_when_enough_others_give_it(approve: str, expected: dict) -> None:
    assert asked(approve, BREAK, head=STEADY, approvals={"fault": 2}) == expected


def test_steps_side_by_side_are_agreed_to_together() -> None:
    side = "- {name: Both, parallel: [{name: A, command: a, on: web1}, {name: B, command: b, on: web2}]}"
    assert asked(side, approvals={"changing": 1}) == {"Both": 1}


def test_inside_a_block_the_first_step_that_changes_something_asks() -> None:
    block = "- {name: In, block: {steps: [{name: A, command: a, on: web1}], rescue: [{name: B, command: b, on: web1}]}}"
    assert asked(block, approvals={"changing": 1}) == {"A": 1}


def test_waves_of_one_section_are_agreed_to_once() -> None:
    assert list(asked("- {name: Change, command: c}", section="on: web\nbatch: 1", approvals={"changing": 1})) == [
        "Change"
    ]
    made = plan("- {name: Change, command: c}", section="on: web\nbatch: 1", approvals={"changing": 1})
    assert [step.approvals for section in made.sections[1:] for step in section.steps] == [1, 0, 0, 0]


def test_every_step_that_needs_people_says_so_whoever_is_asked_before_it() -> None:
    made = plan(f"{LOOK}\n{CHANGE}\n{BREAK}\n{CHANGE.replace('Change', 'Again')}", head=STEADY, approvals=BOTH)
    assert [step.agreement for step in made.sections[1].steps] == [0, 1, 2, 1]


def test_a_run_from_a_step_on_asks_the_people_whom_an_earlier_step_would_have_asked() -> None:
    made = plan_from(plan(f"{CHANGE}\n{CHANGE.replace('Change', 'Again')}", approvals={"changing": 1}), "Again")
    assert [(step.name, step.approvals) for step in made.sections[1].steps] == [("Again", 1)]


def test_what_takes_back_asks_nobody() -> None:
    undone = "- {name: Change, command: c, on: web1, rollback: {name: Back, command: b}}"
    assert asked(undone, approvals={"changing": 1}) == {"Change": 1}


def test_an_agreement_is_an_approval_where_a_machine_may_not_answer_those() -> None:
    made = plan(CHANGE, approvals={"changing": 1}, auto=("confirm",))
    assert [each.what for each in gates_a_machine_may_not_answer(made)] == [
        'a person must answer the approve of step 1.1 "Change"'
    ]
    assert gates_a_machine_may_not_answer(plan(CHANGE, approvals={"changing": 1}, auto=("approve",))) == []
