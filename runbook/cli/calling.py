"""Calling the runner of a live run, and saying plainly why nothing answers.

The run may have ended, its runner may have died, its gate may be answered, or there may never have been one. A killed
runner leaves its socket's file behind. It is taken away where it is certain that nobody listens: the call was refused,
and the kernel's list of sockets does not have the name. Refused alone would not do, because a runner that starts has
its name before it listens.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from runbook.cli.compose import workspace
from runbook.core.intent import Intent
from runbook.core.run import GateState, Run
from runbook.core.verdict import verdicts
from runbook.feed.live import Line
from runbook.problem import Exit, Problems, problem
from runbook.report.facts import wall_label
from runbook.talk.door import find_socket
from runbook.talk.messages import Look
from runbook.view.reasons import brief
from runbook.view.telling import by
from runbook.view.words import duration
from runbook.workspace.local import LocalWorkspace

SOCKETS = Path("/proc/net/unix")
"""The kernel's list, on Linux: one line a socket, the name it was bound to last (proc_net(5))."""


def found(run: str, recordings: str, *, via: str) -> tuple[LocalWorkspace, str]:
    """The workspace and the run's id; a run that we may not look up is taken by its whole id, as its socket is.

    Raises:
        Problems: `last` of nothing.
    """
    place = workspace(via, recordings)
    try:
        return place, place.library.find(run).name
    except Problems:
        if run == "last" or not _is_called(run):
            raise
        return place, run


async def call(place: LocalWorkspace, run: str, *, via: str) -> Line:
    """A line to a live run.

    Raises:
        Problems: It is not live.
    """
    socket = find_socket(run)
    if socket is None:
        raise _not_live(place, run, "no runner listens for it")
    try:
        return await Line.open(socket, via=via)
    except Problems as gone:
        if not isinstance(gone.__cause__, ConnectionRefusedError | FileNotFoundError):
            raise
        clear(socket)
        # The socket's path would tell the operator nothing.
        raise _not_live(place, run, "its runner is gone") from gone


async def send(place: LocalWorkspace, run: str, intent: Intent, *, via: str) -> None:
    """Send one intent to a live run.

    Raises:
        Problems: The run is not live, or refuses.
    """
    line = await call(place, run, via=via)
    try:
        refused = await line.send(intent)
    finally:
        await line.close()
    if refused is not None:
        raise Problems([refused])


def clear(socket: Path) -> None:
    """Take the file of a socket away that nobody holds; leave it where that is not certain."""
    try:
        names = [line.split(maxsplit=7)[7:] for line in SOCKETS.read_text(encoding="utf-8").splitlines()]
        # By its last part, which names the run: the folder may have been reached on another way.
        if not any(Path(name).name == socket.name for rest in names for name in rest):
            socket.unlink(missing_ok=True)
    except OSError:
        return


def _is_called(run: str) -> bool:
    """Somebody else's run has a socket; without one there is no sense in trying to call it."""
    return find_socket(run) is not None


def _not_live(place: LocalWorkspace, run: str, why: str) -> Problems:
    try:
        stands = place.folded(run)
    except Problems:
        return _interrupted(run, why)
    if not stands.has_ended:
        return _interrupted(run, why)
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


def _interrupted(run: str, why: str) -> Problems:
    return problem(
        f"run {run} is not live",
        why=why,
        fix=f"Continue it with: runbook resume {run}",
        code="not-live",
        exit=Exit.REFUSED,
    )
