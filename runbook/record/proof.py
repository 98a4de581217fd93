"""What a run's record can prove about a schedule: the facts by which it is judged, and none of the judging.

Kept in the row of the run (`summary.py`), so that whoever asks what is due need not fold ten thousand records again.
Facts, not verdicts about schedules: whether a run fulfils one depends on the schedule as it is written today.
"""

from __future__ import annotations

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunOpened
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.fold.verdict import verdicts
from runbook.core.host import Json
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan
from runbook.core.planned.role import Role
from runbook.core.run import Run, StepState


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as evidence."""

    environment: str
    inventory: str
    """The inventory as it was named."""
    service: str = ""
    has_ended: bool = False
    """Its last event is there, whether or not its runner has let go of the record already."""
    ended: str = ""
    """Wall time of the newest entry, ISO 8601 UTC."""
    limit: str = ""
    """The hosts that it was kept to; empty where to none."""
    follows: str = ""
    """`continues` or `rolls_back` where it is a part of another run."""
    parameters: dict[str, Json] = {}
    """Without secrets."""
    skipped: tuple[str, ...] = ()
    """Required steps that were not done."""
    overridden: tuple[str, ...] = ()
    """Rules of its environment that were overridden in it."""
    run: str = ""
    steady_state: str = ""
    objectives: str = ""
    revert: str = ""
    is_green: bool = False
    """Everything that was promised held."""
    rto: float | None = None
    rpo: float | None = None
    rpa: float | None = None
    """Seconds of data that were lost, by the widest reading; None where nobody measured it."""
    source_sha256: str = ""
    """Of the runbook's file."""
    files: dict[str, str] = {}
    """Of what it was made from: name in the record to SHA-256."""
    version: str = ""
    """Of the program that began it."""


def proof(run: Run, first: Entry, last: str) -> Proof:
    """The facts of a folded run; `first` is its first entry, `last` the wall time of its newest."""
    opened = first.event if isinstance(first.event, RunOpened) else None
    said, lost, plan = verdicts(run), recovery_point(run), run.plan
    return Proof(
        environment=plan.environment.name,
        inventory=plan.inventory,
        service=plan.service,
        has_ended=run.has_ended,
        ended=last,
        limit=plan.limit,
        follows=run.earlier.does if run.earlier else "",
        parameters={one.name: one.value for one in plan.parameters if not one.secret},
        skipped=_skipped(run, plan),
        overridden=tuple(dict.fromkeys(one.given.rule for one in run.overridden)),
        run=said.run,
        steady_state=said.steady_state,
        objectives=said.objectives,
        revert=said.revert,
        is_green=said.is_green,
        rto=plan.objectives.rto,
        rpo=plan.objectives.rpo,
        rpa=lost.seconds if lost else None,
        source_sha256=plan.source_sha256,
        files=opened.files if opened else {},
        version=opened.version if opened else "",
    )


def _skipped(run: Run, plan: Plan) -> tuple[str, ...]:
    return tuple(step.id for step in plan.walk() if step.required and not _is_done(run.steps[step.id]))


def _is_done(state: StepState) -> bool:
    """What its runbook itself leaves out, and what only a failure leads to, is nobody's omission."""
    return state.planned.role is not Role.FORWARD or state.outcome is Outcome.SUCCEEDED or state.skipped_as_written
