"""One pass over the entries of a record, wherever they are kept: what folding them needs to know, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from runbook.core.events.entry import Entry
from runbook.problem import Problem
from runbook.record.form.codec import Tip
from runbook.record.form.newer import Newer


class Reading(Protocol):
    """From the first entry on, as far as the record is sound; there may be more later, while it is live."""

    address: str
    """Of the journal, for messages."""
    damage: Problem | None
    """Why there are no more entries, when that is not simply the end."""
    newer: Newer
    """Signs that a newer version wrote in it; what this one does not know is passed over."""
    tip: Tip
    """After the last entry that was read."""

    def entries(self) -> Iterator[Entry]:
        """Every good entry after those that were read already."""

    def more(self) -> list[Entry]:
        """The same, all at once."""
