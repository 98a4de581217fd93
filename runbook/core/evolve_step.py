"""Folding what happens to steps: entering, attempts, ending, jumping. The larger half of `evolve`, and as silent.

Apart from `evolve` only so that each half can be read in one sitting. Each arm takes the run, the event and the time,
and gives the run after it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TypeVar, assert_never

from immutables import Map
from msgspec.structs import replace

from runbook.core.event import (
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    FailureResolved,
    Jumped,
    OutputArrived,
    StepEnded,
    StepEntered,
    StepSkipped,
)
from runbook.core.outcome import Outcome
from runbook.core.plan import PlannedStep, StepId
from runbook.core.result import Result
from runbook.core.run import AttemptState, Mark, OutputState, Phase, Registered, Run, StepPhase, StepState, Stop

V = TypeVar("V")

StepEvent = (
    StepEntered
    | StepSkipped
    | AttemptStarted
    | AttemptGraded
    | OutputArrived
    | AttemptEnded
    | StepEnded
    | FailureResolved
    | Jumped
)
"""What happens to one step."""

MAX_PAUSE = 86_400.0
"""Seconds that a growing pause between attempts stops at: a day, after which nobody waits for the next try."""


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


def close_all_gates(run: Run, at: float) -> Run:
    """Close whatever anybody is still asked."""
    for gate in run.open_gates:
        run = close_gates(run, run.gates[gate].opened.step, at)
    return run


def stop_run(run: Run, stop: Stop, at: float) -> Run:
    """The run no longer goes forward; nobody is asked any more about what it leaves."""
    return replace(close_all_gates(run, at), stop=stop, paused=False)


def evolve_step(run: Run, event: StepEvent, at: float) -> Run:
    """The run after something happened to one of its steps."""
    match event:
        case StepEntered():
            return _step_entered(run, event, at)
        case StepSkipped():
            return _step_skipped(run, event, at)
        case AttemptStarted():
            return _attempt_started(run, event, at)
        case AttemptGraded():
            return _attempt_graded(run, event)
        case OutputArrived():
            return _output_arrived(run, event)
        case AttemptEnded():
            return _attempt_ended(run, event, at)
        case StepEnded():
            return _step_ended(run, event, at)
        case FailureResolved():
            return _failure_resolved(run, event, at)
        case Jumped():
            return _jumped(run, event, at)
        case _:
            assert_never(event)


def _step_entered(run: Run, event: StepEntered, at: float) -> Run:
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


def _step_skipped(run: Run, event: StepSkipped, at: float) -> Run:
    """A step is over without having been entered."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    return set_step(run, _ended(state, Outcome.SKIPPED, event.reason, at))


def _ended(state: StepState, outcome: Outcome, detail: str, at: float) -> StepState:
    return replace(state, phase=StepPhase.ENDED, outcome=outcome, detail=detail, ended_at=at, resolution=None)


def _attempt_started(run: Run, event: AttemptStarted, at: float) -> Run:
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
        ),
    )


