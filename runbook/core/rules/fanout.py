"""One step over many hosts: which attempts should be in flight, when the step is over, and how it ended.

Pure questions about a `StepState`. The one rule of thresholds: no host is started once failed plus unreachable exceed
`max_errors`, counted over the whole target set; what is already in flight is waited for, never abandoned.
"""

from __future__ import annotations

from runbook.core.effect import Attempt, Conclude, Effect, WakeAt
from runbook.core.events.event import HostExcluded, StepEnded
from runbook.core.gate import key_gate
from runbook.core.outcome import Outcome
from runbook.core.planned.undo import ran_on
from runbook.core.run import Run, StepState
from runbook.core.still_running import held_hosts, said

MAX_CONCURRENCY = 100
"""Hosts at once when a step does not say; above this two cores gain nothing and bastions begin to refuse."""

_GRAVEST = (Outcome.IN_DOUBT, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.CANCELLED)
"""What a step over several hosts is called: the worst thing to be told late comes first."""


def work(run: Run, state: StepState, now: float) -> tuple[Effect, ...]:
    """Attempts that should be in flight, or the step's end when there are none left to make."""
    # Sorted, because a persistent map has an order of its own in every process.
    flying = [Attempt(state.id, host, number) for host, number in sorted(state.running.items())]
    if state.errors > state.planned.max_errors:
        return tuple(flying) or (Conclude(_end(state)),)
    room = (state.planned.concurrency or MAX_CONCURRENCY) - len(flying)
    retries, waking = _retries(state, now, room)
    fresh = _fresh(state, room - len(retries))
    effects: tuple[Effect, ...] = (*flying, *retries, *fresh, *waking, *key_gate.questions(run, state))
    return effects or (*_exclusions(run, state), Conclude(_whole_end(run, state)))


def _retries(state: StepState, now: float, room: int) -> tuple[list[Attempt], list[WakeAt]]:
    """Hosts whose pause is over, and one waking for the earliest of those whose pause is not."""
    if not state.retrying:
        return [], []
    ripe = [host for _, host in sorted((at, host) for host, at in state.retrying.items() if at <= now)]
    later = [at for at in state.retrying.values() if at > now]
    attempts = [Attempt(state.id, host, _next_number(state, host)) for host in ripe[: max(0, room)]]
    return attempts, [WakeAt(min(later))] if later else []


def _fresh(state: StepState, room: int) -> list[Attempt]:
    """The next hosts that have not been started, as far as the wave and the concurrency allow."""
    end = _open_until(state)
    hosts = state.hosts[state.next_host : min(end, state.next_host + max(0, room))]
    return [Attempt(state.id, host, _next_number(state, host)) for host in hosts]


def _open_until(state: StepState) -> int:
    """Index behind the last host that may start: a wave opens when all before it are settled."""
    for end in state.wave_ends:
        if len(state.settled) < end:
            return end
    return len(state.hosts)


def _next_number(state: StepState, host: str) -> int:
    attempt = state.attempts.get(host)
    return attempt.number + 1 if attempt else 1


def _whole_end(run: Run, state: StepState) -> StepEnded:
    """A step that was left undone on hosts where nobody could say whether it may be done is not simply done."""
    end, held = _end(state), held_hosts(run, state, left_out=True)
    if run.attended or not held or end.outcome is not Outcome.SUCCEEDED:
        return end
    return StepEnded(step=state.id, outcome=Outcome.IN_DOUBT, detail=f"done on the others, and not on {said(held)}")


def _end(state: StepState) -> StepEnded:
    outcomes = state.settled.values()
    total = len(state.hosts)
    if state.errors <= state.planned.max_errors:
        tolerated = f"{state.errors} of {total} hosts failed, tolerated" if state.errors else ""
        return StepEnded(step=state.id, outcome=Outcome.SUCCEEDED, detail=tolerated)
    outcome = next(grave for grave in _GRAVEST if grave in set(outcomes))
    return StepEnded(step=state.id, outcome=outcome, detail=_explain(state, total))


def _explain(state: StepState, total: int) -> str:
    bad = sorted(host for host, outcome in state.settled.items() if outcome.is_error)
    first = state.attempts[bad[0]].detail
    if total == 1:
        return first
    untouched = total - len(state.settled)
    ahead = f", {untouched} not started" if untouched else ""
    return f"{len(bad)} of {total} hosts{ahead}; {bad[0]}: {first}"


def cut_short(state: StepState, reason: str) -> StepEnded:
    """How a step ends that nobody wants any more and that has nothing in flight.

    What was done is not called cancelled, and a doubt is not called anything else.
    """
    if state.hosts and len(state.settled) == len(state.hosts) and state.errors <= state.planned.max_errors:
        return _end(state)
    if Outcome.IN_DOUBT in state.settled.values():
        return StepEnded(step=state.id, outcome=Outcome.IN_DOUBT, detail=_explain(state, len(state.hosts)))
    return StepEnded(step=state.id, outcome=Outcome.CANCELLED, detail=reason)


def _exclusions(run: Run, state: StepState) -> tuple[Conclude, ...]:
    """Hosts that failed within tolerance take no further part, as with Ansible: later steps must not build on them.

    They are excluded just before their step ends, so that no later look at the run has to ask about it again.
    """
    if not state.errors:
        return ()
    failed = [host for host, outcome in state.settled.items() if outcome.is_error and host not in run.excluded]
    reason = f"failed in step {state.id} {state.planned.name}"
    return tuple(Conclude(HostExcluded(host=host, reason=reason)) for host in sorted(failed))


def targets(run: Run, state: StepState) -> dict[str, str]:
    """Every planned host of a step, with the reason why it is left out now; an empty reason means it takes part.

    Of its step's hosts an undo goes to those where that may have run, also when they were excluded since: they were
    changed. Hosts of its own are its author's wish, unless they were excluded.
    """
    ran = ran_on(run, state.planned.undoes)
    held = {} if run.attended else held_hosts(run, state)
    out = {host: _left_out(run, host, ran=ran.get(host)) for host in state.planned.hosts}
    return {host: why or held.get(host, "") for host, why in out.items()}


def _left_out(run: Run, host: str, *, ran: bool | None) -> str:
    """Why a host takes no part; `ran` is whether the step that is undone ran there, None where it was not meant to."""
    if ran is not None:
        return "" if ran else "the step never ran here"
    return f"excluded: {run.excluded[host]}" if host in run.excluded else ""
