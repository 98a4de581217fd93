"""Which runs of one runbook are live, and on what: two at once are fine where they have nothing in common.

A file for each runbook lists them, and is locked only while somebody reads and writes it. That a listed run is alive is
proved by a lock of its own, which its runner holds for as long as it lives; so a run that was killed leaves a line
behind that counts for nothing, and nothing has to be cleaned up. An older version holds the list itself for all of its
run, which then excludes every other.
"""

from __future__ import annotations

import hashlib
import os
import select
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from runbook.record.files.disk import PRIVATE_FILE, disk_problems, is_locked, make_private_folder, try_lock

_TURNS = 100
_PAUSE = 0.01
"""Seconds between looks at a list that somebody else reads just now; a second in all."""
_LARGEST = 4 * 1024 * 1024
"""Bytes of a list that are read: thousands of hosts, many times."""


class LiveRun(msgspec.Struct, frozen=True):
    """One line of the list."""

    run: str
    hosts: tuple[str, ...]
    """Empty: it has nothing in particular, and so excludes every other."""

    def clashes_with(self, other: LiveRun) -> bool:
        """True when the two may not be live at once."""
        return not self.hosts or not other.hosts or bool(set(self.hosts) & set(other.hosts))


class Clash(Exception):  # noqa: N818 - it is no fault of anybody's
    """Another run is live; with its hosts in common, or none where an older version does not say."""

    def __init__(self, run: str, common: tuple[str, ...]) -> None:
        """Of that run."""
        super().__init__(run)
        self.run = run
        self.common = common


class NameLock:
    """The right to run one runbook on some hosts, held until `release` or the end of the process."""

    def __init__(self, number: int, path: Path) -> None:
        """Own a locked file."""
        self._number = number
        self._path = path

    def release(self) -> None:
        """Let another run begin there. Harmless when it was released before."""
        if self._number >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._number)
            self._number = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def claim(folder: Path, runbook: str, run: str, hosts: Iterable[str]) -> NameLock:
    """The right to run a runbook on those hosts, as names or addresses; with none it excludes all others.

    Raises:
        Clash: Another run of it is live on one of them.
        Problems: `record-unwritable`.
    """
    name = hashlib.sha256(runbook.encode()).hexdigest()[:32]
    path = folder / f"{name}.lock"
    with disk_problems(f"The run of {runbook} cannot be announced", path):
        make_private_folder(folder)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            return _claimed(number, folder, name, LiveRun(run, tuple(sorted(set(hosts)))))
        finally:
            os.close(number)


def _claimed(number: int, folder: Path, name: str, mine: LiveRun) -> NameLock:
    if not _locked(number):
        raise Clash(_first_word(number), ())
    others = [one for one in _listed(number) if one.run != mine.run and _is_alive(_proof(folder, name, one.run))]
    for other in others:
        if other.clashes_with(mine):
            raise Clash(other.run, tuple(sorted(set(other.hosts) & set(mine.hosts))))
    path = _proof(folder, name, mine.run)
    proof = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    if not try_lock(proof):
        os.close(proof)
        raise Clash(mine.run, mine.hosts)
    data = b"".join(msgspec.json.encode(one) + b"\n" for one in (*others, mine))
    os.ftruncate(number, 0)
    os.pwrite(number, data, 0)
    return NameLock(proof, path)


def _locked(number: int) -> bool:
    for _ in range(_TURNS):
        if try_lock(number):
            return True
        select.select((), (), (), _PAUSE)
    return False


def _proof(folder: Path, name: str, run: str) -> Path:
    return folder / f"{name}-{hashlib.sha256(run.encode()).hexdigest()[:16]}.live"


def _is_alive(path: Path) -> bool:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        alive = is_locked(number)
    finally:
        os.close(number)
    if not alive:
        path.unlink(missing_ok=True)
    return alive


def _listed(number: int) -> list[LiveRun]:
    """What can be read of the list; an older version wrote a run's id alone, whose lock is gone by now."""
    found = []
    for line in os.pread(number, _LARGEST, 0).splitlines():
        try:
            found.append(msgspec.json.decode(line, type=LiveRun))
        except msgspec.MsgspecError:
            continue
    return found


def _first_word(number: int) -> str:
    return os.pread(number, 200, 0).decode("utf-8", "replace").partition("\n")[0].strip()
