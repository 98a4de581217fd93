"""Folding what happens to steps: entering, attempts, ending, jumping. The larger half of `evolve`, and as silent.

Apart from `evolve` only so that each half can be read in one sitting. Each function is one arm of the table there: it
takes the run, the event and the time, and gives the run after it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TypeVar

from immutables import Map
from msgspec.structs import replace

from runbook.core.event import (
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    FailureResolved,
    Jumped,
    OutputArrived,
    Result,
    StepEnded,
    StepEntered,
    StepSkipped,
)
from runbook.core.outcome import Outcome
from runbook.core.plan import PlannedStep, StepId
from runbook.core.run import AttemptState, Mark, OutputState, Phase, Registered, Run, StepPhase, StepState, Stop

V = TypeVar("V")


def without(table: Map[str, V], key: str) -> Map[str, V]:
    """The map without a key, whether or not it was there."""
    return table.delete(key) if key in table else table


def set_step(run: Run, state: StepState) -> Run:
    """The run with one step's state replaced."""
    return replace(run, steps=run.steps.set(state.id, state))


def close_gates(run: Run, step: StepId, at: float) -> Run:
    """Close whatever a step still asks."""
    closing = [gate for gate in run.open_gates if run.gates[gate].opened.step == step]
    if not closing:
        return run
    gates = run.gates
    for name in closing:
        gates = gates.set(name, replace(gates[name], closed_at=at))
    return replace(run, gates=gates, open_gates=tuple(gate for gate in run.open_gates if gate not in closing))


def step_entered(run: Run, event: StepEntered, at: float) -> Run:
    """A new visit begins; what earlier visits did to hosts is kept."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    numbers = {host: attempt.number for host, attempt in state.attempts.items()}
    entered = StepState(
        planned=state.planned,
        phase=StepPhase.ENTERED,
        visit=state.visit + 1,
        entered_at=at,
        hosts=event.hosts,
        left_out=event.left_out,
        wave_ends=_wave_ends(state.planned, event.hosts),
        attempts=state.attempts,
        numbers_before=Map(numbers),
        touched=state.touched,
        rendered=event.rendered,
        digest=event.digest,
        wait=event.wait,
    )
    return replace(set_step(run, entered), entered=(*run.entered, event.step))


def _wave_ends(planned: PlannedStep, hosts: tuple[str, ...]) -> tuple[int, ...]:
    """Where each planned wave ends among the hosts that are left; waves that lost all their hosts vanish."""
    taking_part = frozenset(hosts)
    ends: list[int] = []
    start = present = 0
    for end in accumulate(planned.waves or (len(planned.hosts),)):
        present += sum(host in taking_part for host in planned.hosts[start:end])
        start = end
        if present > (ends[-1] if ends else 0):
            ends.append(present)
    return tuple(ends) if ends and ends[-1] == len(hosts) else (*ends, len(hosts))


def step_skipped(run: Run, event: StepSkipped, at: float) -> Run:
    """A step is over without having been entered."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    return set_step(run, _ended(state, Outcome.SKIPPED, event.reason, at))


def _ended(state: StepState, outcome: Outcome, detail: str, at: float) -> StepState:
    return replace(state, phase=StepPhase.ENDED, outcome=outcome, detail=detail, ended_at=at, resolution=None)


def attempt_started(run: Run, event: AttemptStarted, at: float) -> Run:
    """One more host is in flight."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    index = state.next_host
    if index < len(state.hosts) and state.hosts[index] == event.host:
        index += 1
    attempt = AttemptState(number=event.number, started_at=at, job=event.job, digest=event.digest)
    return set_step(
        run,
        replace(
            state,
            next_host=index,
            running=state.running.set(event.host, event.number),
            retrying=without(state.retrying, event.host),
            attempts=state.attempts.set(event.host, attempt),
            touched=state.touched.set(event.host, True),
        ),
    )


def attempt_graded(run: Run, event: AttemptGraded, _at: float) -> Run:
    """The host told how durable the attempt is."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number:
        return run
    return set_step(run, replace(state, attempts=state.attempts.set(event.host, replace(attempt, grade=event.grade))))


def output_arrived(run: Run, event: OutputArrived, _at: float) -> Run:
    """A host's output grew, and with it what is on record of the attempt that wrote it."""
    known = OutputState(file=event.file, length=event.offset + event.length)
    run = replace(run, outputs=run.outputs.set(event.host, known))
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number:
        return run
    grown = (
        replace(attempt, recorded_out=attempt.recorded_out + event.length)
        if event.stream == "out"
        else replace(attempt, recorded_err=attempt.recorded_err + event.length)
    )
    return set_step(run, replace(state, attempts=state.attempts.set(event.host, grown)))


