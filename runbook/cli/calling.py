"""Calling the runner of a live run, and saying plainly why nothing answers.

The run may have ended, its runner may have died, its gate may be answered, or there may never have been one. And
somebody else may sit where its runner should be, which is told before all of that unless the run has ended.
"""

from __future__ import annotations

import pwd
from datetime import datetime, timedelta

from runbook.cli.compose import workspace
from runbook.cli.others import found_elsewhere, refused_or
from runbook.core.fold.verdict import verdicts
from runbook.core.intent import Intent
from runbook.core.run import GateState, Run
from runbook.problem import Exit, Problem, Problems, SeveralMeant, problem
from runbook.record.store import CLOSED_TO_US, LAST
from runbook.report.facts import wall_label
from runbook.talk.door import NO_RUNNER, NOT_ITS_RUNNER, is_there
from runbook.talk.line import Line, reach
from runbook.talk.messages import Look
from runbook.view.reasons import brief
from runbook.view.story.telling import by
from runbook.view.words import duration
from runbook.workspace.local import LocalWorkspace


def found(run: str, recordings: str, *, via: str, operator: str = "") -> tuple[LocalWorkspace, str]:
    """The workspace and the run's id; a run of somebody else's is looked for among those that let us in.

    Raises:
        Problems: There is none, it is not open to us, or several people have one of that name.
    """
    place = workspace(via, recordings)
    try:
        return place, place.store.find(run).run
    except SeveralMeant:
        raise
    except Problems as unknown:
        if run != LAST and _is_called(place, run, operator):
            return place, run
        other = found_elsewhere(run, via=via, uid=_uid(operator))
        if other is None:
            raise Problems([refused_or(place.store, f"run {run}", unknown.problems[0])]) from unknown
        return place, other


async def call(place: LocalWorkspace, run: str, *, via: str, operator: str = "") -> Line:
    """A line to a live run; `operator` is whose it is, where its record is not ours to read.

    Raises:
        Problems: It is not live, or somebody else is where its runner should be.
    """
    try:
        return await reach(place.doorways(run, owner=_uid(operator)), via=via)
    except Problems as gone:
        if gone.problems[0].code not in {NO_RUNNER, NOT_ITS_RUNNER}:
            raise
        raise _not_live(place, run, gone.problems[0]) from gone


def options_for(recordings: str, operator: str) -> tuple[str, ...]:
    """What was needed to find the run, for commands that are to work when they are copied."""
    where = ("--recordings", recordings) if recordings else ()
    return (*where, *(("--operator", operator) if operator else ()))


async def send(place: LocalWorkspace, run: str, intent: Intent, *, via: str, operator: str = "") -> None:
    """Send one intent to a live run.

    Raises:
        Problems: The run is not live, or refuses.
    """
    line = await call(place, run, via=via, operator=operator)
    try:
        refused = await line.send(intent)
    finally:
        await line.close()
    if refused is not None:
        raise Problems([refused])


def _uid(operator: str) -> int | None:
    """The uid of a login name, or a number as it is; None for nobody in particular.

    Raises:
        Problems: This machine does not know the name.
    """
    if not operator or operator.isdecimal():
        return int(operator) if operator else None
    try:
        return pwd.getpwnam(operator).pw_uid
    except KeyError as unknown:
        fix = "Write a login name of this machine, or a uid."
        raise problem(f'there is no "{operator}" on this machine', fix=fix, code="unknown-person") from unknown


def _is_called(place: LocalWorkspace, run: str, operator: str) -> bool:
    """Somebody else's run has a socket; without one there is no sense in trying to call it."""
    for doorway in place.doorways(run, owner=_uid(operator)):
        try:
            if is_there(doorway):
                return True
        except Problems:
            return True
    return False


def _not_live(place: LocalWorkspace, run: str, unreached: Problem) -> Problems:
    try:
        stands = place.folded(run)
    except Problems as unread:
        if unreached.code != NOT_ITS_RUNNER and unread.problems[0].code == CLOSED_TO_US:
            return Problems([refused_or(place.store, f"run {run}", unread.problems[0])])
        return _interrupted(run, unreached)
    if not stands.has_ended:
        return _interrupted(run, unreached)
    return problem(
        f"run {run} has ended: {verdicts(stands).run}",
        why=f"it ended {_when(stands, stands.now)}, after {duration(stands.now)}: {brief(stands.ended)}",
        fix=f"Read it with: runbook replay {run}",
        code="run-ended",
        exit=Exit.REFUSED,
    )


def _when(run: Run, at: float) -> str:
    """A moment of a run with its day: it may be asked about weeks later. A label, as `time_label` is."""
    try:
        return wall_label((datetime.fromisoformat(run.started) + timedelta(seconds=at)).isoformat())
    except (ValueError, OverflowError):
        return "at a time that cannot be read"


def open_gate(place: LocalWorkspace, look: Look, gate: str) -> GateState:
    """The gate of that id, as it waits now.

    Raises:
        Problems: It is answered, misspelled, or none of this run.
    """
    state = next((one for one in look.gates if one.opened.gate == gate), None)
    if state is not None:
        return state
    open_now = [one.opened.gate for one in look.gates]
    # Ids are short and alike, so that only a gate of the same step is near enough to be what was meant.
    near = [known for known in open_now if known.partition("#")[0] == gate.partition("#")[0]]
    listed = f"Open now: {', '.join(open_now)}." if open_now else "None is open now."
    raise problem(
        f'gate "{gate}" does not wait in run {look.run}',
        why=_answered(place, look.run, gate),
        fix=f'Did you mean "{near[0]}"?' if near else f"{listed} Each is shown by: runbook approve {look.run}",
        code="unknown-gate",
        exit=Exit.REFUSED,
    )


def _answered(place: LocalWorkspace, run: str, gate: str) -> str:
    """What became of a gate that waits no more; empty where nobody knows, or the record is not ours to read."""
    try:
        stands = place.folded(run)
    except Problems:
        return ""
    state = stands.gates.get(gate)
    if state is None or not state.answers:
        return ""
    last = state.answers[-1]
    value = "" if last.given.value is None else f" {last.given.value}"
    return f"it was answered {_when(stands, last.at)}: {last.given.answer}{value}{by(last.given.by)}"


def _interrupted(run: str, unreached: Problem) -> Problems:
    if unreached.code == NOT_ITS_RUNNER:
        return Problems([unreached])
    return problem(
        f"run {run} is not live",
        why=unreached.why,
        fix=f"Continue it with: runbook resume {run}",
        code="not-live",
        exit=Exit.REFUSED,
    )