def _attempt_graded(run: Run, event: AttemptGraded) -> Run:
    """The host told how durable the attempt is."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number:
        return run
    return set_step(run, replace(state, attempts=state.attempts.set(event.host, replace(attempt, grade=event.grade))))


def _output_arrived(run: Run, event: OutputArrived) -> Run:
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


def _attempt_ended(run: Run, event: AttemptEnded, at: float) -> Run:
    """A host is settled, or waits for its next attempt."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number or attempt.outcome is not None:
        return run
    done = replace(
        attempt,
        ended_at=at,
        outcome=event.outcome,
        detail=event.detail,
        result=event.result,
        good_since=event.good_since,
    )
    state = replace(
        state,
        running=without(state.running, event.host),
        attempts=state.attempts.set(event.host, done),
        touched=state.touched.set(event.host, True) if event.outcome.may_have_run else state.touched,
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
    return register(run, state.planned.register, event.host, event.result)


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
    return None if tries > allowed else _pause(state.planned, tries)


def _pause(planned: PlannedStep, tries: int) -> float:
    """Seconds after so many tries: the delay, growing by the backoff, up to `MAX_PAUSE`."""
    try:
        grown = planned.delay * planned.backoff ** max(0, tries - 1)
    except OverflowError:
        return MAX_PAUSE
    return min(grown, MAX_PAUSE)


def register(run: Run, name: str, host: str, result: Result) -> Run:
    """Keep a result under the name that the step registers."""
    if not name:
        return run
    known = run.values.get(name, Registered())
    return replace(run, values=run.values.set(name, Registered(by_host=known.by_host.set(host, result))))


def _step_ended(run: Run, event: StepEnded, at: float) -> Run:
    """A step is over; its milestone is marked unless a better moment is known."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = set_step(run, _ended(state, event.outcome, event.detail, at))
    run = close_gates(run, event.step, at)
    return _mark_end(run, state, at) if event.outcome is Outcome.SUCCEEDED else run


def _mark_end(run: Run, state: StepState, at: float) -> Run:
    """Mark its milestone: now, or where the step has seen it come, at the first good sample of the stretch that held.

    Of several hosts the slowest counts. A later visit marks it again.
    """
    if state.planned.sets is None:
        return run
    newest = (each for host, each in state.attempts.items() if each.number > state.numbers_before.get(host, 0))
    seen = [attempt.good_since for attempt in newest if attempt.good_since is not None]
    mark = Mark(at=max(seen, default=at), source=state.id)
    return replace(run, milestones=run.milestones.set(state.planned.sets, mark))


def _failure_resolved(run: Run, event: FailureResolved, at: float) -> Run:
    """What follows a failure: again, on, back, or out."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = close_gates(run, event.step, at)
    match event.choice:
        case "retry" | "retry_failed":
            run = _reopen_children(run, state.planned)
            return set_step(run, _again(run, state, at, only_failed=event.choice == "retry_failed"))
        case "goto":
            return _jump(set_step(run, replace(state, resolution=event)), event.step, event.goto, at)
        case "rollback" | "abort":
            return _stopped(set_step(run, replace(state, resolution=event)), state, event, at)
        case "accept":
            # Taken for done, so its milestone is marked as if it had said so itself.
            run = set_step(run, replace(state, resolution=event))
            return _mark_end(run, state, at if state.ended_at is None else state.ended_at)
        case _:
            return set_step(run, replace(state, resolution=event))


def _stopped(run: Run, state: StepState, event: FailureResolved, at: float) -> Run:
    """A failure ends the way forward, or the rollback that it happened in; closing steps always go on."""
    reason = event.reason or f"step {event.step} {state.planned.name}: {state.detail}"
    if run.phase is Phase.FORWARD:
        stop = Stop(undo=event.choice == "rollback", halted=False, reason=reason, by=event.by)
        return stop_run(run, run.stop or stop, at)
    if run.phase is Phase.ROLLBACK and run.stop is not None:
        return stop_run(run, replace(run.stop, undo=False), at)
    return run


def _reopen_children(run: Run, planned: PlannedStep) -> Run:
    """A block that is tried again begins with its first step."""
    for child in planned.children:
        state = run.steps[child.id]
        run = _reopen_children(set_step(run, _ahead_again(state)), child)
    return run


def _ahead_again(state: StepState) -> StepState:
    return replace(
        state, phase=StepPhase.AHEAD, outcome=None, resolution=None, let_through=False, has_jumped=False, given_up=""
    )


def _again(run: Run, state: StepState, at: float, *, only_failed: bool) -> StepState:
    """The step open once more, in its waves, for all its hosts or for those that it did not succeed on.

    What was excluded since stays out; a step that has no host left, or never had one, is entered anew.
    """
    left = tuple(host for host in state.hosts if host not in run.excluded)
    failed = tuple(host for host in left if state.settled.get(host) is not Outcome.SUCCEEDED)
    hosts = failed if only_failed else left
    if not hosts:
        return _ahead_again(state)
    return StepState(
        planned=state.planned,
        phase=StepPhase.ENTERED,
        visit=state.visit + 1,
        entered_at=state.entered_at if state.entered_at is not None else at,
        hosts=hosts,
        left_out=state.left_out,
        wave_ends=_wave_ends(state.planned, hosts),
        attempts=state.attempts,
        numbers_before=Map({host: attempt.number for host, attempt in state.attempts.items()}),
        touched=state.touched,
        rendered=state.rendered,
        digest=state.digest,
        let_through=state.let_through,
    )


def _jumped(run: Run, event: Jumped, at: float) -> Run:
    """The run goes on elsewhere."""
    state = run.steps.get(event.source)
    if state is None:
        return run
    return _jump(set_step(run, replace(state, has_jumped=True)), event.source, event.target, at)


def _jump(run: Run, source: StepId, target: StepId, at: float) -> Run:
    """Forwards: steps between are skipped. Backwards: the target and all behind it are ahead again.

    An undo is never skipped: its own step may have run. Nor is the `always` of a block that the jump leaves.
    """
    here, there = run.order.get(source), run.order.get(target)
    if here is None or there is None:
        return run
    left = tuple(f"{step}.always." for step in run.order if source.startswith(f"{step}."))
    steps = run.steps.mutate()
    for step, position in run.order.items():
        state = run.steps[step]
        if (
            here < position < there
            and state.phase is StepPhase.AHEAD
            and not (".undo." in step or step.startswith(left))
        ):
            steps[step] = _ended(state, Outcome.SKIPPED, f"jumped over from step {source}", at)
        elif there <= position <= here and state.phase is StepPhase.ENDED:
            steps[step] = _ahead_again(state)
    return replace(run, steps=steps.finish())
