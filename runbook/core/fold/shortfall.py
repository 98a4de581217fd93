"""What a run that went forward to its end did not do as written: the reasons why it did not simply complete.

Apart from the list of odd steps (`verdict.not_as_planned`), which also names what came out well in the end, such as a
second try. Here only what stayed undone counts: a step that is left failed or in doubt, one that a person passed over,
an item that was waived, a host that takes no further part. Where the runbook itself says to go on (`continue`, `goto`,
an item that may be waived) the shortfall was foreseen, and does not spoil the exit status; it is told all the same. A
failure that is handed to a block is none: the block answers for it, by its rescue or with its own end.
"""

from __future__ import annotations

import msgspec

from runbook.core.outcome import Outcome
from runbook.core.planned.plan import StepId
from runbook.core.run import Run, StepState

_FORESEEN = frozenset({"continue", "goto"})
"""What may follow a failure because the runbook says so."""


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """One step, or one host, that fell short."""

    step: StepId = ""
    """Empty for a host."""
    host: str = ""
    """Empty for a step."""
    is_foreseen: bool = False
    """The runbook itself said to go on all the same."""


def shortfalls(run: Run) -> tuple[Shortfall, ...]:
    """Hosts that were taken out, then steps in the order of the plan; what takes back is judged with the rollback."""
    waived = _waived(run)
    short = (found for state in run.steps.values() if (found := _of_step(state, waived)) is not None)
    hosts = (Shortfall(host=host) for host in sorted(run.excluded))
    return (*hosts, *sorted(short, key=lambda found: run.order.get(found.step, 0)))


def _of_step(state: StepState, waived: frozenset[StepId]) -> Shortfall | None:
    outcome = state.outcome
    if outcome is None or state.planned.role.takes_back:
        return None
    if outcome.is_error and not state.is_broken:
        foreseen = state.resolution is not None and state.resolution.choice in _FORESEEN
        return Shortfall(step=state.id, is_foreseen=foreseen)
    passed_over = outcome is Outcome.SKIPPED and not state.skipped_as_written
    is_waived = state.id in waived
    # That an item may be waived is what a checklist says of itself.
    return Shortfall(step=state.id, is_foreseen=is_waived) if passed_over or is_waived else None


def _waived(run: Run) -> frozenset[StepId]:
    """Checklists with an item that somebody went on without."""
    asked = (gate for gate in run.gates.values() if gate.opened.kind == "checklist")
    return frozenset(
        gate.opened.step for gate in asked if any(answer.given.answer == "waive" for answer in gate.answers)
    )
