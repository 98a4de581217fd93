"""Who counts as whom: a person is an identity, whatever they are called and whichever machine they sit at."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from runbook.core.actor import Actor, distinct
from runbook.core.events.event import GateAnswered
from runbook.core.planned.action import ApproveAction, ConfirmAction
from runbook.core.planned.plan import Environment
from tests.builders import plan, step
from tests.core.driving import Drive
from tests.core.shapes import answer

HERE, THERE = "9f86d081884c7d65", "2c26b46b68ffc68f"


def at(name: str, uid: int, machine: str) -> Actor:
    """A user of a machine."""
    return Actor(name=name, uid=uid, identity=f"uid:{uid}@{machine}")


ANNA, ANNA_RENAMED = at("anna", 1000, HERE), at("a.smith", 1000, HERE)
BEN_THERE = at("ben", 1000, THERE)
OLD_ANNA, OLD_BEN = Actor(name="anna", uid=1000), Actor(name="ben", uid=1001)
KEY = Actor(name="anna", uid=1000, identity="key:SHA256:abc")


@dataclass(frozen=True)
class Pair:
    """Two actors, and whether they are one person."""

    one: Actor
    other: Actor
    same: bool


@pytest.mark.parametrize(
    "pair",
    [
        Pair(ANNA, ANNA_RENAMED, same=True),
        Pair(ANNA, BEN_THERE, same=False),
        Pair(ANNA, at("anna", 1000, THERE), same=False),
        Pair(ANNA, KEY, same=False),
        Pair(OLD_ANNA, ANNA, same=True),
        Pair(OLD_ANNA, OLD_BEN, same=False),
        Pair(OLD_BEN, ANNA, same=False),
    ],
    ids=lambda pair: f"{pair.one.identity or pair.one.uid} and {pair.other.identity or pair.other.uid}",
)
def test_two_actors_are_one_person_by_identity_and_in_old_records_by_uid(pair: Pair) -> None:
    assert (pair.one.is_same_as(pair.other), pair.other.is_same_as(pair.one)) == (pair.same, pair.same)


def test_people_are_counted_once_as_they_first_appear() -> None:
    assert distinct([ANNA, BEN_THERE, ANNA_RENAMED, OLD_BEN]) == (ANNA, BEN_THERE, OLD_BEN)


def waiting(operator: Actor, **fields: object) -> Drive:
    """A run of `operator` that waits for approvals."""
    asked = step("1.1", ApproveAction(message="Fail over?", **fields))
    lab = Environment(name="lab", roles={"dba": (BEN_THERE.identity,)})
    return Drive(plan(asked, environment=lab), operator=operator).go()


def test_one_uid_on_two_machines_is_two_people() -> None:
    drive = waiting(at("dan", 1003, HERE), min_required=2)
    assert drive.ask(answer("approve"), ANNA) is None
    assert drive.ask(answer("approve"), BEN_THERE) is None
    assert drive.go().state("1.1").detail == "approved by anna, ben"


def test_one_person_under_two_names_is_one() -> None:
    drive = waiting(at("dan", 1003, HERE), min_required=2)
    assert drive.ask(answer("approve"), ANNA) is None
    refused = drive.ask(answer("approve"), ANNA_RENAMED)
    assert refused is not None
    assert refused.why == "a.smith has answered already, and 2 different people are needed"


def test_nobody_approves_their_own_run_under_another_name() -> None:
    refused = waiting(ANNA).ask(answer("approve"), ANNA_RENAMED)
    assert refused is not None
    assert refused.why == "a.smith started this run, and nobody approves their own run"


def test_whoever_has_the_operators_uid_elsewhere_may_approve() -> None:
    assert waiting(ANNA).ask(answer("approve"), BEN_THERE) is None


def test_a_run_that_was_opened_before_there_were_identities_is_its_operators_by_uid() -> None:
    assert waiting(OLD_ANNA).ask(answer("approve"), ANNA) is not None
    assert waiting(OLD_ANNA).ask(answer("approve"), at("ben", 1001, HERE)) is None


@pytest.mark.parametrize("approver", ["dba", BEN_THERE.identity, "ben"])
def test_an_approver_is_named_by_role_by_identity_or_by_name(approver: str) -> None:
    drive = waiting(ANNA, approvers=(approver,))
    refused = drive.ask(answer("approve"), at("cleo", 1000, "elsewhere"))
    assert refused is not None
    assert refused.code == "not-allowed"
    assert drive.ask(answer("approve"), BEN_THERE) is None


def test_a_machine_is_on_record_as_policy_and_as_nobody() -> None:
    lab = Environment(name="lab", auto=("all",))
    drive = Drive(plan(step("1.1", ConfirmAction(message="Sure?")), environment=lab), auto=True).go()
    [given] = [event for event in drive.events if isinstance(event, GateAnswered)]
    assert (given.by.machine, given.by.uid, given.by.identity) == (True, -1, "policy:auto")
