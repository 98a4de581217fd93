"""The four verdicts of a run, which are never merged into one, and what the exit status makes of them.

Computed from the folded run alone, so the screen, the report and an auditor's copy of this file agree. "Not measured"
and "inconclusive" are verdicts: an absence of evidence is never called met.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.fault import FaultState
from runbook.core.fold.recovery import Recovery, recovery
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.fold.rollback import RollbackVerdict, rollback
from runbook.core.fold.shortfall import shortfalls
from runbook.core.outcome import Outcome
from runbook.core.run import Run, StepState
from runbook.core.steady import SteadyVerdict, steady_state
from runbook.problem import Exit

RunVerdict = Literal["completed", "completed with deviations", "failed", "aborted", "interrupted", "live"]
"""One word each, also the one of three: it is written alike wherever a verdict is shown, for people and machines.
`live` is in no record: whoever sees that a runner has it says so, in place of `interrupted`.
"""
ObjectiveVerdict = Literal["met", "missed", "not_measured"]
RevertVerdict = Literal["verified", "unverified", "failed", "none"]


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """How a run came out, in four independent words."""

    run: RunVerdict
    steady_state: SteadyVerdict
    objectives: ObjectiveVerdict
    revert: RevertVerdict
    steady_declared: bool = True
    """False when the runbook states no steady state, so that `inconclusive` is no reproach."""
    objectives_declared: bool = True
    unreachable: bool = False
    """It failed because a host could not be reached."""
    rollback: RollbackVerdict = "none"
    """What became of the run's undo, where one was begun."""
    foreseen: bool = True
    """False when it deviates in something that the runbook itself does not let pass."""

    @property
    def worst(self) -> str:
        """The word of the gravest verdict, which is what a run is coloured by; what nobody declared does not count."""
        said: list[str] = [self.run, self.revert, self.rollback]
        if self.steady_declared or self.revert != "none":
            said.append(self.steady_state)
        if self.objectives_declared:
            said.append(self.objectives)
        return max(said, key=_GRAVITY.index)

    @property
    def is_green(self) -> bool:
        """True when everything that was promised held."""
        return self.run == "completed" and self._keeps_its_promises

    @property
    def _keeps_its_promises(self) -> bool:
        return (
            (self.steady_state == "met" or not (self.steady_declared or self.revert != "none"))
            and (self.objectives == "met" or not self.objectives_declared)
            and self.revert in {"verified", "none"}
        )

    @property
    def exit(self) -> Exit:
        """The exit status of a verb that waited for this run."""
        if self.revert in {"unverified", "failed"}:
            return Exit.FAULT_LIVE
        if self.unreachable:
            return Exit.UNREACHABLE
        if self.run == "interrupted":
            return Exit.INTERRUPTED
        is_fine = self.run == "completed" or (self.run == "completed with deviations" and self.foreseen)
        return Exit.HELD if is_fine and self._keeps_its_promises else Exit.FAILED


_GRAVITY = (
    "none", "verified", "held", "met", "completed", "running", "empty", "inconclusive", "not_measured",
    "completed with deviations", "live", "interrupted", "aborted", "deviated", "missed", "stopped", "failed",
    "unverified",
)  # fmt: skip
"""Every word of a verdict, the gravest last; of two words that are alike good, the one about the run."""


def verdicts(run: Run) -> Verdicts:
    """The verdicts as they stand; final once the run has ended."""
    measured = recovery(run)
    return Verdicts(
        run=_run_verdict(run),
        steady_state=steady_state(run),
        objectives=_objectives(run, measured),
        revert=_revert(run),
        steady_declared=any(probe.steady for probe in run.plan.probes),
        objectives_declared=run.plan.objectives.rto is not None or run.plan.objectives.rpo is not None,
        rollback=rollback(run).verdict,
        unreachable=_could_not_reach(run),
        foreseen=all(short.is_foreseen for short in shortfalls(run)),
    )


def _run_verdict(run: Run) -> RunVerdict:
    return verdict_by_now(run) if run.has_ended else "interrupted"


def verdict_by_now(run: Run) -> RunVerdict:
    """The verdict of a run if it ended now, as closing steps tell it to people."""
    if run.stop is not None:
        return "aborted" if run.stop.halted else "failed"
    if any(_spoils(run.steps[step.id]) for step in run.plan.always):
        return "failed"
    return "completed with deviations" if shortfalls(run) else "completed"


def _spoils(state: StepState) -> bool:
    """A closing step that went wrong leaves something untidied, whatever came before it went well."""
    return state.outcome is not None and state.outcome.is_error and state.planned.on_failure != "continue"


def _revert(run: Run) -> RevertVerdict:
    """Whether all that was broken on purpose is known to be whole again. The worst fault is the run's."""
    words = {_revert_of(fault) for fault in run.faults.values()}
    return next((word for word in _WORST_REVERT if word in words), "none")


_WORST_REVERT: tuple[RevertVerdict, ...] = ("failed", "unverified", "verified")


def _revert_of(fault: FaultState) -> RevertVerdict:
    if not fault.may_be_live:
        return "verified"
    return "failed" if fault.tries and fault.is_seen else "unverified"


def _objectives(run: Run, measured: Recovery) -> ObjectiveVerdict:
    """One word for all that was promised: one miss is a miss, and one that nobody measured leaves it open."""
    each = {said for said in (time_verdict(run, measured), loss_verdict(run)) if said is not None}
    if "missed" in each:
        return "missed"
    return "met" if each == {"met"} else "not_measured"


def time_verdict(run: Run, measured: Recovery) -> ObjectiveVerdict | None:
    """Whether the recovery time objective was met, by the widest reading; None when there is none."""
    rto = run.plan.objectives.rto
    if rto is None:
        return None
    if measured.seconds is None:
        return "missed" if measured.still_out else "not_measured"
    if measured.seconds > rto:
        return "missed"
    return "not_measured" if measured.at_least else "met"


def loss_verdict(run: Run) -> ObjectiveVerdict | None:
    """Whether the recovery point objective was met, by the widest reading; None when there is none."""
    rpo = run.plan.objectives.rpo
    if rpo is None:
        return None
    lost = recovery_point(run)
    if lost is None:
        return "not_measured"
    return "met" if lost.seconds <= rpo else "missed"


def _could_not_reach(run: Run) -> bool:
    return any(
        state.outcome is Outcome.UNREACHABLE and state.resolution is not None and state.resolution.choice == "abort"
        for state in run.steps.values()
    )


def not_as_planned(run: Run) -> tuple[StepState, ...]:
    """Steps that did not simply succeed, in the order of the plan: what a reviewer asks about first.

    More than what a run is said to deviate by (`shortfall.py`): a second try that worked is named here too.
    """
    odd = (state for state in run.steps.values() if _is_odd(state))
    return tuple(sorted(odd, key=lambda state: run.order.get(state.id, 0)))


def _is_odd(state: StepState) -> bool:
    again = state.visit > 1 or any(attempt.number > 1 for attempt in state.attempts.values())
    ended_badly = state.outcome not in {None, Outcome.SUCCEEDED} and not state.skipped_as_written
    return again or ended_badly or bool(state.errors or state.wait_cut)
