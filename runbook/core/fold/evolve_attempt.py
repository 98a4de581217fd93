"""Folding what happens to attempts: one host in flight, its output, its end, and whether it is tried again.

The part of `evolve` that runs for every host of every step, and so the part whose cost must not grow with their number.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from runbook.core import still_running
from runbook.core.alteration import know_place, one_more_try, register, set_step, settle, without
from runbook.core.events.event import AttemptEnded, AttemptGraded, AttemptStarted, AttemptStated, OutputArrived
from runbook.core.gate import key_gate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import SetAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.result import Result
from runbook.core.run import AttemptState, OutputState, Run, StepState

AttemptEvent = AttemptStarted | AttemptGraded | AttemptStated | OutputArrived | AttemptEnded
"""What happens to one attempt."""

MAX_PAUSE = 86_400.0
"""Seconds that a growing pause between attempts stops at: a day, after which nobody waits for the next try."""


def evolve_attempt(run: Run, event: AttemptEvent, at: float) -> Run:
    """The run after something happened to one of its attempts."""
    match event:
        case AttemptStarted():
            return _attempt_started(run, event, at)
        case AttemptGraded():
            return _attempt_graded(run, event)
        case AttemptStated():
            return _attempt_stated(run, event)
        case OutputArrived():
            return _output_arrived(run, event)
        case AttemptEnded():
            return _attempt_ended(run, event, at)
        case _:
            assert_never(event)


def _attempt_started(run: Run, event: AttemptStarted, at: float) -> Run:
    """One more host is in flight."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    index = state.next_host
    if index < len(state.hosts) and state.hosts[index] == event.host:
        index += 1
    attempt = AttemptState(
        number=event.number,
        started_at=at,
        job=event.job,
        digest=event.digest,
        place=event.place,
        unsent=_unsent(state.attempts.get(event.host)),
        runner=run.runners,
    )
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


def _unsent(before: AttemptState | None) -> tuple[str, ...]:
    """What is on record as never sent up to here: were the record not the newest, one of these may have been."""
    return (*before.unsent, before.job) if before is not None and before.outcome is Outcome.UNREACHABLE else ()


def _attempt_graded(run: Run, event: AttemptGraded) -> Run:
    """The host told how durable the attempt is, and where it is kept."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number:
        return run
    # A later runner that finds it again says where it looks, and not where it was sent.
    place = event.place if attempt.runner == run.runners else attempt.place
    graded = replace(attempt, grade=event.grade, place=place)
    run = know_place(run, event.host, run.shown_on(state, event.host).around.user, event.place)
    return set_step(run, replace(state, attempts=state.attempts.set(event.host, graded)))


def _attempt_stated(run: Run, event: AttemptStated) -> Run:
    """Its kind put a fact on record."""
    state = run.steps.get(event.step)
    attempt = state.attempts.get(event.host) if state else None
    if state is None or attempt is None or attempt.number != event.number:
        return run
    stated = replace(attempt, stated=(*attempt.stated, event.fact))
    return set_step(run, replace(state, attempts=state.attempts.set(event.host, stated)))


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
        is_over=event.is_over,
        survivors=event.survivors,
    )
    state = replace(
        state,
        running=without(state.running, event.host),
        attempts=state.attempts.set(event.host, done),
        touched=state.touched.set(event.host, True) if event.outcome.may_have_run else state.touched,
    )
    if _was_never_sent(run, attempt, event) or key_gate.was_accepted_since(run, attempt, event.changed_key):
        state = one_more_try(state, event.host, at)
    elif event.changed_key is not None and key_gate.may_be_asked_about(run, event.changed_key):
        state = replace(state, asking=state.asking.set(event.host, event.changed_key))
    else:
        state = _judged(state, event, at)
    run = still_running.noted(set_step(run, state), event.step, event.host, done)
    return _kept(run, state.planned, event)


def _kept(run: Run, planned: PlannedStep, event: AttemptEnded) -> Run:
    """The run with what the step gives names to."""
    run = register(run, planned.register, event.host, event.result)
    values = event.result.value
    if isinstance(planned.action, SetAction) and isinstance(values, dict):
        for name in planned.action.values:
            run = register(run, name, "", Result(value=values.get(name)))
    return run


def _judged(state: StepState, event: AttemptEnded, at: float) -> StepState:
    """The host is done, or is due again after a pause."""
    pause = _pause_before_retry(state, event)
    if pause is not None:
        return replace(state, retrying=state.retrying.set(event.host, at + pause))
    return settle(state, event.host, event.outcome)


def _was_never_sent(run: Run, attempt: AttemptState, event: AttemptEnded) -> bool:
    """A runner announced it and died, and a later one found proof on the host that it can never have started.

    Nobody decides anything by starting it now, so nobody is asked, and it costs none of the author's `retries`. Without
    that proof a later runner tells a doubt and not this. Each needs a runner that died, so they come to an end.
    """
    return event.outcome is Outcome.UNREACHABLE and attempt.runner < run.runners


def _pause_before_retry(state: StepState, event: AttemptEnded) -> float | None:
    """Seconds until the host's next attempt; None when there is none."""
    tries = state.tries(event.host)
    allowed = state.planned.retries
    match event.outcome:
        case Outcome.IN_DOUBT:
            # Repeating what may have happened is the author's decision; then once more is the least that helps. What
            # may still happen is not repeated beside itself.
            allowed = max(allowed, 1) if state.planned.idempotent and event.is_over else 0
        case Outcome.FAILED | Outcome.TIMED_OUT | Outcome.UNREACHABLE if not event.is_last:
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
