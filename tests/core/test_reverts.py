"""Nothing stays broken: when a fault is held, when it is lifted, and what a run does before it may end."""

from __future__ import annotations

import math

import pytest

from runbook.core.effect import Attempt, Renew, Revert, WakeAt
from runbook.core.events.event import AttemptStarted, RunEnded
from runbook.core.events.fault_event import FaultEffect, FaultPresent, FaultReverted
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import HaltRun, LiftFaults, RollBack
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, ConfirmAction, ProbeAction, WaitAction
from runbook.core.planned.fault_action import FaultAction, RevertAction
from runbook.core.planned.plan import AbortRule, Plan, PlannedProbe
from runbook.core.rules.due import due
from runbook.problem import Exit, Problem
from tests.builders import ANNA, RUN_ID, plan, step
from tests.core.driving import Drive, picks

KEY = "1.1/db1/1"
WHERE = {"step": "1.1", "host": "db1", "number": 1}
THERE = FaultPresent(**WHERE, known=True, detail="the port is refused")
AWAY = FaultPresent(**WHERE, known=False, detail="db1 does not answer")


def breaks(where: str = "1.1", *, on_link_loss: str = "revert", duration: float = 60.0, **fields: object):
    action = FaultAction(fault="process-kill", duration=duration, lease=20.0, on_link_loss=on_link_loss)
    return step(where, action, **{"hosts": ("db1",), **fields})


def drill(*more, on_link_loss: str = "revert", **fields: object) -> Plan:
    """A fault of a minute, work that takes longer, and a closing step."""
    work = more or (step("1.2", WaitAction(seconds=200.0)),)
    return plan(breaks(on_link_loss=on_link_loss), *work, always=(step("A.1"),), **fields)


def test_a_fault_is_held_while_it_is_wanted_and_lifted_when_its_time_is_over() -> None:
    drive = Drive(drill()).go(until=lambda drive: bool(drive.held))
    assert drive.held == [KEY]
    injected = drive.run.faults[KEY].injected_at
    drive.go()
    fault = drive.run.faults[KEY]
    assert (fault.reverted_by, fault.reverted_at) == ("runner", injected + 60.0)
    assert drive.tale == [
        "enter 1.1", "broken 1.1@db1", "1.1@db1#1 succeeded", "end 1.1 succeeded", "enter 1.2", "whole 1.1@db1 by runner",
        "end 1.2 succeeded", "close", "enter A.1", "A.1@db1#1 succeeded", "end A.1 succeeded", "ended",
    ]  # fmt: skip
    assert verdicts(drive.run).revert == "verified"


def fails(drive: Drive) -> None:
    drive.go()


def is_halted(drive: Drive) -> None:
    assert drive.ask(HaltRun(reason="page from the shop")) is None


def is_rolled_back(drive: Drive) -> None:
    assert drive.ask(RollBack(reason="page from the shop")) is None


@pytest.mark.parametrize("comes_to_a_stop", [fails, is_halted, is_rolled_back])
@pytest.mark.parametrize("resumed", [False, True], ids=["in one go", "by another runner"])
def test_whatever_stops_a_run_its_faults_are_lifted_before_anything_else(comes_to_a_stop, resumed) -> None:
    of = plan(
        step("1.0", undo=(step("1.0.undo.1"),)),
        breaks(),
        step("1.2", on_failure="rollback" if comes_to_a_stop is fails else "abort"),
        always=(step("A.1"),),
    )
    drive = Drive(of, outcomes={"1.2": Outcome.FAILED}, took={"1.2": 5.0})
    drive.go(until=lambda drive: "1.2@db1" in drive.did)
    if resumed:
        drive.crash_and_resume().settle()
    comes_to_a_stop(drive)
    drive.go()
    broken = drive.tale.index("broken 1.1@db1")
    whole = drive.tale.index("whole 1.1@db1 by runner")
    assert [one for one in drive.tale[broken:whole] if one.startswith("enter")] == ["enter 1.2"]
    assert drive.run.has_ended


def test_a_fault_whose_attempt_went_wrong_is_lifted_while_people_still_think() -> None:
    drive = Drive(drill(), outcomes={"1.1": Outcome.FAILED}).go()
    assert drive.tale[-2:] == ["ask 1.1#1 failure", "whole 1.1@db1 by runner"]


def test_while_its_attempt_is_in_flight_nobody_else_touches_a_fault() -> None:
    drive = Drive(drill(), took={"1.1": 500.0})
    drive.settle()
    assert [effect for effect in due(drive.run, 400.0) if not isinstance(effect, Attempt)] == []


