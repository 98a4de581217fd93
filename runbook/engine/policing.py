"""What the rules about time have to say while a run is live: when a step is entered, let through, or breaks something.

A window binds what begins. When it closes, or a freeze begins, nothing that runs is touched; the next step that changes
something is held, and a person says whether it goes on. Where nobody is there it fails as any other step may, and a
fault is never laid then, whoever is there. What takes back, what closes a run and what lifts a fault is never held.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from msgspec.structs import replace

from runbook.core.answers import answer_of
from runbook.core.events.event import Event, GateAnswered, StepEnded, StepEntered
from runbook.core.events.policy_event import StepHeld
from runbook.core.gate import gates
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Work
from runbook.core.planned.fault_action import FaultAction, RevertAction, ToTheHost
from runbook.core.planned.role import Role
from runbook.core.run import GateAnswer, Phase, Run, StepState
from runbook.policy.breaking import still_holding
from runbook.policy.verdict import Verdict
from runbook.problem import Exit, Problem, problem

_DOES = (*get_args(Work), *get_args(ToTheHost))


def held(run: Run, state: StepState, entering: tuple[Event, ...], *, wall: float, at: float) -> tuple[Event, ...]:
    """What entering a step comes to, the rules considered: as it is, held, or failed with nothing sent."""
    if not any(isinstance(event, StepEntered) for event in entering) or not _is_bound(run, state):
        return entering
    return (*entering, *_holding(run, state, wall, at))


def answered(run: Run, said: tuple[Event, ...] | Problem, *, wall: float, at: float) -> tuple[Event, ...] | Problem:
    """What an answer comes to, the rules considered: the yes to a gate may come hours after its step was entered.

    Who says yes to a step that is held already, has read the rule.
    """
    if not isinstance(said, tuple):
        return said
    passed = (run.steps[each.step] for each in said if isinstance(each, GateAnswered) and _lets_through(run, each, at))
    found = (_holding(run, state, wall, at) for state in passed if not state.held_by and _is_bound(run, state))
    return (*said, *(event for events in found for event in events))


def _lets_through(run: Run, given: GateAnswered, at: float) -> bool:
    gate, word = run.gates[given.gate], answer_of(run.gates[given.gate].opened.kind, given.answer)
    if gate.opened.kind not in gates.IN_FRONT or word is None or not word.is_yes:
        return False
    after = replace(gate, answers=(*gate.answers, GateAnswer(at=at, given=given)))
    return gates.is_decided(after, run.steps[given.step])


def _holding(run: Run, state: StepState, wall: float, at: float) -> tuple[Event, ...]:
    """What holds it, or ends it where nobody is there to say; nothing where no rule refuses."""
    found = _refusing(run, at, wall)
    if not found:
        return ()
    said = StepHeld(step=state.id, rule=found[0].rule, sentence=" ".join(one.sentence for one in found))
    if run.attended and not isinstance(state.planned.action, FaultAction):
        return (said,)
    detail = f"nothing was sent: {said.sentence}"
    return (said, StepEnded(step=state.id, outcome=Outcome.FAILED, detail=detail))


def check_fault(run: Run, *, wall: float, at: float) -> None:
    """Whether something may be broken on purpose now: a gate, or a wait, may have stood between.

    Raises:
        Problems: A rule of the environment refuses it.
    """
    for one in _refusing(run, at, wall):
        raise problem(f"nothing was broken: {one.sentence}".removesuffix("."), code=one.rule, exit=Exit.REFUSED)


def _is_bound(run: Run, state: StepState) -> bool:
    if run.earlier is not None and run.earlier.does == "rolls_back":
        return False  # What is undone by a run of its own stands there as steps like any others.
    planned = state.planned
    does = isinstance(planned.action, _DOES) and not isinstance(planned.action, RevertAction)
    return does and planned.changes and planned.role in {Role.FORWARD, Role.RESCUE} and run.phase is Phase.FORWARD


def _refusing(run: Run, at: float, wall: float) -> tuple[Verdict, ...]:
    return still_holding(run, at, datetime.fromtimestamp(wall, UTC))
