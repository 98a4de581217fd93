"""Checks of the journal against the files beside it: copies, output, torn ends.

The journal being checked may have been written by somebody who means harm, so it is not allowed to lead anywhere: only
plain names inside the record are opened, links are not followed, nothing is waited for, and nothing is read further
than a file goes. Whatever lies in the place of a file is a finding, never an end of the checking.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived, RunnerStarted, RunOpened
from runbook.problem import Problems
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness, line_of
from runbook.record.files.disk import is_safe_name
from runbook.record.files.journal import torn_files
from runbook.record.files.journal_file import LARGEST_COPY
from runbook.record.files.output import CHUNK, OUT, is_output_file
from runbook.record.files.plain import NOT_PLAIN, closed, open_folder, open_folder_below, open_plain

_BLOCK = 1024 * 1024


Found = TypeVar("Found")


class CopiesCheck:
    """The runbook, the inventory and the parameters in the record are the ones that the run was made from."""

    def __init__(self, folder: Path) -> None:
        """Check files of that record."""
        self._folder = folder
        self._files: dict[str, str] = {}

    def see(self, entry: Entry) -> None:
        """Take the list from the first line."""
        if isinstance(entry.event, RunOpened):
            self._files = entry.event.files

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - the protocol's
        """Hash each."""
        for name, expected in self._files.items():
            if not is_safe_name(name):
                return _copy_check(Soundness.ALTERED, f'"{name}" cannot be the name of a copy')
            found = _read(self._folder, name, 0, LARGEST_COPY + 1)
            if found.finding is not Soundness.OK:
                return _copy_check(found.finding, found.detail or f"{name} is not there")
            if found.sha256 != expected:
                return _copy_check(Soundness.ALTERED, f"{name} is not what the run was made from")
        return Examined(name="copies", finding=Soundness.OK, detail=f"{len(self._files)} copied files are unchanged")


def _copy_check(finding: Soundness, detail: str) -> Examined:
    return Examined(name="copies", finding=finding, detail=detail, line=1)


class OutputCheck:
    """Every chunk of output is in its file as it was journalled, and nothing else is, but for what a crash explains."""

    def __init__(self, folder: Path) -> None:
        """Check files of that record."""
        self._folder = folder
        self._ends: dict[str, int] = {}
        self._resumes_then: dict[str, int] = {}
        self._resumes = 0
        self._bytes = 0
        self._uncovered = 0
        self._wrong: Examined | None = None

    def see(self, entry: Entry) -> None:
        """Read and hash each chunk."""
        match entry.event:
            case RunnerStarted(resumed=True):
                self._resumes += 1
            case OutputArrived() as chunk:
                self._chunk(chunk, line_of(entry))
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:
        """Look for bytes and files that no line names."""
        try:
            found = _listed(self._folder)
        except Problems as wrong:
            self._blame(*_trouble(self._folder, wrong), 0)
            found = {}
        for name, state in sorted(found.items()):
            self._end(f"{OUT}/{name}", state, ending)
        if self._wrong is not None:
            return self._wrong
        detail = f"{self._bytes} bytes of output are as they were journalled"
        if self._uncovered:
            more = f"{detail}; {self._uncovered} more are covered by no good line, as after a crash"
            return Examined(name="output", finding=Soundness.NOTE, detail=more)
        return Examined(name="output", finding=Soundness.OK, detail=detail)

    def _chunk(self, chunk: OutputArrived, line: int) -> None:
        if not (0 <= chunk.length <= CHUNK and 0 <= chunk.offset <= _FARTHEST):
            self._blame(
                Soundness.ALTERED, f"{chunk.file}: no chunk can lie at {chunk.offset}, {chunk.length} long", line
            )
            return
        end = self._ends.get(chunk.file, 0)
        gap = chunk.offset - end
        if gap < 0 or (gap > 0 and not self._crash_since(chunk.file)):
            self._blame(Soundness.ALTERED, f"{chunk.file}: a chunk begins at {chunk.offset} where {end} is due", line)
        self._uncovered += max(gap, 0)
        self._ends[chunk.file] = chunk.offset + chunk.length
        self._resumes_then[chunk.file] = self._resumes
        self._bytes += chunk.length
        self._compare(chunk, line)

    def _compare(self, chunk: OutputArrived, line: int) -> None:
        if not is_output_file(chunk.file):
            self._blame(Soundness.ALTERED, f'"{chunk.file}" cannot be a file of output', line)
            return
        found = _read(self._folder, chunk.file, chunk.offset, chunk.length)
        if found.detail:
            self._blame(found.finding, found.detail, line)
        elif found.length < chunk.length:
            lost = chunk.length - found.length
            where = chunk.offset + found.length
            self._blame(Soundness.MISSING, f"{chunk.file}: {lost} bytes from {where} on are lost", line)
        elif found.sha256 != chunk.sha256:
            self._blame(Soundness.ALTERED, f"{chunk.file}: the bytes from {chunk.offset} on were changed", line)

    def _end(self, name: str, found: os.stat_result, ending: JournalEnd) -> None:
        if not stat.S_ISREG(found.st_mode):
            self._blame(Soundness.ALTERED, f"{name} is not a plain file", 0)
            return
        extra = found.st_size - self._ends.get(name, 0)
        if extra <= 0:
            return
        if ending.ended and not self._crash_since(name):
            self._blame(Soundness.ALTERED, f"{name}: {extra} bytes were added that no line names", 0)
        self._uncovered += extra

    def _crash_since(self, name: str) -> bool:
        """True when a runner died after the file's last chunk: only then may bytes be there that no line names."""
        return self._resumes > self._resumes_then.get(name, 0)

    def _blame(self, finding: Soundness, detail: str, line: int) -> None:
        if self._wrong is None or finding > self._wrong.finding:
            self._wrong = Examined(name="output", finding=finding, detail=detail, line=line)


