"""What a list of runs shows about one of them: what its report would say, in a row.

A row is folded from the whole record, so that a list vouches for no more than the report does: a record with a line
that is not what was written gets no verdict but `damaged`, and the problem. A torn last line is no damage here: a crash
leaves it, `resume` mends it, and the run shows as interrupted.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from runbook.core.fold.evolve import fold
from runbook.core.fold.recovery import recovery
from runbook.core.fold.verdict import verdicts
from runbook.core.planned.book_end import why_early
from runbook.core.run import Run
from runbook.problem import Problem, Problems
from runbook.record.beginning import begun
from runbook.record.files.reader import TORN
from runbook.record.form.reading import Reading
from runbook.record.proof import Proof, proof
from runbook.view.story.waiting import Waiting, waiting


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list of runs."""

    run: str
    """The name under which the store finds it."""
    runbook: str = ""
    """Empty, as all below, when nothing of the record can be believed."""
    kind: str = ""
    operator: str = ""
    started: str = ""
    """Wall time, ISO 8601 UTC."""
    verdict: str
    """`completed`, `completed with deviations`, `failed`, `aborted`, `interrupted`, `live`, `damaged`."""
    reason: str = ""
    """Why it did not go through all of its steps; empty where it did."""
    worst: str = ""
    """The word of the gravest verdict, which gives the row its colour."""
    rollback: str = ""
    """What became of the rollback; `none` where there was none."""
    earlier: str = ""
    """The ended run that it follows; empty for a run of its own."""
    objective: str = ""
    recovery: float | None = None
    """Seconds by the widest reading; by the narrowest where that is all that is known, and the next is true."""
    recovery_at_least: bool = False
    duration: float = 0.0
    """Seconds from the opening to the newest entry."""
    faults_live: int = 0
    """Faults that may be live, by this record."""
    live: bool = False
    """A runner holds the record now."""
    ended: bool = False
    """It ended and is sound: nothing of this row will ever change."""
    proof: Proof | None = None
    """What it proves about a schedule; None where nothing of the record can be believed."""
    environment: str = ""
    colour: str = ""
    """Of the environment."""
    promised: float | None = None
    """Seconds within which it was to recover; None without an objective."""
    waiting: Waiting = Waiting()
    """How far it is, and whom it waits for."""
    problem: Problem | None = None
    """Why it is damaged."""


def summarise(name: str, read: Callable[[], Reading], *, live: bool) -> RunSummary:
    """The row for the record of that name, folded; a record that cannot be read gives a row that says so."""
    try:
        reader = read()
        entries = reader.more()
        run = fold(begun(reader, entries), entries[1:])
    except Problems as wrong:
        return RunSummary(run=name, verdict="damaged", worst="damaged", live=live, problem=wrong.problems[0])
    row = replace(_row(name, run, live=live), proof=proof(run, entries[0], entries[-1].wall))
    if reader.damage is None or live:
        return row
    if reader.damage.code == TORN:
        return replace(row, ended=False)
    return replace(row, verdict="damaged", worst="damaged", problem=reader.damage, ended=False)


def _row(name: str, run: Run, *, live: bool) -> RunSummary:
    said, took = verdicts(run), recovery(run)
    return RunSummary(
        run=name,
        runbook=run.plan.runbook,
        kind=run.plan.kind,
        operator=run.operator.name,
        started=run.started,
        verdict="live" if live else said.run,
        reason=why_early(run),
        worst="live" if live else said.worst,
        rollback=said.rollback,
        earlier=run.earlier.run if run.earlier else "",
        objective=said.objectives,
        recovery=took.seconds - took.error if took.at_least and took.seconds is not None else took.seconds,
        recovery_at_least=took.at_least,
        duration=run.now,
        faults_live=sum(fault.may_be_live for fault in run.faults.values()),
        live=live,
        environment=run.plan.environment.name,
        colour=run.plan.environment.colour,
        promised=run.plan.objectives.rto,
        waiting=waiting(run),
        ended=run.has_ended and not live,
    )