def test_a_step_lifts_what_it_names_and_goes_on_when_that_is_gone() -> None:
    of = drill(step("1.2", RevertAction(faults=("1.1",))), step("1.3"))
    drive = Drive(of, lifts={KEY: [THERE]}).go()
    assert drive.tale[4:8] == ["enter 1.2", "still 1.1@db1", "whole 1.1@db1 by runner", "end 1.2 succeeded"]


def test_a_step_that_cannot_lift_says_so_and_the_run_tries_on_and_does_not_end() -> None:
    of = drill(step("1.2", RevertAction(), on_failure="abort"))
    drive = Drive(of, lifts={KEY: [THERE] * 5}).go()
    assert drive.state("1.2").detail == "not lifted: process-kill on db1: the port is refused"
    assert drive.tale[-1] == "ended"
    assert drive.tale.index("whole 1.1@db1 by runner") < drive.tale.index("ended")
    assert drive.tale.count("still 1.1@db1") == 5


def test_what_cannot_be_lifted_does_not_keep_the_recovery_from_going_on() -> None:
    of = drill(step("1.2", WaitAction(seconds=100.0)), step("1.3", hosts=("db2",)))
    drive = Drive(of, lifts={KEY: [AWAY] * 400}).go(until=lambda drive: "1.3@db2" in drive.did)
    assert drive.run.faults[KEY].tries > 1


def test_an_attended_run_ends_beside_a_live_fault_only_when_a_person_says_so() -> None:
    drive = Drive(drill(), lifts={KEY: [AWAY] * 10_000}).go(until=lambda drive: drive.now > 5_000.0)
    assert not drive.run.has_ended
    assert verdicts(drive.run).revert == "unverified"
    assert isinstance(drive.ask(HaltRun(reason="")), Problem)
    assert drive.ask(HaltRun(reason="the host is scrap")) is None
    drive.go()
    assert drive.run.has_ended
    assert verdicts(drive.run).exit is Exit.FAULT_LIVE
    assert drive.run.leaves_live == "the host is scrap"


def test_an_unattended_run_ends_once_the_host_has_had_all_its_time_and_names_what_may_be_live() -> None:
    drive = Drive(drill(), lifts={KEY: [AWAY] * 10_000}, attended=False).go()
    assert drive.run.ended == "nobody is here, and these may still be live: process-kill on db1"
    fault = drive.run.faults[KEY]
    assert drive.now >= fault.arming_at + fault.limit + 60.0
    assert verdicts(drive.run).exit is Exit.FAULT_LIVE


def test_what_was_seen_live_after_all_tries_is_called_failed_and_not_unverified() -> None:
    drive = Drive(drill(), lifts={KEY: [THERE] * 10_000}, attended=False).go()
    assert verdicts(drive.run).revert == "failed"


def test_a_host_that_lifted_it_by_itself_is_not_asked_again() -> None:
    drive = Drive(drill()).go(until=lambda drive: bool(drive.held))
    drive.story.add(FaultReverted(**WHERE, by="lease", detail="nobody renewed"))
    drive.settle()
    assert drive.held == []
    assert not [effect for effect in drive.effects if isinstance(effect, Revert | Renew)]


def test_a_step_that_promotes_turns_the_lease_first_and_nothing_but_a_person_or_a_step_lifts_it_then() -> None:
    promote = step("1.2", hosts=("db2",), then_lease={"1.1": "hold"})
    drive = Drive(drill(promote, step("1.3", WaitAction(seconds=500.0))), took={"1.2": 3.0})
    drive.go(until=lambda drive: "1.2@db2" in drive.did)
    assert drive.tale[4:] == ["enter 1.2", "hold 1.1@db1"]
    assert drive.ask(HaltRun(reason="enough")) is None
    drive.go()
    assert not drive.run.has_ended
    assert drive.held == [KEY], "its time and the halt have passed, and it is still held"
    assert drive.ask(LiftFaults(reason="the old primary is fenced")) is None
    drive.go()
    assert drive.run.has_ended
    assert verdicts(drive.run).revert == "verified"


def test_lifting_by_hand_needs_a_live_fault_of_that_name_and_a_reason() -> None:
    drive = Drive(drill()).go(until=lambda drive: bool(drive.held))
    refused = [drive.ask(intent) for intent in (LiftFaults(reason="x", faults=("1.9/db1/1",)), LiftFaults(reason=" "))]
    assert [(one.what, one.fix) for one in refused] == [
        ("no fault of that name may be live", "Live: 1.1/db1/1."),
        ("lifting a fault goes on record with a reason", f'Say why: runbook tell {RUN_ID} lift -m "WHY"'),
    ]
    assert drive.ask(LiftFaults(reason="seen enough")) is None
    assert drive.ask(LiftFaults(reason="again")) is None
    drive.settle()
    assert drive.ask(LiftFaults(reason="again")).what == "no fault may be live"
    assert drive.run.faults[KEY].asked == f"{ANNA.name}: again"


