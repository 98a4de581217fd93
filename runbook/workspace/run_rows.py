"""The list of runs, for whoever shows it.

Apart from the workspace, because who lists runs must not wait for the import of what reads runbooks.
"""

from __future__ import annotations

from runbook.record.store import Store
from runbook.record.summary import RunSummary
from runbook.workspace.rows import RunRow


def run_rows(store: Store, *, runbook: str = "", limit: int | None = None) -> tuple[RunRow, ...]:
    """The newest runs first, of one runbook or of all; only as many records are read as are asked for.

    Raises:
        Problems: The store cannot be read.
    """
    return tuple(_row(found) for found in store.runs(runbook=runbook, limit=limit))


def _row(found: RunSummary) -> RunRow:
    return RunRow(
        id=found.run,
        runbook=found.runbook,
        kind=found.kind,
        started=found.started,
        operator=found.operator,
        verdict=found.verdict,
        worst=found.worst,
        rollback=found.rollback,
        rta=found.recovery,
        rta_at_least=found.recovery_at_least,
        objective=found.objective,
        live=found.live,
        faults_live=found.faults_live,
        environment=found.environment,
        colour=found.colour,
        promised=found.promised,
        waiting=found.waiting,
        duration=found.duration,
        reason=found.reason,
        problem=found.problem,
    )
