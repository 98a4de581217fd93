"""The folder of recordings: making room for a run, listing what is there, finding one by a few letters.

There is no index: a listing reads the first and the last line of each journal, which is all that a row of a table
needs, and what is not there cannot go stale. Two live runs of one runbook are impossible because the runner holds a
lock by the runbook's name for as long as it lives; a lock dies with its process, so nothing has to be cleaned up.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from runbook.problem import Exit, Problems, Where, nearest, problem
from runbook.record.disk import (
    FLOOR,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    disk_problems,
    is_safe_name,
    make_private_folder,
    require_space,
    sync_folder,
    try_lock,
    write_new_file,
)
from runbook.record.journal import JOURNAL
from runbook.record.summary import RunSummary, summarise

LAST = "last"
"""The word that finds the newest run."""

_LOCKS = ".locks"
_OTHERS_MAY_WRITE = 0o022


class NameLock:
    """The right to run one runbook, held until `release` or the end of the process."""

    def __init__(self, number: int) -> None:
        """Own a locked file descriptor."""
        self._number = number

    def release(self) -> None:
        """Let another run of that name begin. Harmless when it was released before."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class Library:
    """All records under one folder."""

    def __init__(self, root: Path) -> None:
        """Look at that folder; it need not exist before the first run."""
        self.root = root

    def create_run_dir(self, run: str, name: str, *, floor: int = FLOOR) -> Path:
        """Make the folder of a new run: `<root>/<run>`, 0700.

        Args:
            run: The run's id, a plain file name.
            name: The runbook's name, for the messages.
            floor: Bytes that must be free.

        Raises:
            Problems: `record-unwritable`, `record-no-space`, `record-exists`.
        """
        if not is_safe_name(run):
            raise ValueError(f"{run!r} is not a plain file name")
        folder = self.root / run
        with disk_problems(f"The run of {name} cannot be recorded", self.root):
            make_private_folder(self.root)
            require_space(self.root, floor)
            if folder.exists():
                raise _exists(folder)
            folder.mkdir(mode=PRIVATE_FOLDER)
            sync_folder(self.root)
        return folder

    def hold(self, name: str, run: str) -> NameLock:
        """Take the right to run a runbook; the runner calls it before it opens the record and keeps it.

        Raises:
            Problems: `already-live` while another run of that name is live; `record-unwritable`.
        """
        path = self.root / _LOCKS / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
        with disk_problems(f"The run of {name} cannot be announced", path):
            make_private_folder(path.parent)
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        if not try_lock(number):
            other = os.pread(number, 200, 0).decode("utf-8", "replace").strip()
            os.close(number)
            raise _already_live(name, other)
        os.ftruncate(number, 0)
        os.pwrite(number, f"{run}\n".encode(), 0)
        return NameLock(number)

    def runs(self) -> tuple[RunSummary, ...]:
        """Every record that is there, newest first, damaged ones too.

        Raises:
            Problems: `record-unwritable` when the folder is there and cannot be read.
        """
        if not self.root.exists():
            return ()
        with disk_problems("The recordings cannot be listed", self.root):
            folders = [path for path in self.root.iterdir() if (path / JOURNAL).is_file()]
        found = [summarise(folder) for folder in folders]
        return tuple(sorted(found, key=lambda run: (run.started, run.folder.name), reverse=True))

    def owner(self) -> int | None:
        """The uid of the one user who may put records here; None where several may, or nothing is there."""
        try:
            state = self.root.stat()
        except OSError:
            return None
        return None if state.st_mode & _OTHERS_MAY_WRITE else state.st_uid

    def find(self, text: str) -> Path:
        """The folder of a run: from the beginning of its id, a runbook's name (its newest run), `last`, or a path.

        Raises:
            Problems: `unknown-run` and `ambiguous-run`, with what there is.
        """
        if "/" in text or (Path(text) / JOURNAL).is_file():
            return Path(text)
        runs = self.runs()
        exact = [run.folder for run in runs if text in {LAST, run.folder.name, run.runbook}]
        matching = [run.folder for run in runs if run.folder.name.startswith(text)]
        if exact or len(matching) == 1:
            return (exact or matching)[0]
        names = [run.folder.name for run in runs]
        raise _ambiguous(text, matching) if matching else _unknown(text, names, self.root)


def keep_files(folder: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Put exact copies of what a run was made from into its record; gives their SHA-256 for `RunOpened.files`.

    Args:
        folder: Of the run.
        files: Name in the record (`runbook.yaml`) to bytes, secrets already masked.

    Raises:
        Problems: `record-unwritable`.
    """
    digests = {}
    for name, data in files.items():
        if not is_safe_name(name) or name == JOURNAL:
            raise ValueError(f"{name!r} cannot be the name of a copy")
        with disk_problems("A copy cannot be put into the record", folder / name):
            write_new_file(folder / name, data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def _exists(folder: Path) -> Problems:
    return problem(
        f"There is a record of run {folder.name} already",
        why="A record is written once",
        fix="Start the run again, under a new id.",
        where=Where(str(folder)),
        code="record-exists",
        exit=Exit.REFUSED,
    )


def _already_live(name: str, other: str) -> Problems:
    known = f"Use `runbook attach {other}` to join it, or `runbook halt {other}` to stop it."
    fix = known if other else "Try again in a moment."
    return problem(
        f"{name} is running already",
        why=f"Run {other or '(starting)'} is live, and two at once would step on each other",
        fix=fix,
        where=Where(f"run {other}"),
        code="already-live",
        exit=Exit.REFUSED,
    )


def _ambiguous(text: str, matching: list[Path]) -> Problems:
    shown = ", ".join(sorted(folder.name for folder in matching[:6])) + (", ..." if len(matching) > 6 else "")  # noqa: PLR2004 - a line's worth
    return problem(
        f'"{text}" begins the ids of {len(matching)} runs',
        why=shown,
        fix="Give more letters of it.",
        where=Where(f"run {text}"),
        code="ambiguous-run",
    )


def _unknown(text: str, names: list[str], root: Path) -> Problems:
    return problem(
        f'There is no run "{text}"' if names else "There is no run yet",
        why=f"Nothing in {root} has that name" if names else f"{root} holds no record",
        fix=nearest(text, names) or "Start one with `runbook run`.",
        where=Where(f"run {text}"),
        code="unknown-run",
    )
