"""Checks of the journal against the files beside it: copies, output, torn ends, and who may read them.

The journal being checked may have been written by somebody who means harm, so it is not allowed to lead anywhere: only
plain names inside the record are opened, links are not followed, and nothing is read further than a file goes.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from runbook.core.entry import Entry
from runbook.core.event import OutputArrived, RunnerStarted, RunOpened
from runbook.record.disk import is_safe_name
from runbook.record.finding import Check, Ending, Finding, line_of
from runbook.record.journal import TORN
from runbook.record.output import OUT

_BLOCK = 1024 * 1024
_OUTPUT_NAME = re.compile(rf"{OUT}/[a-z0-9][a-z0-9._-]*(~[0-9a-f]{{16}})?\.log\Z")


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

    def check(self, ending: Ending) -> Check:  # noqa: ARG002 - the protocol's
        """Hash each."""
        for name, expected in self._files.items():
            if not is_safe_name(name):
                return _copy_check(Finding.ALTERED, f'"{name}" cannot be the name of a copy')
            path = self._folder / name
            if not path.is_file() or path.is_symlink():
                return _copy_check(Finding.MISSING, f"{name} is not there")
            if _sha256(path) != expected:
                return _copy_check(Finding.ALTERED, f"{name} is not what the run was made from")
        return Check(name="copies", finding=Finding.OK, detail=f"{len(self._files)} copied files are unchanged")


def _copy_check(finding: Finding, detail: str) -> Check:
    return Check(name="copies", finding=finding, detail=detail, line=1)


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
        self._wrong: Check | None = None

    def see(self, entry: Entry) -> None:
        """Read and hash each chunk."""
        match entry.event:
            case RunnerStarted(resumed=True):
                self._resumes += 1
            case OutputArrived() as chunk:
                self._chunk(chunk, line_of(entry))
            case _:
                pass

    def check(self, ending: Ending) -> Check:
        """Look for bytes and files that no line names."""
        for path in sorted((self._folder / OUT).glob("*")):
            self._end(f"{OUT}/{path.name}", path, ending)
        if self._wrong is not None:
            return self._wrong
        detail = f"{self._bytes} bytes of output are as they were journalled"
        if self._uncovered:
            more = f"{detail}; {self._uncovered} more are covered by no good line, as after a crash"
            return Check(name="output", finding=Finding.NOTE, detail=more)
        return Check(name="output", finding=Finding.OK, detail=detail)

    def _chunk(self, chunk: OutputArrived, line: int) -> None:
        end = self._ends.get(chunk.file, 0)
        gap = chunk.offset - end
        if gap < 0 or (gap > 0 and not self._crash_since(chunk.file)):
            self._blame(Finding.ALTERED, f"{chunk.file}: a chunk begins at {chunk.offset} where {end} is due", line)
        self._uncovered += max(gap, 0)
        self._ends[chunk.file] = chunk.offset + chunk.length
        self._resumes_then[chunk.file] = self._resumes
        self._bytes += chunk.length
        self._compare(chunk, line)

    def _compare(self, chunk: OutputArrived, line: int) -> None:
        if not _OUTPUT_NAME.match(chunk.file):
            self._blame(Finding.ALTERED, f'"{chunk.file}" cannot be a file of output', line)
            return
        found, length = _chunk_sha256(self._folder / chunk.file, chunk.offset, chunk.length)
        if length < chunk.length:
            lost = chunk.length - length
            self._blame(Finding.MISSING, f"{chunk.file}: {lost} bytes from {chunk.offset + length} on are lost", line)
        elif found != chunk.sha256:
            self._blame(Finding.ALTERED, f"{chunk.file}: the bytes from {chunk.offset} on were changed", line)

    def _end(self, name: str, path: Path, ending: Ending) -> None:
        found = path.stat(follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            self._blame(Finding.ALTERED, f"{name} is not a plain file", 0)
            return
        extra = found.st_size - self._ends.get(name, 0)
        if extra <= 0:
            return
        if ending.ended and not self._crash_since(name):
            self._blame(Finding.ALTERED, f"{name}: {extra} bytes were added that no line names", 0)
        self._uncovered += extra

    def _crash_since(self, name: str) -> bool:
        """True when a runner died after the file's last chunk: only then may bytes be there that no line names."""
        return self._resumes > self._resumes_then.get(name, 0)

    def _blame(self, finding: Finding, detail: str, line: int) -> None:
        if self._wrong is None or finding > self._wrong.finding:
            self._wrong = Check(name="output", finding=finding, detail=detail, line=line)


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

    def check(self, ending: Ending) -> Check:
        """Compare with what lies there."""
        kept = sum(path.stat().st_size for path in self._folder.glob(f"{TORN}*"))
        if kept == self._declared:
            note = f"{kept} bytes of unfinished lines were cut off after a crash, declared and kept" if kept else ""
            finding = Finding.NOTE if kept else Finding.OK
            return Check(name="torn", finding=finding, detail=note or "No unfinished line was ever cut off")
        detail = f"{self._declared} bytes of unfinished lines are declared and {kept} are kept"
        finding = Finding.ALTERED if ending.ended or kept < self._declared else Finding.NOTE
        return Check(name="torn", finding=finding, detail=detail, line=self._line)


def access_check(folder: Path) -> Check:
    """Whether only the owner can read and write the record. A note at most: a copy elsewhere has other rights."""
    open_to_others = [
        path
        for path in (folder, *sorted(folder.rglob("*")))
        if not path.is_symlink() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if not open_to_others:
        return Check(name="access", finding=Finding.OK, detail="Only its owner can read or write the record")
    names = ", ".join(str(path.relative_to(folder.parent)) for path in open_to_others[:3])
    detail = f"{len(open_to_others)} files are open to others than the owner: {names}"
    return Check(name="access", finding=Finding.NOTE, detail=detail)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chunk_sha256(path: Path, offset: int, length: int) -> tuple[str, int]:
    """The hash of a range and how many bytes of it are there; none of a file that is missing or not a plain one."""
    digest, found = hashlib.sha256(), 0
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "", 0
    try:
        while stat.S_ISREG(os.fstat(number).st_mode) and found < length:
            data = os.pread(number, min(_BLOCK, length - found), offset + found)
            if not data:
                break
            digest.update(data)
            found += len(data)
    finally:
        os.close(number)
    return digest.hexdigest(), found
