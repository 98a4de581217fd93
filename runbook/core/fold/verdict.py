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
from runbook.core.outcome import Outcome
from runbook.core.run import ProbeState, Run, StepState
from runbook.problem import Exit

RunVerdict = Literal["completed", "failed", "aborted", "interrupted"]
SteadyVerdict = Literal["met", "deviated", "inconclusive"]
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

    @property
    def is_green(self) -> bool:
        """True when everything that was promised held."""
        return (
            self.run == "completed"
            and (self.steady_state == "met" or not (self.steady_declared or self.revert != "none"))
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
        return Exit.HELD if self.is_green else Exit.FAILED


def verdicts(run: Run) -> Verdicts:
    """The verdicts as they stand; final once the run has ended."""
    measured = recovery(run)
    return Verdicts(
        run=_run_verdict(run),
        steady_state=_steady(run),
        objectives=_objectives(run, measured),
        revert=_revert(run),
        steady_declared=any(probe.steady for probe in run.plan.probes),
        objectives_declared=run.plan.objectives.rto is not None or run.plan.objectives.rpo is not None,
        unreachable=_could_not_reach(run),
    )


def _run_verdict(run: Run) -> RunVerdict:
    if not run.has_ended:
        return "interrupted"
    if run.stop is not None:
        return "aborted" if run.stop.halted else "failed"
    return "failed" if any(_spoils(run.steps[step.id]) for step in run.plan.always) else "completed"


def _spoils(state: StepState) -> bool:
    """A closing step that went wrong leaves something untidied, whatever came before it went well."""
    return state.outcome is not None and state.outcome.is_error and state.planned.on_failure != "continue"


def _steady(run: Run) -> SteadyVerdict:
    """Whether the steady state held at the end; what happened between is what the recovery time measures.

    A fault that did nothing proves nothing: whatever held beside it, held without having been tried.
    """
    if any(fault.has_effect is False for fault in run.faults.values()):
        return "inconclusive"
    states = [run.probes.get(probe.name, ProbeState()) for probe in run.plan.probes if probe.steady]
    lasts = [state.last for state in states]
    if not states or any(last is None for last in lasts):
        return "inconclusive"
    return "met" if all(last.ok for last in lasts if last) else "deviated"


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


def deviations(run: Run) -> tuple[StepState, ...]:
    """Steps that did not simply succeed, in the order of the plan: what a reviewer asks about first."""
    odd = (state for state in run.steps.values() if _deviates(state))
    return tuple(sorted(odd, key=lambda state: run.order.get(state.id, 0)))


def _deviates(state: StepState) -> bool:
    again = state.visit > 1 or any(attempt.number > 1 for attempt in state.attempts.values())
    return again or state.outcome not in {None, Outcome.SUCCEEDED} or bool(state.errors or state.wait_cut)
