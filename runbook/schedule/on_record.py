"""What did not happen, told to the records' ledger too: an auditor who counts runs has to find the ones that were not.

The scheduler's own book decides and is complete; this tells a part of it to the chain that strangers check. What the
chain does not take is said and costs the schedule nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from runbook.problem import Problems
from runbook.record.ledger.entry import LedgerEntry as OnRecord
from runbook.record.ledger.ledger import Ledger as Records
from runbook.schedule.entry import LedgerEntry, Missed, Postponed
from runbook.schedule.ledger import Ledger


class BookOnRecord:
    """Implements `scheduler.Book` over the scheduler's own, telling the other on the way."""

    def __init__(self, own: Ledger, records: Records, key: str, say: Callable[[str], None]) -> None:
        """`key` signs what is told, where it can without a touch."""
        self._own, self._records, self._key, self._say = own, records, key, say

    @property
    def entries(self) -> list[LedgerEntry]:
        """Of the scheduler's own book."""
        return self._own.entries

    def append(self, *entries: LedgerEntry) -> None:
        """Keep them, durably, and tell of what did not happen."""
        self._own.append(*entries)
        for entry in entries:
            told = _told(entry)
            if told is not None:
                self._tell(told)

    def _tell(self, told: OnRecord) -> None:
        try:
            self._records.append(told, self._key)
        except Problems as wrong:
            self._say(f"the records' ledger was not told: {wrong}")


def _told(entry: LedgerEntry) -> OnRecord | None:
    match entry:
        case Missed(at=at, duty=duty, first=first, last=last, count=count, why=why):
            stretch = first if count == 1 else f"{count} times from {first} to {last}"
            return OnRecord(kind="missed", time=at, text=f"{duty}: {stretch}: {why}")
        case Postponed(at=at, duty=duty, slot=slot, until=until, why=why):
            return OnRecord(kind="postponed", time=at, text=f"{duty}: {slot} until {until}: {why}")
        case _:
            return None
