"""Making several files and folders, all of them or none: half of a workspace would only be found to be one later."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runbook.problem import Problems, Where, problem


def make(folder: Path, files: Mapping[str, str], *, private: str, mode: int) -> list[str]:
    """The files that were not there, by name; none of them stays where one cannot be made.

    Args:
        folder: Where; it need not exist.
        files: Name below it to text. What is there stays as it is.
        private: A folder below it, made with `mode`.
        mode: Of that folder.

    Raises:
        Problems: One cannot be made.
    """
    new, made, wanted = _New(), [], folder / private
    try:
        new.folder(wanted, mode=mode)
        for name, text in files.items():
            wanted = folder / name
            if new.file(wanted, text):
                made.append(name)
    except OSError as wrong:
        new.take_back()
        raise _cannot(wanted, wrong) from wrong
    return made


class _New:
    """What was made, in that order, so that it can be taken back."""

    def __init__(self) -> None:
        self._made: list[Path] = []

    def folder(self, path: Path, *, mode: int = 0o777) -> None:
        """Make it, and those above it that are missing.

        Raises:
            OSError: It cannot be made.
        """
        if path.is_dir():
            return
        self.folder(path.parent)
        path.mkdir(mode=mode)
        self._made.append(path)

    def file(self, path: Path, text: str) -> bool:
        """Make it; False when something of that name was there.

        Raises:
            OSError: It cannot be made.
        """
        self.folder(path.parent)
        try:
            with path.open("x", encoding="utf-8") as file:
                self._made.append(path)
                file.write(text)
        except FileExistsError:
            return False
        return True

    def take_back(self) -> None:
        """Newest first; what somebody else has put into a folder meanwhile keeps it."""
        for path in reversed(self._made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()


def _cannot(path: Path, wrong: OSError) -> Problems:
    why = wrong.strerror or str(wrong)
    fix = "Choose a folder that you may write to: runbook init FOLDER"
    return problem(f"{path.name} cannot be made", why=why, fix=fix, where=Where(str(path)), code="unwritable")
