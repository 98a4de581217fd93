"""The hosts of one step as rows, and those rows folded: a hundred hosts that say the same are one line.

The gravest group comes first and hosts keep the order of the plan within it, so that a live list does not dance.
"""

from __future__ import annotations

import msgspec

from runbook.core.outcome import Grade
from runbook.core.planned.action import CONTROLLER
from runbook.core.planned.plan import Plan, StepId
from runbook.core.run import AttemptState, Run, StepPhase, StepState
from runbook.view.sanitize import safe
from runbook.view.words import Status, fold_hosts, status_of


class HostRow(msgspec.Struct, frozen=True, kw_only=True):
    """One host of one step at one moment."""

    host: str
    status: Status
    detail: str = ""
    """Safe to show, one line."""
    attempt: int = 0
    """Number of its newest try of this step; 0 before the first."""
    elapsed: float | None = None
    """Seconds of that try; None before it started."""
    rc: int | None = None
    grade: Grade | None = None
    """None until the host has told how durable its command is."""


class HostGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts with the same status for the same reason."""

    status: Status
    hosts: tuple[str, ...]
    folded: str
    """`db-[01-06]`; safe to show."""
    detail: str
    elapsed: float | None
    """Of the slowest of them."""


def host_names(plan: Plan) -> tuple[str, ...]:
    """The hosts of a plan; the machine that the runbook runs on is none of them, whatever it does on the way."""
    return tuple(host.name for host in plan.hosts if host.name != CONTROLLER)


def host_rows(run: Run, step: StepId, now: float) -> tuple[HostRow, ...]:
    """Every planned host of a step; none for a step that the plan does not have."""
    state = run.step(step)
    if state is None:
        return ()
    hosts = dict.fromkeys((*state.planned.hosts, *state.hosts))
    return tuple(_row(run, state, host, now) for host in hosts)


def fold_rows(rows: tuple[HostRow, ...]) -> tuple[HostGroup, ...]:
    """The rows by status and reason, the gravest first."""
    groups: dict[tuple[Status, str], list[HostRow]] = {}
    for row in rows:
        groups.setdefault((row.status, row.detail), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: item[0][0].gravity)
    return tuple(_group(status, detail, members) for (status, detail), members in ordered)


def _group(status: Status, detail: str, members: list[HostRow]) -> HostGroup:
    hosts = tuple(row.host for row in members)
    times = [row.elapsed for row in members if row.elapsed is not None]
    return HostGroup(
        status=status,
        hosts=hosts,
        folded=safe(fold_hosts(hosts)),
        detail=detail,
        elapsed=max(times, default=None),
    )


def _row(run: Run, state: StepState, host: str, now: float) -> HostRow:
    attempt = state.attempts.get(host)
    settled = state.settled.get(host)
    if host in state.left_out:
        return HostRow(host=host, status=Status.SKIPPED, detail=safe(state.left_out[host]))
    if attempt is None or not _is_of_this_visit(state, host):
        return HostRow(host=host, status=_before(state), detail=_absence(run, state, host))
    if settled is not None:
        return _tried(host, attempt, status_of(settled), safe(attempt.detail), now)
    if host in state.asking:
        return _tried(host, attempt, Status.WAITING, safe(f"key changed: {state.asking[host].shown}"), now)
    if host in state.retrying:
        return _tried(host, attempt, Status.QUEUED, safe(f"to be tried again: {attempt.detail}"), now)
    return _tried(host, attempt, Status.RUNNING, _flight(run, state, host), now)


def _is_of_this_visit(state: StepState, host: str) -> bool:
    return state.attempts[host].number > state.numbers_before.get(host, 0)


def _before(state: StepState) -> Status:
    return Status.QUEUED if state.phase is StepPhase.ENTERED else Status.PENDING


def _absence(run: Run, state: StepState, host: str) -> str:
    if host in run.excluded:
        return safe(f"excluded: {run.excluded[host]}")
    return "not started" if state.phase is StepPhase.ENDED and state.visit else ""


def _flight(run: Run, state: StepState, host: str) -> str:
    tries = state.tries(host)
    again = f"try {tries} of {state.planned.retries + 1}" if tries > 1 else ""
    lost = f"link lost: {run.lost[host]}" if host in run.lost else ""
    return safe(", ".join(part for part in (again, lost) if part))


def _tried(host: str, attempt: AttemptState, status: Status, detail: str, now: float) -> HostRow:
    end = now if attempt.ended_at is None else attempt.ended_at
    return HostRow(
        host=host,
        status=status,
        detail=detail,
        attempt=attempt.number,
        elapsed=max(0.0, end - attempt.started_at),
        rc=attempt.result.rc,
        grade=attempt.grade,
    )
