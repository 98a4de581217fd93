"""Windows and freezes while a run is live: what is held, what is refused, and what nothing may hold up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook.core.actor import Actor
from runbook.core.events.event import Event, GateAnswered, StepEnded, StepEntered
from runbook.core.events.policy_event import RuleOverridden, StepHeld
from runbook.core.gate import gates
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.fault_action import FaultAction, RevertAction
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.core.planned.role import Role
from runbook.engine.policing import answered, check_fault, held
from runbook.problem import Problems
from runbook.transport.scripted import Says, ScriptedConnector
from tests.builders import ANNA, BEN, Story, plan, step
from tests.engine.stage import Stage

FRIDAY = datetime(2026, 11, 27, 13, 10, tzinfo=UTC).timestamp()
SUNDAY = datetime(2026, 11, 29, 3, 0, tzinfo=UTC).timestamp()
NIGHT = "Sun 02:00-06:00 UTC"
CLOSED = Environment(name="production", windows=(NIGHT,))
SAID = (
    "production opens Sun 02:00-06:00 UTC; now it is Fri 27 Nov 2026 13:10. "
    "Next: Sun 29 Nov 2026 02:00 UTC, in 1 d 12 h 50 min."
)
CLEO = Actor(name="cleo", uid=1002, via="approve")
FAULT = FaultAction(fault="process-kill", arguments={"unit": "nginx.service"}, duration=60.0)


def begun(chosen: PlannedStep, *, wall: float = FRIDAY, attended: bool = True, **of: object) -> tuple[Event, ...]:
    """What entering the only step of a live run comes to."""
    tale = Story(plan(chosen, environment=CLOSED, **of), attended=attended).start()
    entering = (StepEntered(step=chosen.id, hosts=chosen.hosts),)
    return held(tale.run, tale.run.steps[chosen.id], entering, wall=wall, at=tale.now)


CHANGE = step("1.1", changes=True)
ENTERED = StepEntered(step="1.1", hosts=("db1",))


def test_while_the_window_is_open_nothing_is_held() -> None:
    assert begun(CHANGE, wall=SUNDAY) == (ENTERED,)


def test_when_it_has_closed_the_next_step_that_changes_something_is_held() -> None:
    assert begun(CHANGE) == (ENTERED, StepHeld(step="1.1", rule="window", sentence=SAID))


def test_a_step_that_only_looks_is_not_held() -> None:
    assert begun(step("1.1")) == (ENTERED,)


def test_where_nobody_is_there_it_fails_and_says_why() -> None:
    assert begun(CHANGE, attended=False)[-1] == StepEnded(
        step="1.1", outcome=Outcome.FAILED, detail=f"nothing was sent: {SAID}"
    )


def test_a_fault_is_refused_whoever_is_there() -> None:
    refused = begun(step("1.1", FAULT, hosts=("db1",), changes=True))
    assert refused[-1] == StepEnded(step="1.1", outcome=Outcome.FAILED, detail=f"nothing was sent: {SAID}")


def test_lifting_a_fault_is_never_held() -> None:
    lifting = step("1.1", RevertAction(), hosts=(), changes=True)
    assert begun(lifting) == (StepEntered(step="1.1"),)


@pytest.mark.parametrize("place", ["rollback", "always"])
def test_what_takes_back_and_what_closes_the_run_are_never_held(place: str) -> None:
    tale = Story(plan(step("1.1"), environment=CLOSED, **{place: (step("X.1", changes=True),)})).start()
    state = tale.run.steps["X.1"]
    assert state.planned.role in {Role.ROLLBACK, Role.CLOSING}
    entering = (StepEntered(step="X.1", hosts=("db1",)),)
    assert held(tale.run, state, entering, wall=FRIDAY, at=0.0) == entering


@pytest.mark.parametrize("attended", [True, False])
def test_a_run_that_takes_back_another_is_never_held(attended: bool) -> None:
    back = Earlier(run="20261127T130000Z-t-0001", does="rolls_back")
    tale = Story(plan(CHANGE, environment=CLOSED), attended=attended, earlier=back).start()
    assert held(tale.run, tale.run.steps["1.1"], (ENTERED,), wall=FRIDAY, at=tale.now) == (ENTERED,)


def let_through(chosen: PlannedStep, *by: Actor, wall: float = FRIDAY, attended: bool = True) -> tuple[Event, ...]:
    """What the last of these people's yes comes to, before a step that was entered while its window was open."""
    tale = Story(plan(chosen, environment=CLOSED), attended=attended).start().enter("1.1")
    tale.add(opened := gates.before(tale.run, tale.run.steps["1.1"]))
    word = "approve" if opened.kind == "approval" else "proceed"
    said = [GateAnswered(gate="1.1#1", step="1.1", by=one, answer=word) for one in by]
    tale.add(*said[:-1])
    return answered(tale.run, (said[-1],), wall=wall, at=tale.now)[1:]


