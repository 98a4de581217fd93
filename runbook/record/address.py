"""From the address of a store to the store that lives there: the one place that knows which kinds there are.

Today every address is a folder.
"""

from __future__ import annotations

from pathlib import Path

from runbook.record.file_store import FileStore
from runbook.record.store import Store


def open_store(address: str) -> Store:
    """The store at that address; nothing is read or made before it is asked for something."""
    return FileStore(Path(address))
