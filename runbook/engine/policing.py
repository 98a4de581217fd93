"""What the rules about time have to say while a run is live: asked when a step is entered, and again before a fault.

A window binds what begins. When it closes, or a freeze begins, nothing that runs is touched; the next step that changes
something is held, and a person says whether it goes on. Where nobody is there it fails as any other step may, and a
fault is never laid then, whoever is there. What takes back, what closes a run and what lifts a fault is never held.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from runbook.core.action import Work
from runbook.core.event import Event, StepEnded, StepEntered
from runbook.core.fault_action import FaultAction, RevertAction, ToTheHost
from runbook.core.outcome import Outcome
from runbook.core.policy_event import StepHeld
from runbook.core.role import Role
from runbook.core.run import Phase, Run, StepState
from runbook.policy.breaking import still_holding
from runbook.policy.verdict import Verdict
from runbook.problem import Exit, problem

_DOES = (*get_args(Work), *get_args(ToTheHost))


def held(run: Run, state: StepState, entering: tuple[Event, ...], *, wall: float, at: float) -> tuple[Event, ...]:
    """What entering a step comes to, the rules considered: as it is, held, or failed with nothing sent."""
    if not any(isinstance(event, StepEntered) for event in entering) or not _is_bound(run, state):
        return entering
    found = _refusing(run, at, wall)
    if not found:
        return entering
    said = StepHeld(step=state.id, rule=found[0].rule, sentence=" ".join(one.sentence for one in found))
    if run.attended and not isinstance(state.planned.action, FaultAction):
        return (*entering, said)
    detail = f"nothing was sent: {said.sentence}"
    return (*entering, said, StepEnded(step=state.id, outcome=Outcome.FAILED, detail=detail))


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
