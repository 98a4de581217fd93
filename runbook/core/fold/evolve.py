"""Folding events into a run. Total and silent: any event in any state gives a run, and nothing is ever refused here.

Refusing belongs to `decide`, choosing to `due`. Live view, resume, replay, report and verify all call this one
function, so a number that differs between two of them is a bug in a pure function and nowhere else. An event that
names a step, a gate or a probe which the plan does not have changes nothing but the clock: a damaged record must
still fold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from immutables import Map
from msgspec.structs import replace

from runbook.core import still_running
from runbook.core.alteration import close_all_gates, close_gates, know_place, register, set_step, stop_run, without
from runbook.core.answers import answer_of
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AlwaysStarted,
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    AttemptStated,
    CanarySampled,
    Checked,
    Event,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    GateOpened,
    HaltRequested,
    HostExcluded,
    HostKeyAccepted,
    Jumped,
    MilestoneMarked,
    NoteAdded,
    OutputArrived,
    ProbeSampled,
    RollbackStarted,
    RunContinued,
    RunEnded,
    RunnerStarted,
    RunOpened,
    RunPaused,
    SessionLost,
    SessionOpened,
    StepEnded,
    StepEntered,
    StepSkipped,
    Unknown,
    WaitCut,
)
from runbook.core.events.fault_event import FaultEvent
from runbook.core.events.point_event import PointEvent
from runbook.core.events.policy_event import PolicyEvent, StepHeld
from runbook.core.fold.evolve_attempt import evolve_attempt
from runbook.core.fold.evolve_fault import evolve_fault
from runbook.core.fold.evolve_step import evolve_step
from runbook.core.fold.recovery_point import canary_sampled, evolve_point
from runbook.core.fold.stretches import sampled
from runbook.core.gate import gates, key_gate
from runbook.core.planned.casting import cast
from runbook.core.result import Result
from runbook.core.run import (
    GateAnswer,
    GateState,
    Mark,
    Note,
    Overridden,
    Phase,
    ProbeState,
    Registered,
    Run,
    StepState,
    Stop,
)


def open_run(entry: Entry) -> Run | None:
    """The run that a record's first entry opens; None when that entry opens none."""
    event = entry.event
    if not isinstance(event, RunOpened):
        return None
    plan = cast(event.plan)
    steps = tuple(plan.walk())
    return Run(
        id=event.run,
        plan=plan,
        operator=event.operator,
        attended=event.attended,
        auto=event.auto,
        step_mode=event.step_mode,
        started=event.started,
        now=entry.at,
        seq=entry.seq,
        hosts={host.name: host for host in event.plan.hosts},
        order=Map({step.id: position for position, step in enumerate(steps)}),
        steps=Map({step.id: StepState(planned=step) for step in steps}),
        probes=Map({probe.name: ProbeState() for probe in event.plan.probes}),
        earlier=event.earlier,
        values=_known_before(event),
    )


def _known_before(event: RunOpened) -> Map[str, Registered]:
    """What the run that it follows had registered."""
    kept = event.earlier.values if event.earlier else {}
    return Map({name: Registered(by_host=Map(by_host)) for name, by_host in kept.items()})


def fold(run: Run, entries: Iterable[Entry]) -> Run:
    """Evolve through many entries."""
    for entry in entries:
        run = evolve(run, entry)
    return run


def evolve(run: Run, entry: Entry) -> Run:
    """The run after one more entry."""
    return replace(_arm(run, entry.event, entry.at), now=max(run.now, entry.at), seq=entry.seq)


# --- runner and hosts -------------------------------------------------------------------------------------------------


def _runner_started(run: Run, event: RunnerStarted, _at: float) -> Run:
    phase = Phase.FORWARD if run.phase is Phase.OPENED else run.phase
    # Between two runners nobody asked the probes, and nobody wrote.
    probes = Map({name: replace(state, is_interrupted=True) for name, state in run.probes.items()})
    canary = replace(run.canary, is_interrupted=True)
    # A new runner holds no link of the old one; what was in flight stays in flight until it is re-attached or in doubt.
    run = replace(run, phase=phase, sessions=Map(), lost=Map(), probes=probes, canary=canary)
    if not event.resumed:
        return replace(run, runners=run.runners + 1, whole_until=run.runners + 1)
    # It had one before it, also where the line that says so is lost.
    runners = max(run.runners, 1) + 1
    return replace(run, runners=runners, whole_until=runners if event.newest and run.is_whole else run.whole_until)


