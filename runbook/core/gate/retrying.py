"""Whom a retry would reach: the hosts that failed, and those on which it has succeeded and would be done again.

Apart from the fold, which does it, because it is to be shown before it is chosen: somebody who wants four hosts again
must not find out afterwards that it was forty. Nothing here decides what is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER
from runbook.core.run import Run, StepState


def failing(run: Run, state: StepState) -> tuple[str, ...]:
    """Hosts on which a failed step, or what stands inside it, went wrong and that still take part."""
    return _those(run, state, lambda outcome: outcome.is_error)


def well(run: Run, state: StepState) -> tuple[str, ...]:
    """Hosts on which it succeeded and that a retry of the whole step would reach again."""
    wrong = frozenset(failing(run, state))
    return tuple(host for host in _those(run, state, lambda outcome: outcome is Outcome.SUCCEEDED) if host not in wrong)


def unreached(run: Run, state: StepState) -> tuple[str, ...]:
    """Hosts of this visit that were never begun, because too many before them failed."""
    return tuple(host for host in state.hosts if host not in state.settled and _takes_part(run, host))


def works(run: Run, state: StepState) -> Iterator[StepState]:
    """What does the work of a step and has been begun: itself, or all that stands inside it; its undo is none of it."""
    if not state.planned.children and state.visit:
        yield state
    for child in state.planned.children:
        yield from works(run, run.steps[child.id])


def ended_on(state: StepState) -> dict[str, Outcome]:
    """How a step stands on each of its hosts, those included that an earlier try of it has done with."""
    ends = {host: attempt.outcome for host, attempt in state.attempts.items()}
    newest = {host: state.settled.get(host, ends.get(host)) for host in state.planned.hosts}
    return {host: end for host, end in newest.items() if end is not None}


def _those(run: Run, state: StepState, fits: Callable[[Outcome], bool]) -> tuple[str, ...]:
    found = dict.fromkeys(host for one in works(run, state) for host, end in _reached(one).items() if fits(end))
    return tuple(host for host in found if _takes_part(run, host))


def _reached(state: StepState) -> dict[str, Outcome]:
    """What waited for a value is entered anew, on all of its hosts; else a retry goes to those of its last visit."""
    ends = ended_on(state)
    return ends if state.planned.waits else {host: end for host, end in ends.items() if host in state.hosts}


def _takes_part(run: Run, host: str) -> bool:
    return host != CONTROLLER and host not in run.excluded
