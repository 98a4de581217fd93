"""What may still run on a host although nobody hears of it, and what must not be done there without a person's word.

A doubt has two halves. Whether it happened is the one that is asked about in any case. Whether it still happens is the
other: an undo that runs beside the very command that it undoes makes a third state that nobody planned. So work that is
not known to have ended holds its host: where somebody is there they are asked before anything else is done on it, and
where nobody is, nothing more is. A rollback is held on every host: it takes back what later steps stand on, and what
may still run stands on all of it. Looks are let through, because they change nothing, and so are closing steps, which
come whatever has happened. A person who has decided about the step, or let the next one through, has decided this too.
"""

from __future__ import annotations

from immutables import Map
from msgspec.structs import replace

from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, CommandAction, FabricAction, HttpAction, ScriptAction, UploadAction
from runbook.core.planned.fault_action import FaultAction, RebootAction
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.role import Role
from runbook.core.run import AttemptState, Phase, Run, StepState

_ACTS = (CommandAction, ScriptAction, UploadAction, HttpAction, FabricAction, FaultAction, RebootAction)
"""What may change a host; every other kind of work only looks, or writes to our own side."""


def may_act(action: Action) -> bool:
    """True for what may change a host, or something else outside."""
    return isinstance(action, _ACTS) and not (isinstance(action, HttpAction) and action.is_look)


def may_still_run(attempt: AttemptState) -> bool:
    """True when nobody knows that nothing of it runs any more."""
    return bool(attempt.survivors) or (attempt.outcome is Outcome.IN_DOUBT and not attempt.is_over)


def noted(run: Run, step: StepId, host: str, attempt: AttemptState) -> Run:
    """The run after an attempt has ended."""
    return replace(run, unsettled=run.unsettled.set(host, step)) if may_still_run(attempt) else run


def decided(run: Run, planned: PlannedStep) -> Run:
    """The run after a person has decided about a step, whatever it was: what they knew of, they have weighed."""
    ids = {step.id for step in planned.walk()}
    held = {host: step for host, step in run.unsettled.items() if step not in ids}
    return run if len(held) == len(run.unsettled) else replace(run, unsettled=Map(held))


def let_through(run: Run, state: StepState) -> Run:
    """The run after a person has let a step through: on its own hosts, and beside what may still run on others."""
    held = Map({host: step for host, step in run.unsettled.items() if host not in state.hosts})
    return replace(run, unsettled=held, let_past=held if state.planned.role.takes_back else run.let_past)


def held_hosts(run: Run, state: StepState, *, left_out: bool = False) -> dict[str, str]:
    """Hosts of a step on which it must not be done without a person's word, with the reason.

    Of a step that has been entered its targets count, or with `left_out` the others.
    """
    if not run.unsettled or run.phase is Phase.ALWAYS or not may_act(state.planned.action):
        return {}
    if state.planned.role in {Role.ALWAYS, Role.CLOSING}:
        return {}
    hosts = state.left_out if left_out else state.hosts if state.is_live else state.planned.hosts
    elsewhere = _elsewhere(run) if state.planned.role.takes_back else ""
    held = {host: why for host in hosts if (why := _here(run, host) or elsewhere)}
    return {host: why for host, why in held.items() if not left_out or state.left_out[host] == why}


def _here(run: Run, host: str) -> str:
    """Why this host must be left alone; empty when it need not."""
    step = run.unsettled.get(host)
    return (
        f"{run.steps[step].planned.name} ({step}) may still run here, and nobody has decided about it" if step else ""
    )


def _elsewhere(run: Run) -> str:
    """Why a rollback must leave every host alone; empty when it need not."""
    host, step = min((one for one in run.unsettled.items() if run.let_past.get(one[0]) != one[1]), default=("", ""))
    if not host:
        return ""
    return f"{run.steps[step].planned.name} ({step}) may still run on {host}, and may need what is undone here"


def said(held: dict[str, str]) -> str:
    """One line for all of them."""
    host, why = next(iter(sorted(held.items())))
    more = f", and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{host}{more}: {why}"
