"""What may still run on a host holds it: nothing more is done there before a person has said so, and never by itself."""

from __future__ import annotations

import pytest

from runbook.core.events.event import AttemptEnded, RunnerStarted
from runbook.core.intent import AnswerGate, ResolveFailure, RollBack
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, ParallelAction
from runbook.core.planned.plan import PlannedStep
from tests.builders import ANNA, plan, step
from tests.core.driving import Drive, picks, says
from tests.core.shapes import changing, closing

DOUBT, FAILED, OK, LATE = Outcome.IN_DOUBT, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.TIMED_OUT
HELD = "not done: db1: Step 1.2 (1.2) may still run here, and nobody has decided about it"


def undoing() -> Drive:
    """Nobody is there; the second of two changing steps loses its answer and is to be rolled back."""
    return Drive(
        closing(changing("1.1"), changing("1.2", on_failure="rollback")),
        outcomes={"1.2": DOUBT},
        lingering=("1.2",),
        attended=False,
    )


# --- nobody is there ----------------------------------------------------------------------------------------------------


def test_where_nobody_is_there_what_may_still_run_is_not_undone_nor_is_anything_else_on_its_host() -> None:
    drive = undoing().go()
    assert drive.did == ["1.1@db1", "1.2@db1", "A.1@db1"]
    assert {step: (drive.outcome(step), drive.state(step).detail) for step in ("1.2.undo.1", "1.1.undo.1", "R.1")} == (
        dict.fromkeys(("1.2.undo.1", "1.1.undo.1", "R.1"), (DOUBT, HELD))
    )


def test_a_doubt_that_is_known_to_be_over_is_undone() -> None:
    drive = Drive(plan(changing("1.1", on_failure="rollback")), outcomes={"1.1": DOUBT}, attended=False).go()
    assert drive.did == ["1.1@db1", "1.1.undo.1@db1"]


def on_three_hosts(**parts: object) -> Drive:
    """Something is brought up on one host and used on two, and nobody knows what became of that on one of them."""
    first, second = changing("1.1", hosts=("db",)), changing("1.2", hosts=("a", "b"), on_failure="rollback")
    return Drive(closing(first, second), outcomes={"1.2@b": DOUBT}, attended=False, **parts)


def test_nothing_is_taken_away_on_other_hosts_under_what_may_still_run() -> None:
    drive = on_three_hosts(lingering=("1.2",)).go()
    assert drive.did == ["1.1@db", "1.2@a", "1.2@b", "A.1@db1"]
    elsewhere = "Step 1.2 (1.2) may still run on b, and may need what is undone here"
    assert {step: (drive.outcome(step), drive.state(step).detail) for step in ("1.2.undo.1", "1.1.undo.1", "R.1")} == {
        "1.2.undo.1": (DOUBT, f"not done: a, and 1 more: {elsewhere}"),
        "1.1.undo.1": (DOUBT, f"not done: db: {elsewhere}"),
        "R.1": (DOUBT, f"not done: db1: {elsewhere}"),
    }


def test_what_is_over_on_every_host_is_undone_on_every_host() -> None:
    drive = on_three_hosts().go()
    undone = ["1.2.undo.1@a", "1.2.undo.1@b", "1.1.undo.1@db", "R.1@db1"]
    assert drive.did == ["1.1@db", "1.2@a", "1.2@b", *undone, "A.1@db1"]


def test_survivors_of_what_was_ended_hold_their_host_as_well() -> None:
    drive = Drive(plan(changing("1.1", on_failure="rollback")), attended=False)
    drive.settle()
    ended = AttemptEnded(step="1.1", host="db1", number=1, outcome=LATE, survivors=("12 sleep",))
    drive.in_flight.clear()
    drive.story.add(ended)
    drive.go()
    assert drive.did == ["1.1@db1"]
    assert drive.outcome("1.1.undo.1") is DOUBT


