"""What the records and the schedule of a runbook say about its next run: how long it took, and when it is due again.

Apart from the workspace, because only a screen asks for it.
"""

from __future__ import annotations

from runbook.core.written.runbook import Runbook
from runbook.record.beginning import folded
from runbook.record.store import Store
from runbook.view.situation.past import LATEST, PastRun, past_run

_TEACH = frozenset({"completed", "completed with deviations"})
"""Verdicts of runs that went through."""


def history(store: Store, runbook: str, *, but: str) -> tuple[PastRun, ...]:
    """What the latest runs that went through teach, without one of them; the newest first.

    Raises:
        Problems: The store, or one of these records, cannot be read.
    """
    rows = store.runs(runbook=runbook, limit=LATEST + 1)
    taught = [row.run for row in rows if row.ended and row.run != but and row.verdict in _TEACH]
    return tuple(past_run(folded(store.find(run).read())) for run in taught)


def every(book: Runbook) -> float:
    """Seconds within which it is to be run again, by the shortest of its schedules; 0 where none says so."""
    schedules = book.schedule if isinstance(book.schedule, tuple) else (book.schedule,)
    return min((one.every for one in schedules if one is not None and one.every), default=0.0)