def attempt_ended(run: Run, event: AttemptEnded, at: float) -> Run:
    """A host is settled, or waits for its next attempt."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number or attempt.outcome is not None:
        return run
    done = replace(attempt, ended_at=at, outcome=event.outcome, detail=event.detail, result=event.result)
    state = replace(
        state,
        running=without(state.running, event.host),
        attempts=state.attempts.set(event.host, done),
        touched=state.touched if event.outcome.may_have_run else _untouched(state, event),
    )
    pause = _pause_before_retry(state, event)
    if pause is None:
        state = replace(
            state,
            settled=state.settled.set(event.host, event.outcome),
            errors=state.errors + event.outcome.is_error,
        )
    else:
        state = replace(state, retrying=state.retrying.set(event.host, at + pause))
    run = set_step(run, state)
    run = register(run, state.planned.register, event.host, event.result)
    return _mark_good_since(run, state.planned, event)


def _untouched(state: StepState, event: AttemptEnded) -> Map[str, bool]:
    """A host whose only attempt was never sent was not changed."""
    return without(state.touched, event.host) if event.number == 1 else state.touched


def _pause_before_retry(state: StepState, event: AttemptEnded) -> float | None:
    """Seconds until the host's next attempt; None when there is none."""
    tries = event.number - state.numbers_before.get(event.host, 0)
    allowed = state.planned.retries
    match event.outcome:
        case Outcome.IN_DOUBT:
            # Repeating what may have happened is the author's decision; then once more is the least that helps.
            allowed = max(allowed, 1) if state.planned.idempotent else 0
        case Outcome.FAILED | Outcome.TIMED_OUT | Outcome.UNREACHABLE:
            pass
        case _:
            return None
    if tries > allowed:
        return None
    return state.planned.delay * state.planned.backoff ** (tries - 1)


def register(run: Run, name: str, host: str, result: Result) -> Run:
    """Keep a result under the name that the step registers."""
    if not name:
        return run
    known = run.values.get(name, Registered())
    return replace(run, values=run.values.set(name, Registered(by_host=known.by_host.set(host, result))))


def _mark_good_since(run: Run, planned: PlannedStep, event: AttemptEnded) -> Run:
    """A `wait_for` restores the service at the first sample of the stretch that held, not when the hold was over."""
    if planned.sets is None or event.good_since is None or event.outcome is not Outcome.SUCCEEDED:
        return run
    mark = Mark(at=event.good_since, source=planned.id)
    return replace(run, milestones=run.milestones.set(planned.sets, mark))


def step_ended(run: Run, event: StepEnded, at: float) -> Run:
    """A step is over; its milestone is marked unless a better moment is known."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = set_step(run, _ended(state, event.outcome, event.detail, at))
    run = close_gates(run, event.step, at)
    sets = state.planned.sets
    marked = run.milestones.get(sets) if sets else None
    if sets is None or event.outcome is not Outcome.SUCCEEDED or (marked and marked.source == event.step):
        return run
    return replace(run, milestones=run.milestones.set(sets, Mark(at=at, source=event.step)))


def failure_resolved(run: Run, event: FailureResolved, at: float) -> Run:
    """What follows a failure: again, on, back, or out."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = close_gates(run, event.step, at)
    match event.choice:
        case "retry" | "retry_failed":
            run = _reopen_children(run, state.planned)
            return set_step(run, _again(state, at, only_failed=event.choice == "retry_failed"))
        case "goto":
            return _jump(set_step(run, replace(state, resolution=event)), event.step, event.goto, at)
        case "rollback" | "abort":
            run = set_step(run, replace(state, resolution=event))
            if run.phase is not Phase.FORWARD:
                return run
            reason = event.reason or f"step {event.step} {state.planned.name}: {state.detail}"
            return replace(
                run,
                stop=Stop(undo=event.choice == "rollback", halted=False, reason=reason, by=event.by),
            )
        case _:
            return set_step(run, replace(state, resolution=event))


def _reopen_children(run: Run, planned: PlannedStep) -> Run:
    """A block that is tried again begins with its first step."""
    for child in (*planned.steps, *planned.rescue, *planned.always):
        state = run.steps[child.id]
        run = _reopen_children(set_step(run, _ahead_again(state)), child)
    return run


def _ahead_again(state: StepState) -> StepState:
    return replace(state, phase=StepPhase.AHEAD, outcome=None, resolution=None, let_through=False)


def _again(state: StepState, at: float, *, only_failed: bool) -> StepState:
    """The step open once more, for all its hosts or for those that it did not succeed on."""
    failed = tuple(host for host in state.hosts if state.settled.get(host) is not Outcome.SUCCEEDED)
    hosts = failed if only_failed and failed else state.hosts
    return StepState(
        planned=state.planned,
        phase=StepPhase.ENTERED if hosts else StepPhase.AHEAD,
        visit=state.visit + 1,
        entered_at=state.entered_at if state.entered_at is not None else at,
        hosts=hosts,
        left_out=state.left_out,
        wave_ends=(len(hosts),),
        attempts=state.attempts,
        numbers_before=Map({host: attempt.number for host, attempt in state.attempts.items()}),
        touched=state.touched,
        rendered=state.rendered,
        digest=state.digest,
        let_through=state.let_through,
    )


def jumped(run: Run, event: Jumped, at: float) -> Run:
    """The run goes on elsewhere."""
    return _jump(run, event.source, event.target, at)


def _jump(run: Run, source: StepId, target: StepId, at: float) -> Run:
    """Forwards: steps between are skipped. Backwards: the target and all behind it are ahead again."""
    here, there = run.order.get(source), run.order.get(target)
    if here is None or there is None:
        return run
    steps = run.steps.mutate()
    for step, position in run.order.items():
        state = run.steps[step]
        if here < position < there and state.phase is StepPhase.AHEAD and not _holds(state.planned, target):
            steps[step] = _ended(state, Outcome.SKIPPED, f"jumped over from step {source}", at)
        elif there <= position <= here and state.phase is StepPhase.ENDED:
            steps[step] = _ahead_again(state)
    return replace(run, steps=steps.finish())


def _holds(planned: PlannedStep, step: StepId) -> bool:
    return step.startswith(f"{planned.id}.")
