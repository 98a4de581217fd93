"""What a run does about a changed host key: when somebody is asked, what is asked, and what the answer changes.

One file for the whole way of that question through `evolve_attempt`, `fanout`, `decide` and `evolve`. The rule that
keeps it from going in circles: a key is tried again only by attempts that were begun before it was accepted, so a
machine that is refused although its key was accepted is simply unreachable.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import Actor
from runbook.core.alteration import close_gate, one_more_try, set_step, settle, without
from runbook.core.effect import Conclude, Effect, WakeAt
from runbook.core.events.event import GateOpened, HostKeyAccepted
from runbook.core.gate.gates import gate_id, words
from runbook.core.host_key import AcceptedKey, ChangedKey
from runbook.core.outcome import Outcome
from runbook.core.run import AttemptState, GateState, Phase, Run, StepState

_FOREVER = float("inf")


def is_accepted(run: Run, changed: ChangedKey) -> bool:
    """True when somebody vouched for the very key that is shown."""
    accepted = run.accepted_keys.get(changed.machine)
    return accepted is not None and accepted.key == changed.shown


def was_accepted_since(run: Run, attempt: AttemptState, changed: ChangedKey | None) -> bool:
    """True when the key was accepted while this attempt was on its way to it."""
    if changed is None or not is_accepted(run, changed):
        return False
    return run.accepted_keys[changed.machine].at > attempt.started_at


def may_be_asked_about(run: Run, changed: ChangedKey) -> bool:
    """True where the place allows it and a person is there. Closing steps never ask."""
    asks = run.plan.environment.asks_about_changed_keys and run.attended and run.phase is not Phase.ALWAYS
    return asks and not is_accepted(run, changed)


def questions(run: Run, state: StepState) -> tuple[Effect, ...]:
    """The gates that a step still has to open about its hosts, one at a time; else the waiting for their answers."""
    if not state.asking:
        return ()
    asked = {gate.opened.changed_key for gate in _open(run) if gate.opened.step == state.id}
    for _, changed in sorted(state.asking.items()):
        if changed not in asked:
            return (Conclude(_opening(run, state, changed)),)
    return (WakeAt(_FOREVER),)


def _opening(run: Run, state: StepState, changed: ChangedKey) -> GateOpened:
    return GateOpened(
        gate=gate_id(run, state),
        step=state.id,
        kind="host_key",
        message=changed.question,
        word=changed.machine,
        choices=words("host_key"),
        digest=changed.digest,
        changed_key=changed,
    )


def granted(gate: GateState, by: Actor) -> tuple[HostKeyAccepted, ...]:
    """What an accepting answer means; nothing for a gate about something else."""
    changed = gate.opened.changed_key
    return (HostKeyAccepted(changed=changed, by=by, step=gate.opened.step),) if changed is not None else ()


def accepted(run: Run, event: HostKeyAccepted, at: float) -> Run:
    """The run that may talk to that machine; whoever waited for the answer, in any step, is tried again."""
    machine, key = event.changed.machine, event.changed.shown
    run = msgspec.structs.replace(run, accepted_keys=run.accepted_keys.set(machine, AcceptedKey(key, at)))
    closing = [gate.opened.gate for gate in _open(run) if _is_about(gate.opened.changed_key, event.changed)]
    run = close_gate(run, *closing, at=at)
    for state in [state for state in run.steps.values() if state.asking]:
        run = set_step(run, _tried_again(state, event.changed, at))
    return run


def _tried_again(state: StepState, accepted: ChangedKey, at: float) -> StepState:
    for host, changed in state.asking.items():
        if _is_about(changed, accepted):
            state = one_more_try(_no_longer_asking(state, host), host, at)
    return state


def refused(run: Run, gate: GateState, at: float) -> Run:
    """The run after somebody would not believe it: the step's hosts behind that key cannot be reached."""
    run = close_gate(run, gate.opened.gate, at=at)
    state = run.steps[gate.opened.step]
    for host, changed in state.asking.items():
        if changed == gate.opened.changed_key:
            state = settle(_no_longer_asking(state, host), host, Outcome.UNREACHABLE)
    return set_step(run, state)


def _no_longer_asking(state: StepState, host: str) -> StepState:
    return msgspec.structs.replace(state, asking=without(state.asking, host))


def _open(run: Run) -> tuple[GateState, ...]:
    return tuple(run.gates[gate] for gate in run.open_gates)


def _is_about(changed: ChangedKey | None, other: ChangedKey) -> bool:
    return changed is not None and (changed.machine, changed.shown) == (other.machine, other.shown)
