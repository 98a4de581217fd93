"""Who can read and write a record, and what lies in it that it does not name.

Neither proves anything about the evidence: a copy elsewhere has other rights, and what no line names, no line vouches
for. But whoever reads a record should know it, so it is a note.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunOpened
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness
from runbook.record.files.journal import TORN
from runbook.record.files.journal_file import JOURNAL, RUNNER_LOG
from runbook.record.files.output import OUT, is_output_file
from runbook.record.sealing.manifest import OF_THE_SEAL, is_beside

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class AccessCheck:
    """Only its owner can read or write the record, and there is nothing in it but what it names. A note at most."""

    def __init__(self, folder: Path) -> None:
        """Check files of that record."""
        self._folder = folder
        self._named: set[str] = set()

    def see(self, entry: Entry) -> None:
        """Keep the names that the record itself gives."""
        match entry.event:
            case RunOpened(files=files):
                self._named.update(files, (JOURNAL, RUNNER_LOG, OUT))
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - the protocol's
        """Look at everything that lies there."""
        try:
            found = dict(_everything(self._folder))
        except OSError as error:
            return Examined(
                name="access", finding=Soundness.NOTE, detail=f"The record cannot be looked at: {error.strerror}"
            )
        is_open = [name for name, mode in found.items() if mode & _OTHERS and not stat.S_ISLNK(mode)]
        odd = [name for name, mode in found.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))]
        strange = [name for name in found if name and not self._is_named(name) and name not in odd]
        details = (
            _told(is_open, "files are open to others than the owner", self._folder.name),
            _told(odd, "are neither files nor folders", self._folder.name),
            _told(strange, "are not named by the record", self._folder.name),
        )
        said = "; ".join(detail for detail in details if detail)
        finding = Soundness.NOTE if said else Soundness.OK
        return Examined(name="access", finding=finding, detail=said or "Only its owner can read or write the record")

    def _is_named(self, name: str) -> bool:
        """True for what the opening names and for what a run makes; where it cannot be read, of everything."""
        if not self._named or name in self._named or name.startswith(TORN) or is_output_file(name):
            return True
        return is_beside(name) or name.partition("/")[0] in OF_THE_SEAL


def _told(names: list[str], what: str, record: str) -> str:
    shown = ", ".join(os.path.normpath(f"{record}/{name}") for name in names[:3])
    return f"{len(names)} {what}: {shown}" if names else ""


def _everything(folder: Path) -> Iterator[tuple[str, int]]:
    """Name and mode of the folder and of all that lies below it; no link is followed, what is closed is empty."""
    yield "", folder.stat().st_mode
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            found = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in found:
            name = f"{below}/{entry.name}".removeprefix("/")
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            yield name, entry.stat(follow_symlinks=False).st_mode