def _session_opened(run: Run, event: SessionOpened, _at: float) -> Run:
    run = know_place(run, event.host, "", event.place)
    return replace(run, sessions=run.sessions.set(event.host, event), lost=without(run.lost, event.host))


def _session_lost(run: Run, event: SessionLost, _at: float) -> Run:
    return replace(run, sessions=without(run.sessions, event.host), lost=run.lost.set(event.host, event.reason))


def _checked(run: Run, event: Checked, _at: float) -> Run:
    known = run.checks.get(event.host, {})
    return replace(run, checks=run.checks.set(event.host, {**known, event.check: event}))


def _host_excluded(run: Run, event: HostExcluded, _at: float) -> Run:
    return replace(run, excluded=run.excluded.set(event.host, event.reason))


# --- gates and people -------------------------------------------------------------------------------------------------


def _gate_opened(run: Run, event: GateOpened, at: float) -> Run:
    gate = GateState(opened=event, opened_at=at)
    return replace(run, gates=run.gates.set(event.gate, gate), open_gates=(*run.open_gates, event.gate))


def _gate_answered(run: Run, event: GateAnswered, at: float) -> Run:
    gate = run.gates.get(event.gate)
    state = run.steps.get(event.step)
    if gate is None or state is None:
        return run
    gate = replace(gate, answers=(*gate.answers, GateAnswer(at=at, given=event)))
    run = replace(run, gates=run.gates.set(event.gate, gate))
    given = answer_of(gate.opened.kind, event.answer)
    if given is None:
        return run
    if gate.opened.kind in gates.IN_FRONT and given.is_yes and gates.is_decided(gate, state):
        run = still_running.let_through(close_gates(run, event.step, at), state)
        return set_step(run, replace(run.steps[event.step], let_through=True))
    if gate.opened.kind == "host_key" and given.is_no:
        return key_gate.refused(run, gate, at)
    if given.takes in {"text", "label"}:
        run = register(run, state.planned.register, "", Result(value=event.value))
    return run


def _gate_lapsed(run: Run, event: GateLapsed, _at: float) -> Run:
    gate = run.gates.get(event.gate)
    return run if gate is None else replace(run, gates=run.gates.set(event.gate, replace(gate, lapsed=True)))


def _wait_cut(run: Run, event: WaitCut, _at: float) -> Run:
    state = run.steps.get(event.step)
    return run if state is None else set_step(run, replace(state, wait_cut=event.reason or "cut short"))


# --- probes and milestones --------------------------------------------------------------------------------------------


def _probe_sampled(run: Run, event: ProbeSampled, at: float) -> Run:
    known = run.probes.get(event.probe, ProbeState())
    stretches = sampled(
        known.stretches, at, event.took, ok=event.ok, detail=event.detail, goes_on=not known.is_interrupted
    )
    return replace(run, probes=run.probes.set(event.probe, ProbeState(stretches=stretches)))


def _milestone_marked(run: Run, event: MilestoneMarked, at: float) -> Run:
    moment = at if event.moment is None else event.moment
    mark = Mark(at=moment, source=event.source, by=event.by)
    return replace(run, milestones=run.milestones.set(event.milestone, mark))


# --- the run as a whole -----------------------------------------------------------------------------------------------


def _run_paused(run: Run, _event: RunPaused, _at: float) -> Run:
    return replace(run, paused=True)


def _run_continued(run: Run, _event: RunContinued, _at: float) -> Run:
    return replace(run, paused=False)


