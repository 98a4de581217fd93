"""Small alterations of a run that every half of `evolve` is made of.

They say *how* a run is changed in one respect and never *when*: that is the arms' business, in `evolve`, `evolve_step`
and `evolve_attempt`.
"""

from __future__ import annotations

from typing import TypeVar

from immutables import Map
from msgspec.structs import replace

from runbook.core.outcome import Outcome
from runbook.core.planned.plan import StepId
from runbook.core.result import Result
from runbook.core.run import KnownPlace, Registered, Run, StepState, Stop

V = TypeVar("V")


def without(table: Map[str, V], key: str) -> Map[str, V]:
    """The map without a key, whether or not it was there."""
    return table.delete(key) if key in table else table


def set_step(run: Run, state: StepState) -> Run:
    """The run with one step's state replaced."""
    return replace(run, steps=run.steps.set(state.id, state))


def close_gates(run: Run, step: StepId, at: float) -> Run:
    """Close whatever a step still asks."""
    return close_gate(run, *(gate for gate in run.open_gates if run.gates[gate].opened.step == step), at=at)


def close_gate(run: Run, *closing: str, at: float) -> Run:
    """Close these gates."""
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


def register(run: Run, name: str, host: str, result: Result) -> Run:
    """Keep a result under the name that the step registers."""
    if not name:
        return run
    known = run.values.get(name, Registered())
    return replace(run, values=run.values.set(name, Registered(by_host=known.by_host.set(host, result))))


def know_place(run: Run, host: str, user: str, word: str) -> Run:
    """The run once somebody has seen where a host keeps jobs; what an earlier runner has seen is not overwritten."""
    known = run.places.get((host, user))
    if not word or (known is not None and known.runner != run.runners):
        return run
    return replace(run, places=run.places.set((host, user), KnownPlace(word=word, runner=run.runners)))


def weigh(run: Run, state: StepState) -> Run:
    """The run once a person has decided about what is in doubt: wherever jobs are kept there now, is taken.

    Where the record may lack lines the decision is about this step alone: what else they told of is not known either.
    """
    doubtful = {host for host, outcome in state.settled.items() if outcome is Outcome.IN_DOUBT}
    if not doubtful:
        return run
    weighed = state.weighed.update(dict.fromkeys(doubtful, run.runners))
    run = set_step(run, replace(state, weighed=weighed))
    if not run.is_whole:
        return run
    return replace(run, places=Map({key: place for key, place in run.places.items() if key[0] not in doubtful}))


def settle(state: StepState, host: str, outcome: Outcome) -> StepState:
    """The step with one host done for this visit."""
    return replace(state, settled=state.settled.set(host, outcome), errors=state.errors + outcome.is_error)


def one_more_try(state: StepState, host: str, at: float) -> StepState:
    """The host is due again at once, and what was tried until now costs nothing."""
    free = state.free_tries.set(host, state.free_tries.get(host, 0) + 1)
    return replace(state, free_tries=free, retrying=state.retrying.set(host, at))