@pytest.mark.parametrize(("lingering", "tries"), [((), 2), (("1.1",), 1)])
def test_what_may_be_repeated_is_not_repeated_beside_itself(lingering: tuple[str, ...], tries: int) -> None:
    of = plan(step("1.1", idempotent=True, on_failure="continue"), step("1.2"))
    drive = Drive(of, outcomes={"1.1": DOUBT}, lingering=lingering, attended=False).go()
    assert drive.did == ["1.1@db1"] * tries + (["1.2@db1"] if not lingering else [])


def test_a_rescue_does_not_begin_beside_what_it_is_to_rescue_from() -> None:
    block = PlannedStep(
        id="1.1",
        name="Block",
        action=BlockAction(),
        steps=(step("1.1.1", on_failure="propagate"),),
        rescue=(step("1.1.rescue.1", on_failure="propagate"),),
        always=(step("1.1.always.1"),),
    )
    drive = Drive(plan(block), outcomes={"1.1.1": DOUBT}, lingering=("1.1.1",), attended=False).go()
    assert drive.did == ["1.1.1@db1", "1.1.always.1@db1"]
    assert drive.outcome("1.1.rescue.1") is DOUBT


def test_a_rescue_comes_to_the_other_hosts_and_is_in_doubt_for_the_one_that_it_does_not_come_to() -> None:
    hosts = ("a", "b", "c")
    inside = step("1.1.1", hosts=hosts, on_failure="propagate")
    rescue = step("1.1.rescue.1", hosts=hosts, on_failure="propagate")
    block = PlannedStep(id="1.1", name="Block", action=BlockAction(), steps=(inside,), rescue=(rescue,))
    drive = Drive(plan(block), outcomes={"1.1.1@b": DOUBT}, lingering=("1.1.1",), attended=False).go()
    assert [did for did in drive.did if "rescue" in did] == ["1.1.rescue.1@a", "1.1.rescue.1@c"]
    rescued = drive.state("1.1.rescue.1")
    why = "Step 1.1.1 (1.1.1) may still run here, and nobody has decided about it"
    assert (rescued.outcome, rescued.detail) == (DOUBT, f"done on the others, and not on b: {why}")
    assert rescued.left_out == {"b": why}


def test_a_record_from_before_this_was_told_says_nothing_of_an_end() -> None:
    drive = undoing()
    drive.settle()
    drive.go(until=lambda drive: "1.2@db1" in drive.did)
    drive.in_flight.clear()
    drive.story.add(AttemptEnded(step="1.2", host="db1", number=1, outcome=DOUBT))
    drive.go()
    assert drive.did == ["1.1@db1", "1.2@db1", "A.1@db1"]


# --- somebody is there --------------------------------------------------------------------------------------------------


def attended(**parts: object) -> Drive:
    return Drive(
        plan(changing("1.1"), changing("1.2")), outcomes={"1.2": DOUBT}, lingering=("1.2",), **parts
    )  # fmt: skip


def test_whoever_decides_about_the_doubt_decides_about_what_may_still_run() -> None:
    drive = attended(replies={"1.2": [picks("rollback")]}).go()
    assert drive.did == ["1.1@db1", "1.2@db1", "1.2.undo.1@db1", "1.1.undo.1@db1"]
    assert not drive.run.unsettled


def test_a_rollback_that_was_asked_for_before_anybody_knew_asks_again_before_the_undo() -> None:
    drive = Drive(plan(changing("1.1")), replies={"1.1.undo.1": [says("proceed")]})
    drive.settle()
    assert drive.ask(RollBack(reason="wrong window")) is None
    drive.in_flight.clear()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=DOUBT))
    drive.go(until=lambda drive: drive.run.open_gates)
    (gate,) = (drive.run.gates[gate].opened for gate in drive.run.open_gates)
    assert (gate.kind, gate.step, gate.message) == (
        "before",
        "1.1.undo.1",
        "Run Step 1.1.undo.1 on db1? db1: Step 1.1 (1.1) may still run here, and nobody has decided about it.",
    )
    assert drive.did == ["1.1@db1"]
    drive.go()
    assert drive.did == ["1.1@db1", "1.1.undo.1@db1"]