def _halt_requested(run: Run, event: HaltRequested, at: float) -> Run:
    """Going forward ends, or the rollback does; of closing steps only those end that run now, the others still come."""
    if run.phase is Phase.ALWAYS:
        if any(state.is_live and not state.given_up for state in run.steps.values()):
            return _give_up_live(run, event.reason or "halted")
        return replace(run, leaves_live=event.reason or "halted")
    if run.phase is Phase.FORWARD and run.stop is not None:
        return run
    return stop_run(run, Stop(undo=False, halted=True, reason=event.reason, by=event.by), at)


def _give_up_live(run: Run, reason: str) -> Run:
    live = [state for state in run.steps.values() if state.is_live]
    for state in live:
        run = set_step(run, replace(state, given_up=reason))
    return run


def _rollback_started(run: Run, event: RollbackStarted, at: float) -> Run:
    stop = run.stop or Stop(undo=True, halted=event.by is not None, reason=event.reason, by=event.by)
    run = stop_run(run, stop, at)
    return replace(run, phase=Phase.ROLLBACK, is_rolled_back=True) if run.phase is Phase.FORWARD else run


def _always_started(run: Run, _event: AlwaysStarted, _at: float) -> Run:
    return run if run.phase is Phase.ENDED else replace(run, phase=Phase.ALWAYS, paused=False)


def _note_added(run: Run, event: NoteAdded, at: float) -> Run:
    return replace(run, notes=(*run.notes, Note(at=at, text=event.text, by=event.by, step=event.step)))


def _about_policy(run: Run, event: PolicyEvent, at: float) -> Run:
    if not isinstance(event, StepHeld):
        return replace(run, overridden=(*run.overridden, Overridden(at=at, given=event)))
    state = run.steps.get(event.step)
    # What somebody let through before, they let through before this rule spoke.
    return run if state is None else set_step(run, replace(state, held_by=event.sentence, let_through=False))


def _run_ended(run: Run, event: RunEnded, at: float) -> Run:
    run = close_all_gates(run, at)
    return replace(run, phase=Phase.ENDED, ended=event.reason or "ended")


def _arm(run: Run, event: Event, at: float) -> Run:  # noqa: C901, PLR0911, PLR0912 - one line for each event there is
    if isinstance(event, FaultEvent):
        return evolve_fault(run, event, at)
    if isinstance(event, PolicyEvent):
        return _about_policy(run, event, at)
    if isinstance(event, PointEvent):
        return evolve_point(run, event, at)
    match event:
        case RunOpened() | Unknown():
            return run
        case RunnerStarted():
            return _runner_started(run, event, at)
        case SessionOpened():
            return _session_opened(run, event, at)
        case SessionLost():
            return _session_lost(run, event, at)
        case Checked():
            return _checked(run, event, at)
        case StepEntered() | StepSkipped() | StepEnded() | FailureResolved() | Jumped():
            return evolve_step(run, event, at)
        case AttemptStarted() | AttemptGraded() | AttemptStated() | OutputArrived() | AttemptEnded():
            return evolve_attempt(run, event, at)
        case GateOpened():
            return _gate_opened(run, event, at)
        case GateAnswered():
            return _gate_answered(run, event, at)
        case HostKeyAccepted():
            return key_gate.accepted(run, event, at)
        case GateLapsed():
            return _gate_lapsed(run, event, at)
        case HostExcluded():
            return _host_excluded(run, event, at)
        case ProbeSampled():
            return _probe_sampled(run, event, at)
        case CanarySampled():
            return replace(run, canary=canary_sampled(run.canary, event, at))
        case MilestoneMarked():
            return _milestone_marked(run, event, at)
        case RunPaused():
            return _run_paused(run, event, at)
        case RunContinued():
            return _run_continued(run, event, at)
        case WaitCut():
            return _wait_cut(run, event, at)
        case HaltRequested():
            return _halt_requested(run, event, at)
        case RollbackStarted():
            return _rollback_started(run, event, at)
        case AlwaysStarted():
            return _always_started(run, event, at)
        case NoteAdded():
            return _note_added(run, event, at)
        case RunEnded():
            return _run_ended(run, event, at)
        case _:
            assert_never(event)
