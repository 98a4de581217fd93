"""What commands printed: one append-only file a host, and events that say which bytes are whose.

Bytes never travel through the event bus. They are gathered per host up to 64 KiB (or until the caller's timer flushes
them), written in one call, and named by an `OutputArrived` that carries their hash, so that the chain covers output
without holding it. The writer does not mask, decode or colour: bytes are masked before they come here, and stay bytes.

The journal is the truth about a file. After a crash a file may be longer than the journal says: those bytes are kept,
new ones go behind them, and the next offset shows the gap.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from runbook.core.events.event import OutputArrived
from runbook.problem import Problems
from runbook.record.files.disk import (
    disk_problems,
    is_safe_name,
    make_private_folder,
    sync_file,
    write_whole,
)
from runbook.record.files.plain import open_folder, open_folder_below, open_within

CHUNK = 64 * 1024
"""Most bytes of one `OutputArrived` (design D5)."""

OUT = "out"
"""The folder of outputs in a record."""


_NAME = re.compile(rf"{OUT}/[a-z0-9][a-z0-9._-]*(~[0-9a-f]{{16}})?\.log\Z")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Whose bytes they are: one stream of one attempt."""

    step: str
    host: str
    number: int
    """The attempt's, as in `AttemptStarted`."""
    stream: Literal["out", "err"]


def output_file(host: str) -> str:
    """Where a host's output lies in a record: `out/db1.log`.

    A name that is not a plain file name in lower case gets a hash of itself, so that no two hosts share a file, also
    where the file system takes `DB1` and `db1` for one.
    """
    if is_safe_name(host) and host == host.lower():
        return f"{OUT}/{host}.log"
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in host.lower())[:40]
    digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{OUT}/{plain.strip('-') or 'host'}~{digest[:16]}.log"


def is_output_file(name: str) -> bool:
    """True for what `output_file` gives."""
    return _NAME.match(name) is not None


class Unsynced(msgspec.Struct, frozen=True, kw_only=True):
    """Files of output that may not be on the disk yet."""

    record: Path
    held: int | None
    """The folder of the record, where somebody holds it open."""
    files: tuple[str, ...]

    def sync(self) -> None:
        """Make them durable, and their names. Journal lines may be durable before: `verify` then tells what was lost.

        Raises:
            Problems: `record-unwritable`, `record-not-plain`.
        """
        for name in self.files:
            with disk_problems("Output cannot be made durable", self.record / name):
                number = open_within(self.record, name, held=self.held)
                try:
                    sync_file(number)
                finally:
                    os.close(number)
        if self.files:
            with disk_problems("Output cannot be made durable", self.record / OUT):
                _sync_names(self.record, self.held)


class OutputStore:
    """The writing side, for all hosts of one run."""

    def __init__(self, folder: Path, held: int | None = None) -> None:
        """Write below the folder of a run; files that are there already are continued at their end.

        Args:
            folder: Of the run.
            held: The same, open; with it nobody can slip another folder under the output.

        Raises:
            Problems: `record-unwritable`, `record-not-plain`.
        """
        self._folder = folder
        self._held = held
        self._hosts: dict[str, _HostFile] = {}
        with disk_problems("The folder for output cannot be created", folder / OUT):
            make_private_folder(folder / OUT)
            _sync_names(folder, held)

    def write(self, source: Source, data: bytes) -> tuple[OutputArrived, ...]:
        """Take masked bytes; gives the events of the chunks that this completed, to be journalled in this order.

        Raises:
            Problems: `record-unwritable`, and from then on for this host; what was completed before it is given first.
        """
        file = self._hosts.get(source.host)
        if file is None:
            file = self._hosts[source.host] = _HostFile(self._folder, self._held, output_file(source.host))
        return _collect([file.take(source, data)])

    def flush(self, host: str = "") -> tuple[OutputArrived, ...]:
        """Complete what is gathered for a host, or for all: called every 100 ms and before an attempt's end.

        Raises:
            Problems: `record-unwritable`, as for `write`; one host's trouble keeps no other host's output back.
        """
        files = [self._hosts[host]] if host in self._hosts else [] if host else self._hosts.values()
        return _collect(file.flush() for file in files)

    def unsynced(self) -> Unsynced:
        """What has been written since the last call, to be made durable; syncing it touches nothing of the store.

        So a caller with a loop to keep alive may sync in a thread while more output is written.
        """
        names = tuple(name for file in self._hosts.values() for name in file.take_unsynced())
        return Unsynced(record=self._folder, held=self._held, files=names)


class _HostFile:
    """One host's file. Opened for each chunk and closed again: a thousand hosts need no thousand descriptors."""

    def __init__(self, folder: Path, held: int | None, file: str) -> None:
        self._folder = folder
        self._held = held
        self._file = file
        self._source: Source | None = None
        self._gathered = bytearray()
        self._dirty = False
        self._failure: Problems | None = None

    def take(self, source: Source, data: bytes) -> Iterable[OutputArrived]:
        if source != self._source:
            yield from self.flush()
            self._source = source
        self._gathered += data
        while len(self._gathered) >= CHUNK:
            yield self._put(source, CHUNK)

    def flush(self) -> Iterable[OutputArrived]:
        if self._gathered and self._source is not None:
            yield self._put(self._source, len(self._gathered))

    def take_unsynced(self) -> tuple[str, ...]:
        names = (self._file,) if self._dirty else ()
        self._dirty = False
        return names

    def _put(self, source: Source, length: int) -> OutputArrived:
        if self._failure is not None:
            raise self._failure
        data = bytes(self._gathered[:length])
        try:
            with disk_problems("Output cannot be written", self._folder / self._file):
                offset = self._append(data)
        except Problems as failure:
            self._failure = failure
            raise
        del self._gathered[:length]
        self._dirty = True
        return OutputArrived(
            step=source.step,
            host=source.host,
            number=source.number,
            stream=source.stream,
            file=self._file,
            offset=offset,
            length=length,
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def _append(self, data: bytes) -> int:
        number = open_within(self._folder, self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, self._held)
        try:
            offset = os.fstat(number).st_size
            write_whole(number, data)
        finally:
            os.close(number)
        return offset


def _collect(sources: Iterable[Iterable[OutputArrived]]) -> tuple[OutputArrived, ...]:
    """All events that can be had. A failure waits for the next call when there are some: their bytes are written."""
    events: list[OutputArrived] = []
    failures: list[Problems] = []
    for source in sources:
        try:
            events.extend(source)  # keeps what came before an exception
        except Problems as failure:
            failures.append(failure)
    if failures and not events:
        raise failures[0]
    return tuple(events)


def _sync_names(record: Path, held: int | None) -> None:
    folder = open_folder(record) if held is None else os.dup(held)
    try:
        out = open_folder_below(folder, OUT, record / OUT)
        try:
            os.fsync(out)
        finally:
            os.close(out)
    finally:
        os.close(folder)
