"""One record as a folder of files: reading it, and writing the one that a run is in.

The writer joins the journal, the output and the log of one folder. What waits for the disk runs in one thread of its
own and in none of the loop's: a hundred names that are being looked up must not stand between a command and its record.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from runbook.core.events.entry import Entry
from runbook.core.events.event import GateAnswered, RunEnded
from runbook.problem import Exit, Problems, Where, problem
from runbook.record.checking.roots import NOTHING, Roots
from runbook.record.checking.verify import Verification, verify
from runbook.record.files.disk import is_locked
from runbook.record.files.holder import Holder, holder_among
from runbook.record.files.journal import Journal
from runbook.record.files.journal_file import JOURNAL, LARGEST_COPY, RUNNER_LOG, every_line
from runbook.record.files.lines import OutputFile
from runbook.record.files.mark import Mark, Reached
from runbook.record.files.output import OutputStore
from runbook.record.files.plain import open_below, open_plain
from runbook.record.files.reader import RecordReader
from runbook.record.form.codec import Tip
from runbook.record.ledger.closing import Closing
from runbook.record.sealing.approval_files import put_approval


class FileRecord:
    """Implements `store.Record`."""

    def __init__(self, folder: Path) -> None:
        """Nothing is looked at yet."""
        self._folder = folder
        self.run = folder.name or folder.resolve().name
        self.address = str(folder)

    def read(self) -> RecordReader:
        """Of the journal.

        Raises:
            Problems: `no-record`.
        """
        return RecordReader(self._folder)

    def output(self, host: str) -> OutputFile:
        """The file of one host."""
        return OutputFile(self._folder, host)

    def copy(self, name: str) -> bytes | None:
        """A file beside the journal.

        Raises:
            Problems: `record-not-plain`, `record-closed`.
        """
        try:
            number = open_plain(self._folder, name)
        except FileNotFoundError:
            return None
        try:
            return os.pread(number, LARGEST_COPY, 0)
        finally:
            os.close(number)

    def verify(self, roots: Roots = NOTHING) -> Verification:
        """Everything in the folder, and the ledger beside it.

        Raises:
            Problems: `no-record`.
        """
        return verify(self._folder, roots)

    def holder(self) -> Holder | None:
        """By the lines of the journal that tell."""
        try:
            number = open_plain(self._folder, JOURNAL)
        except (FileNotFoundError, Problems):
            return None
        try:
            return holder_among(every_line(number))
        finally:
            os.close(number)

    def is_live(self) -> bool:
        """True while a runner holds the journal's lock."""
        try:
            number = open_plain(self._folder, JOURNAL)
        except (FileNotFoundError, Problems):
            return False
        try:
            return is_locked(number)
        finally:
            os.close(number)


class FileWriter:
    """Implements `store.RecordWriter`."""

    def __init__(self, journal: Journal, output: OutputStore, mark: Mark, closing: Closing | None = None) -> None:
        """Own all three; `closing` seals the record once it has ended."""
        self._journal = journal
        self._output = output
        self._mark = mark
        self._closing = closing
        self._has_ended = False
        self.address = str(journal.path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="record")

    @property
    def output(self) -> OutputStore:
        """Files beside the journal."""
        return self._output

    @property
    def tip(self) -> Tip:
        """Of the journal."""
        return self._journal.tip

    def append(self, believed: Tip, *entries: Entry) -> Tip:
        """In one write.

        Raises:
            Problems: `record-moved-on`; as `Journal.append`.
        """
        if believed != self._journal.tip:
            raise moved_on(self.address, believed, self._journal.tip)
        self._journal.append(*entries)
        for entry in entries:
            if isinstance(entry.event, GateAnswered) and entry.event.proof is not None:
                put_approval(self._journal.path.parent, entry.event, entry.event.proof)
        self._has_ended = self._has_ended or any(isinstance(entry.event, RunEnded) for entry in entries)
        return self._journal.tip

    async def commit(self) -> None:
        """Sync in the thread; with nothing new it is only asked whether the record is still in its place.

        Raises:
            Problems: As `Journal.commit`.
        """
        if self._journal.is_dirty:
            # What is appended meanwhile is not covered.
            tip = self._journal.tip
            await self._in_thread(partial(self._commit, self._journal.reached, has_ended=self._has_ended))
            if self._closing is not None:
                self._closing.passed(tip)
        else:
            self._journal.commit()

    def _commit(self, reached: Reached, *, has_ended: bool) -> None:
        self._journal.commit()
        if has_ended:
            self._mark.drop()
        self._mark.set(reached)

    async def commit_output(self) -> None:
        """Sync the files that were written since the last time.

        Raises:
            Problems: `record-unwritable`.
        """
        unsynced = self._output.unsynced()
        if unsynced.files:
            await self._in_thread(unsynced.sync)

    def open_log(self) -> int:
        """A file beside the journal.

        Raises:
            OSError: What the system said.
            Problems: `record-not-plain`.
        """
        path = self._journal.path.with_name(RUNNER_LOG)
        return open_below(self._journal.folder, RUNNER_LOG, path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def close(self) -> None:
        """Wait for a sync that is under way, seal what has ended and is durable, then let go of the lock."""
        if self._closing is not None and self._has_ended and not self._journal.is_dirty:
            await self._in_thread(self._closing.close_quietly)
        await asyncio.to_thread(self._thread.shutdown)
        self.abandon()

    def abandon(self) -> None:
        """Let go at once, as the end of the process does."""
        self._thread.shutdown(wait=True)
        if self._closing is not None:
            self._closing.leave()
        self._mark.close()
        self._journal.close()

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)


def moved_on(address: str, believed: Tip, found: Tip) -> Problems:
    """Said to a writer that does not know the newest entry."""
    return problem(
        "The record has moved on",
        why=f"The runner knows {believed.seq} entries of it and it has {found.seq}, or others: somebody else writes it",
        fix="Nothing was added and nothing is sent. Watch who has the run now: runbook attach",
        where=Where(address),
        code="record-moved-on",
        exit=Exit.REFUSED,
    )
