"""From the address of a store to the store that lives there: the one place that knows which kinds there are.

Today every address is a folder.
"""

from __future__ import annotations

from pathlib import Path

from runbook.record.file_store import FileStore
from runbook.record.ledger.ledger import Ledger
from runbook.record.store import Store


def open_store(address: str) -> Store:
    """The store at that address; nothing is read or made before it is asked for something."""
    return FileStore(Path(address))


def open_ledger(address: str) -> Ledger:
    """The ledger of the store at that address; nothing is made before its first entry."""
    return Ledger(Path(address))
