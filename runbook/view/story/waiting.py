"""What a run waits for, in a few words and for whom: for lists that show many runs and fold none of them.

Names, because a list must say whose turn it is to people who cannot open every run. Who really may answer is decided by
the runner, when somebody does.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from runbook.core.gate.gates import asked_for
from runbook.core.planned.action import ApproveAction
from runbook.core.planned.turns import name_of
from runbook.core.run import GateState, Run
from runbook.view.clock import recovery_clock
from runbook.view.look.numbers import Wall
from runbook.view.sanitize import safe
from runbook.view.words import plural


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a run is, and whom it waits for."""

    what: str = ""
    """Safe to show; empty when it waits for nobody."""
    since: str = ""
    """Wall time from which it waits."""
    names: tuple[str, ...] = ()
    """Who may answer; empty is everybody."""
    not_for: str = ""
    """Who may not, because it is their own run."""
    step: int = 0
    steps: int = 0
    limit: str = ""
    """Wall time at which its objective lapses; empty before it counts, and without one."""
    faults: tuple[str, ...] = ()
    """What may be live, safe to show."""

    def is_for(self, name: str) -> bool:
        """Whether this person is waited for."""
        return bool(self.what) and name != self.not_for and (not self.names or name in self.names)

    @property
    def whom(self) -> str:
        """Who is waited for, for anybody who is not."""
        return " or ".join(self.names) if self.names else "somebody else" if self.not_for else "anybody"


def questions(run: Run) -> tuple[str, ...]:
    """The open gates, without those of a damaged record that belong to no step of its plan."""
    return tuple(gate for gate in run.open_gates if run.gates[gate].opened.step in run.steps)


def waiting(run: Run) -> Waiting:
    """It, as a folded run has it."""
    steps = [state for state in run.steps.values() if not state.id.startswith("0.")]
    clock = recovery_clock(run, run.now)
    limit = None if clock.started_at is None or clock.objective is None else clock.started_at + clock.objective
    found = Waiting(
        step=sum(bool(state.visit) for state in steps),
        steps=len(steps),
        limit=_wall(run, limit) if limit is not None and clock.state == "running" else "",
        faults=tuple(safe(f"{fault.fault} on {fault.host}") for fault in run.faults.values() if fault.may_be_live),
    )
    asked = questions(run)
    if not asked or run.has_ended:
        return found
    gate = run.gates[asked[0]]
    names, not_for = _whom(run, gate)
    return msgspec.structs.replace(
        found, what=_what(run, gate), since=_wall(run, gate.opened_at), names=names, not_for=not_for
    )


def _what(run: Run, gate: GateState) -> str:
    state = run.steps[gate.opened.step]
    wrong = sum(outcome.is_error for outcome in state.settled.values())
    if gate.opened.kind == "failure":
        failed = f"{wrong} of {plural(len(state.hosts), 'host')} failed" if wrong else "it failed"
        return safe(f"decide {state.id}, {failed}")
    given = f", {plural(len(gate.answers), 'answer')} given" if gate.answers else ""
    return safe(f"gate {state.id} {name_of(run, state.planned)}{given}")


def _whom(run: Run, gate: GateState) -> tuple[tuple[str, ...], str]:
    action = asked_for(run, gate)
    if not isinstance(action, ApproveAction):
        return (), ""
    roles = run.plan.environment.roles
    names = dict.fromkeys(name for one in action.approvers for name in roles.get(one, (one,)))
    answered = {answer.given.by.name for answer in gate.answers}
    own = "" if action.allow_self else run.operator.name
    return tuple(name for name in names if name not in answered and name != own), own


def _wall(run: Run, at: float) -> str:
    return (Wall(run.started).origin + timedelta(seconds=at)).isoformat(timespec="seconds")
