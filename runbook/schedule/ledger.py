"""The scheduler's ledger on disk: one line an entry, appended and on the disk before what it announces is done.

One scheduler a workspace: it holds a lock on a file beside the ledger for as long as it lives, which the system takes
back whatever becomes of it. Such a lock means nothing between machines that share a disk, so the ledger also says on
which machine it is written, and another machine is refused. A last line that was cut is no entry.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from runbook.problem import Exit, Problems, Where, problem
from runbook.schedule.entry import LedgerEntry

FOLDER = ".schedule"
"""Its name among the records."""
_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600

_decoder = msgspec.json.Decoder(LedgerEntry)
_encoder = msgspec.json.Encoder()


def read_ledger(recordings: Path) -> tuple[LedgerEntry, ...]:
    """What is on disk; nothing where no scheduler ever was.

    Raises:
        Problems: `bad-ledger`: a line in the middle is none; `unreadable-ledger`.
    """
    path = recordings / FOLDER / "ledger.jsonl"
    try:
        return tuple(_entries(path)[0])
    except OSError as wrong:
        raise problem(
            "what the scheduler wrote down cannot be read",
            why=wrong.strerror or str(wrong),
            fix="It is private to whoever runs the scheduler: look as them, or do without why a moment went by.",
            where=Where(str(path)),
            code="unreadable-ledger",
            exit=Exit.FAILED,
        ) from wrong


def _entries(path: Path) -> tuple[list[LedgerEntry], int]:
    """The entries, and how many bytes of the file they are."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found.append(_decoder.decode(line))
        except msgspec.MsgspecError as wrong:
            raise _damaged(path, number, wrong) from wrong
    return found, len(whole)


def _damaged(path: Path, number: int, wrong: Exception) -> Problems:
    return problem(
        "the scheduler's ledger holds something that is no entry",
        why=str(wrong),
        fix="Bring it back from a copy. Moved aside, everything counts as seen for the first time.",
        where=Where(str(path), number),
        code="bad-ledger",
        exit=Exit.FAILED,
    )


class Ledger:
    """The right to schedule in one workspace, until this process ends."""

    def __init__(self, recordings: Path, machine: str) -> None:
        """Take it, and read what was written before.

        Raises:
            Problems: `scheduler-running`, `other-machine`; the ledger cannot be read.
        """
        folder = recordings / FOLDER
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        try:
            self._take(folder, machine)
            self.entries, length = _entries(folder / "ledger.jsonl")
            self._file = os.open(
                folder / "ledger.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE_FILE
            )
        except BaseException:
            os.close(self._lock)
            raise
        # What a scheduler before us did not finish writing was never on record, and no line of ours must follow it.
        os.ftruncate(self._file, length)

    def _take(self, folder: Path, machine: str) -> None:
        holder = os.pread(self._lock, 200, 0).decode("utf-8", "replace").split()
        if len(holder) > 1 and holder[1] != machine:
            fix = f"Let it run there; if that machine is gone for good, remove {folder / 'lock'}."
            raise problem("another machine schedules here", fix=fix, code="other-machine", exit=Exit.REFUSED)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = f"process {holder[0]}" if holder else "another process"
            fix = f"End it first, or leave it to do its work: {pid}."
            raise problem("a scheduler is running here", fix=fix, code="scheduler-running", exit=Exit.REFUSED) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()} {machine}\n".encode(), 0)

    def append(self, *entries: LedgerEntry) -> None:
        """Add entries; they are on the disk when it returns."""
        data = b"".join(_encoder.encode(entry) + b"\n" for entry in entries)
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.entries += entries

    def close(self) -> None:
        """Let another scheduler begin."""
        os.close(self._file)
        os.close(self._lock)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()