def test_a_drill_whose_fault_did_nothing_is_inconclusive_whatever_else_held() -> None:
    drive = Drive(drill()).go(until=lambda drive: bool(drive.held))
    drive.story.add(FaultEffect(**WHERE, ok=False, detail="write-ok went on"))
    drive.go()
    told = verdicts(drive.run)
    assert (told.run, told.steady_state, told.is_green) == ("completed", "inconclusive", False)


OK = PlannedProbe(name="ok", action=CommandAction(shell="ask"), every=1.0, timeout=2.0)


def looked(drive: Drive, *, ok: bool = True) -> Drive:
    """The steady state's probe was asked now, and answers at once."""
    drive.story.sample("ok", ok)
    return drive


def test_what_a_probe_said_while_a_fault_was_live_says_nothing_about_the_world_without_it() -> None:
    drive = looked(Drive(drill(probes=(OK,))).go(until=lambda drive: bool(drive.held))).go()
    assert drive.run.has_ended
    assert (verdicts(drive.run).revert, verdicts(drive.run).steady_state) == ("verified", "inconclusive")


@pytest.mark.parametrize(("ok", "said"), [(True, "met"), (False, "deviated")])
def test_the_end_of_a_run_waits_until_the_steady_state_was_asked_once_more_without_the_faults(ok, said) -> None:
    of = drill(step("1.2", ConfirmAction(message="x")), probes=(OK,))
    drive = looked(Drive(of).go(until=lambda drive: bool(drive.run.open_gates)))
    assert drive.ask(HaltRun(reason="enough")) is None
    drive.go(until=lambda drive: drive.run.faults[KEY].reverted_by is not None and "end A.1 succeeded" in drive.tale)
    assert (drive.run.has_ended, verdicts(drive.run).steady_state) == (False, "inconclusive")
    looked(drive, ok=ok).settle()
    assert (drive.run.has_ended, verdicts(drive.run).steady_state) == (True, said)


def test_it_does_not_wait_for_an_answer_that_does_not_come() -> None:
    drive = looked(Drive(drill(probes=(OK,))).go(until=lambda drive: bool(drive.held))).go()
    lifted = drive.run.faults[KEY].reverted_at
    ended = drive.entries_of(RunEnded)[0].at
    assert ended >= lifted + 1.0 + 2 * 2.0


def test_a_steady_state_that_is_not_met_at_the_start_breaks_nothing() -> None:
    of = plan(step("0.2", ProbeAction(probe="ok"), hosts=("controller",)), breaks(), probes=(OK,))
    drive = Drive(of, outcomes={"0.2": Outcome.FAILED}, attended=False).go()
    assert not list(drive.run.faults.values())
    assert verdicts(drive.run).run == "failed"


def test_an_abort_rule_lifts_what_is_broken_before_anything_else() -> None:
    of = drill(probes=(OK,), abort_when=(AbortRule(probe="ok", failed=2),))
    drive = Drive(of).go(until=lambda drive: bool(drive.held))
    looked(drive, ok=False).settle()
    assert drive.held == [KEY]
    looked(drive, ok=False).settle()
    assert drive.run.stop.reason == "abort rule: ok failed 2 times in a row"
    tale = drive.go().tale
    assert tale.index("halt by rule") < tale.index("whole 1.1@db1 by runner") < tale.index("enter A.1")
    assert verdicts(drive.run).run == "aborted"


def test_a_fault_left_by_an_earlier_try_is_lifted_before_the_step_breaks_it_again() -> None:
    of = drill(step("1.2", ConfirmAction(message="x")))
    drive = Drive(of, outcomes={"1.1": [Outcome.FAILED, Outcome.SUCCEEDED]})
    drive.go()
    assert drive.ask(picks("retry")("1.1#1", "1.1")[0]) is None
    drive.go()
    begun = [n for n, event in enumerate(drive.events) if isinstance(event, AttemptStarted)]
    lifted = next(n for n, event in enumerate(drive.events) if isinstance(event, FaultReverted))
    assert begun[0] < lifted < begun[1]


def test_no_wake_is_asked_for_in_the_past() -> None:
    drive = Drive(drill(), lifts={KEY: [AWAY] * 10_000}).go(until=lambda drive: drive.now > 1_000.0)
    assert all(effect.at > drive.now for effect in drive.effects if isinstance(effect, WakeAt))
    assert math.isfinite(min(effect.at for effect in drive.effects if isinstance(effect, WakeAt)))