class TornCheck:
    """Unfinished ends that were kept aside are declared by the runner that went on."""

    def __init__(self, folder: Path) -> None:
        """Check files of that record."""
        self._folder = folder
        self._declared = 0
        self._line = 0

    def see(self, entry: Entry) -> None:
        """Add up what was declared."""
        if isinstance(entry.event, RunnerStarted) and entry.event.torn_bytes:
            self._declared += entry.event.torn_bytes
            self._line = line_of(entry)

    def check(self, ending: JournalEnd) -> Examined:
        """Compare with what lies there."""
        try:
            kept = _kept(self._folder)
        except Problems as wrong:
            finding, trouble = _trouble(self._folder, wrong)
            return Examined(name="torn", finding=finding, detail=trouble, line=self._line)
        if kept == self._declared:
            note = f"{kept} bytes of unfinished lines were cut off after a crash, declared and kept" if kept else ""
            finding = Soundness.NOTE if kept else Soundness.OK
            return Examined(name="torn", finding=finding, detail=note or "No unfinished line was ever cut off")
        detail = f"{self._declared} bytes of unfinished lines are declared and {kept} are kept"
        finding = Soundness.ALTERED if ending.ended or kept < self._declared else Soundness.NOTE
        return Examined(name="torn", finding=finding, detail=detail, line=self._line)


def _kept(folder: Path) -> int:
    return sum(_looked_at(folder, "the record", lambda record: torn_files(record, folder)).values())


def _listed(folder: Path) -> dict[str, os.stat_result]:
    """What lies among the output, by name; nothing where there is none."""

    def looked(record: int) -> dict[str, os.stat_result]:
        try:
            inner = open_folder_below(record, OUT, folder / OUT)
        except FileNotFoundError:
            return {}
        try:
            return {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(inner)}
        finally:
            os.close(inner)

    return _looked_at(folder, OUT, looked)


def _looked_at(folder: Path, name: str, look: Callable[[int], dict[str, Found]]) -> dict[str, Found]:
    """What somebody sees who holds the folder of the record; `name` is what is looked for.

    Raises:
        Problems: `record-not-plain`, `record-closed`.
    """
    try:
        record = open_folder(folder)
        try:
            return look(record)
        finally:
            os.close(record)
    except OSError as error:
        raise closed(folder / name, error) from error


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file: its hash and how many bytes were there. A finding without a detail: it is not there."""

    sha256: str = ""
    length: int = 0
    finding: Soundness = Soundness.OK
    detail: str = ""


_FARTHEST = 2**62
"""Bytes into a file: beyond it no system counts."""


def _read(folder: Path, name: str, offset: int, length: int) -> _Read:
    """Hash a range of a file of the record, as far as it goes."""
    try:
        number = open_plain(folder, name)
    except FileNotFoundError:
        return _Read(finding=Soundness.MISSING)
    except Problems as wrong:
        finding, detail = _trouble(folder, wrong)
        return _Read(finding=finding, detail=detail)
    try:
        return _hashed(number, offset, length)
    except OSError as error:
        return _Read(finding=Soundness.MISSING, detail=f"{name} cannot be read: {error.strerror}")
    finally:
        os.close(number)


def _hashed(number: int, offset: int, length: int) -> _Read:
    digest, found = hashlib.sha256(), 0
    while found < length:
        data = os.pread(number, min(_BLOCK, length - found), offset + found)
        if not data:
            break
        digest.update(data)
        found += len(data)
    return _Read(sha256=digest.hexdigest(), length=found)


def _trouble(folder: Path, wrong: Problems) -> tuple[Soundness, str]:
    """What a file that is none, or is closed to us, comes to."""
    found = wrong.problems[0]
    name = os.path.relpath(found.where.file, folder) if found.where else ""
    if found.code == NOT_PLAIN:
        return Soundness.ALTERED, f"{name} is not a plain {'folder' if name == OUT else 'file'}"
    return Soundness.MISSING, f"{name} cannot be read: {found.why}"
