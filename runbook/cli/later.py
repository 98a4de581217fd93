"""Which runs followed one, for its report: its own record cannot know them."""

from __future__ import annotations

from runbook.core.fold.verdict import verdicts
from runbook.core.run import Run
from runbook.problem import Problems
from runbook.record.store import Store
from runbook.report.model import Later
from runbook.workspace.again import followers


def followed_by(records: Store, run: Run) -> tuple[Later, ...]:
    """The oldest first; none where the other records cannot be read."""
    try:
        found = [one.run for one in followers(records, run)]
    except Problems:
        return ()
    return tuple(Later(run=one.id, does=one.earlier.does, verdict=verdicts(one).run) for one in found if one.earlier)
