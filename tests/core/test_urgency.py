"""Reverts before anything: what may begin while something is still to be given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest

from runbook.core.effect import Attempt, Enter, Urgency, WakeAt, Watch, WriteMarks
from runbook.core.events.event import AlwaysStarted, AttemptStarted, RollbackStarted
from runbook.core.intent import RollBack
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan
from runbook.core.rules.urgency import pressing
from tests.builders import Story, plan, step
from tests.core.driving import Drive


class Revert(msgspec.Struct, frozen=True):
    """As a fault would have it."""

    urgency: ClassVar = Urgency.REVERT
    fault: str


def test_while_something_is_to_be_reverted_nothing_else_begins_and_what_has_begun_goes_on() -> None:
    run = Story(plan(step("1.1", hosts=("db1", "db2")), step("1.2"))).start().enter("1.1").attempt("1.1", "db1").run
    begun, fresh, revert = Attempt("1.1", "db1", 1), Attempt("1.1", "db2", 1), Revert("link cut")
    beside = (Watch("health"), WriteMarks(), WakeAt(9.0))
    named = (*beside, begun, fresh, Enter("1.2", 1))
    assert pressing(run, (*named, revert)) == (revert, *beside, begun)
    assert pressing(run, named) == named


ENDS = (RollbackStarted, AlwaysStarted)


def undone() -> Plan:
    """Two steps with an undo, one that goes on for long, and what follows."""
    does = [step(f"1.{n}", undo=(step(f"1.{n}.undo.1"),)) for n in (1, 2)]
    return plan(*does, step("1.3", on_failure="rollback"), rollback=(step("R.1"),), always=(step("A.1"),))


def fails() -> Drive:
    return Drive(undone(), outcomes={"1.3": Outcome.FAILED}).go()


def is_stopped_by_somebody() -> Drive:
    drive = Drive(undone(), took={"1.3": 60.0}).go(until=lambda drive: "1.3@db1" in drive.did)
    assert drive.ask(RollBack(reason="wrong database")) is None
    return drive.go()


def is_resumed_while_it_is_undone() -> Drive:
    drive = Drive(undone(), outcomes={"1.3": Outcome.FAILED})
    drive.go(until=lambda drive: "1.2.undo.1@db1" in drive.did)
    return drive.crash_and_resume().go()


@pytest.mark.parametrize("road", [fails, is_stopped_by_somebody, is_resumed_while_it_is_undone])
def test_whatever_a_rollback_comes_from_all_of_it_is_begun_before_anything_else(road: Callable[[], Drive]) -> None:
    events = road().events
    back, closing = (next(n for n, event in enumerate(events) if isinstance(event, kind)) for kind in ENDS)
    begun = [event.step for event in events[back:closing] if isinstance(event, AttemptStarted)]
    after = [event.step for event in events[closing:] if isinstance(event, AttemptStarted)]
    assert (begun, after) == (["1.2.undo.1", "1.1.undo.1", "R.1"], ["A.1"])
