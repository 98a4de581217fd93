"""The folder of a fabfile as the plan showed it: what is loaded from there is what was confirmed.

Each file is read once, and what was hashed is what is compiled: there is no moment in which another one could take its
place, and no byte code beside it that would be taken instead. A module that was not shown is not loaded; the plan
follows imports, so it is one that is imported by a name made up while the program runs, or one that came later. Used
before the login, to say so early, and in the task's process, to hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice
from pathlib import Path
from types import CodeType, ModuleType

from runbook.core.planned.action import FABRIC_SETTINGS
from runbook.problem import Exit, Problems, problem
from runbook.steps.fabric.talk import Shown
from runbook.transport.local.files import BLOCK, Source

LONGEST = 16 * BLOCK
"""Bytes that are read of a file; a plan shows none of that length."""


class Project:
    """A fabfile, what it brings along, and the digests that they had."""

    def __init__(self, file: Path, shown: Shown) -> None:
        """Nothing is read yet. `file` is the fabfile, or the package that is one."""
        self.folder = file.parent
        self.entry = file / "__init__.py" if file.is_dir() else file
        self._beside = shown.beside
        named = {self.folder / path: digest for path, digest in (shown.beside or {}).items()}
        self._digests = named | ({self.entry: shown.sha256} if shown.sha256 else {})

    def look(self) -> None:
        """Read everything once.

        Raises:
            Problems: Something is not what was shown.
        """
        for path in self._digests:
            self.data(path)

    def data(self, path: Path) -> bytes:
        """What a file of the folder holds.

        Raises:
            Problems: It is not what was shown, or was not shown, or is no file that can be read.
        """
        due = self._digests.get(path, "")
        if not due and self._beside is not None:
            raise _changed(path, "the plan did not show it: it came later, or its name is made up as the task runs")
        with Source(path) as source:
            data = b"".join(islice(iter(source.read, b""), LONGEST // BLOCK))
            found = source.found.sha256
        if due and found != due:
            raise _changed(path, f"its SHA-256 was {due}, it is now {found}")
        return data

    def settings(self) -> Iterator[tuple[str, bytes]]:
        """The files of settings that are there now, and those that were shown."""
        for name in FABRIC_SETTINGS:
            if (self.folder / name).exists() or self.folder / name in self._digests:
                yield name, self.data(self.folder / name)


class ShownLoader(SourceFileLoader):
    """Loads a module from what was shown, never from byte code that somebody left beside it."""

    def __init__(self, project: Project, name: str, path: str) -> None:
        """A module of that project."""
        super().__init__(name, path)
        self._project = project

    def get_code(self, fullname: str) -> CodeType:
        """Compiled from the very bytes that were hashed."""
        del fullname
        return self.source_to_code(self._project.data(Path(self.path)), self.path)


class ShownFinder:
    """Finds the modules of a fabfile's folder as Python does, and has them loaded as they were shown."""

    def __init__(self, project: Project, name: str) -> None:
        """For that project, whose fabfile is loaded under that name."""
        self._project = project
        self._own = {name}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's, when it comes from there; None leaves it to the others."""
        top, folder = name.partition(".")[0], self._project.entry.parent
        if path is not None and top not in self._own:
            return None
        spec = PathFinder.find_spec(name, [str(folder)] if path is None else path, target)
        if spec is not None and spec.loader is None and path is None:
            # A folder without an `__init__.py` is a package only where nothing else of that name is.
            spec = PathFinder.find_spec(name, None, target)
            if spec is not None and spec.loader is not None:
                return None
        if spec is None:
            return None
        self._own.add(top)
        if spec.origin is not None and Path(spec.origin).is_relative_to(folder):
            # Whatever kind of module it is: only source that was shown has something to be loaded from.
            spec.loader = ShownLoader(self._project, name, spec.origin)
        return spec


def _changed(path: Path, why: str) -> Problems:
    return problem(
        f"{path} has changed since the plan was made",
        why=why,
        fix="Nothing of it was run. Look at it, and start the run again.",
        code="changed-since-shown",
        exit=Exit.FAILED,
    )