ASKED = step("1.1", changes=True, confirm="key")
HELD = StepHeld(step="1.1", rule="window", sentence=SAID)
FAILED = StepEnded(step="1.1", outcome=Outcome.FAILED, detail=f"nothing was sent: {SAID}")


def test_who_lets_a_step_through_after_its_window_has_closed_is_told_and_asked_again() -> None:
    assert let_through(ASKED, ANNA, wall=SUNDAY) == ()
    assert let_through(ASKED, ANNA) == (HELD,)
    assert let_through(step("1.1", confirm="key"), ANNA) == (), "it only looks"


def test_only_the_answer_that_lets_it_through_is_looked_at() -> None:
    agreed = step("1.1", changes=True, approvals=2)
    assert let_through(agreed, BEN) == ()
    assert let_through(agreed, BEN, CLEO) == (HELD,)


def test_a_yes_that_comes_too_late_sends_nothing_where_nobody_attends_and_breaks_nothing() -> None:
    assert let_through(ASKED, ANNA, attended=False) == (HELD, FAILED)
    fault = step("1.1", FAULT, hosts=("db1",), changes=True, confirm="key")
    assert let_through(fault, ANNA) == (HELD, FAILED)


async def test_a_runner_asks_again_when_the_answer_to_a_gate_came_after_the_window(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := ScriptedConnector(lambda _host, _command: Says(b"")))
    open_until = Environment(name="production", freeze=("2999-01-01/2999-12-31",))
    live = stage.open(plan(step("1.1", changes=True, confirm="key"), environment=open_until))
    await live.until(lambda run: run.open_gates)
    live.recorder.wall = lambda: datetime(2999, 6, 1, tzinfo=UTC).timestamp()
    assert await live.ask(AnswerGate(gate="1.1#1", answer="proceed")) is None
    run = await live.until(lambda run: "1.1#2" in run.open_gates)
    assert (world.sent, run.gates["1.1#2"].opened.kind) == ([], "before")
    assert "production is frozen" in run.gates["1.1#2"].opened.message
    assert await live.ask(AnswerGate(gate="1.1#2", answer="proceed")) is None
    await live.to_its_end()
    assert [one.text for one in world.sent] == ["run-1.1"]


def test_a_rule_that_is_overridden_in_the_run_holds_nothing() -> None:
    tale = Story(plan(CHANGE, environment=CLOSED)).start()
    tale.add(RuleOverridden(rule="window", by=ANNA, reason="orders are down, incident 4711"))
    assert held(tale.run, tale.run.steps["1.1"], (ENTERED,), wall=FRIDAY, at=tale.now) == (ENTERED,)
    check_fault(tale.run, wall=FRIDAY, at=tale.now)


def test_a_fault_is_looked_at_again_right_before_it_is_laid() -> None:
    tale = Story(plan(step("1.1", FAULT, hosts=("db1",)), environment=CLOSED)).start()
    check_fault(tale.run, wall=SUNDAY, at=tale.now)
    with pytest.raises(Problems) as refused:
        check_fault(tale.run, wall=FRIDAY, at=tale.now)
    assert (refused.value.problems[0].code, refused.value.problems[0].what) == (
        "window",
        f"nothing was broken: {SAID}".removesuffix("."),
    )


def never(*steps: PlannedStep) -> Plan:
    """A plan in a place that has been frozen for ever."""
    return plan(*steps, environment=Environment(name="production", freeze=("2000-01-01/2999-12-31",)))


async def test_a_runner_asks_before_a_step_that_a_freeze_holds_and_goes_on_when_somebody_says_so(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, world := ScriptedConnector(lambda _host, _command: Says(b"")))
    live = stage.open(never(step("1.1"), step("1.2", changes=True)))
    run = await live.until(lambda run: run.open_gates)
    assert [one.text for one in world.sent] == ["run-1.1"]
    assert run.gates["1.2#1"].opened.kind in gates.IN_FRONT
    assert "production is frozen for longer than 400 days" in run.gates["1.2#1"].opened.message
    assert await live.ask(AnswerGate(gate="1.2#1", answer="proceed")) is None
    await live.to_its_end()
    assert [one.text for one in world.sent] == ["run-1.1", "run-1.2"]
    assert [event.rule for event in stage.events(StepHeld)] == ["freeze"]


async def test_a_runner_alone_sends_nothing_into_a_freeze(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world := ScriptedConnector(lambda _host, _command: Says(b"")))
    run = await stage.open(never(step("1.1", changes=True)), attended=False).to_its_end()
    assert (world.sent, run.steps["1.1"].outcome) == ([], Outcome.FAILED)