def test_a_rollback_that_somebody_let_go_on_asks_once_for_other_hosts_and_again_for_the_host_itself() -> None:
    sides = (changing("1.2.1", hosts=("a",)), changing("1.2.2", hosts=("db",)))
    both = PlannedStep(id="1.2", name="Both", action=ParallelAction(), steps=sides)
    replies = {step: [says("proceed")] for step in ("1.2.2.undo.1", "1.2.1.undo.1")}
    drive = Drive(plan(changing("1.1", hosts=("db",)), both), replies=replies)
    drive.go(until=lambda drive: "1.2.2@db" in drive.did)
    assert drive.ask(RollBack(reason="wrong window")) is None
    drive.in_flight.clear()
    drive.story.add(AttemptEnded(step="1.2.1", host="a", number=1, outcome=DOUBT))
    drive.story.add(AttemptEnded(step="1.2.2", host="db", number=1, outcome=OK))
    drive.go()
    assert drive.did[3:] == ["1.2.2.undo.1@db", "1.2.1.undo.1@a", "1.1.undo.1@db"]
    assert {gate.opened.step: gate.opened.message for gate in drive.run.gates.values()} == {
        "1.2.2.undo.1": (
            "Run Step 1.2.2.undo.1 on db? db: Step 1.2.1 (1.2.1) may still run on a, and may need what is undone here."
        ),
        "1.2.1.undo.1": (
            "Run Step 1.2.1.undo.1 on a? a: Step 1.2.1 (1.2.1) may still run here, and nobody has decided about it."
        ),
    }


def test_what_was_asked_is_waited_for_also_when_its_reason_has_gone_meanwhile() -> None:
    """The step that may still run stands beside the one that is to be repeated, and is decided about first."""
    sides = (step("1.1.1"), step("1.1.2"))
    drive = Drive(plan(PlannedStep(id="1.1", name="Both", action=ParallelAction(), steps=sides)))
    drive.settle()
    drive.in_flight.clear()
    for side in sides:
        drive.story.add(AttemptEnded(step=side.id, host="db1", number=1, outcome=DOUBT))
    drive.settle()
    assert drive.ask(ResolveFailure(step="1.1.1", choice="retry", reason="looked")) is None
    drive.settle()
    gates = [drive.run.gates[gate].opened for gate in drive.run.open_gates]
    assert [(gate.step, gate.kind) for gate in gates] == [("1.1.2", "failure"), ("1.1.1", "before")]
    assert drive.ask(ResolveFailure(step="1.1.2", choice="accept", reason="looked")) is None
    drive.settle()
    assert (drive.did.count("1.1.1@db1"), len(drive.run.open_gates)) == (1, 1)
    assert drive.ask(AnswerGate(gate=gates[1].gate, answer="proceed", digest=gates[1].digest)) is None
    drive.go()
    assert drive.did.count("1.1.1@db1") == 2


def test_no_machine_answers_that() -> None:
    drive = Drive(plan(changing("1.1")), auto=True)
    drive.settle()
    drive.ask(RollBack(reason="wrong window"))
    drive.in_flight.clear()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=DOUBT))
    drive.go()
    assert (drive.did, len(drive.run.open_gates)) == (["1.1@db1"], 1)


def test_who_stops_there_leaves_the_step_as_it_is() -> None:
    drive = Drive(plan(changing("1.1")), replies={"1.1.undo.1": [says("stop", reason="it still runs")]})
    drive.settle()
    drive.ask(RollBack(reason="wrong window"))
    drive.in_flight.clear()
    drive.story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=DOUBT))
    drive.go()
    assert (drive.did, drive.run.has_ended) == (["1.1@db1"], True)


def test_what_holds_a_host_is_remembered_over_a_kill() -> None:
    drive = undoing()
    drive.go(until=lambda drive: drive.run.unsettled)
    drive.story.add(RunnerStarted(pid=4712, resumed=True, by=ANNA))
    drive.go()
    assert drive.did == ["1.1@db1", "1.2@db1", "A.1@db1"]
