"""`group_vars/` and `host_vars/` beside an inventory: which file belongs to whom, and what it sets.

A name's variables are in `NAME`, `NAME.yml`, `NAME.yaml` or `NAME.json`, the first of these that exists; where it is a
folder, every file in it counts, in order of name, the later one winning. Each folder is listed once, however many
hosts ask. A file that is encrypted as a whole is refused by name: half of a host's variables is worse than none.
Rules: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html#organizing-host-and-group-variables
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runbook.document.source import Limits, parse_source
from runbook.inventory.draft import VAULT_HEADER, InventoryDraft, Setting
from runbook.inventory.yaml_form import settings_in
from runbook.problem import Problem, Problems, Where, problem

EXTENSIONS = ("", ".yml", ".yaml", ".json")
LIMITS = Limits(size=8 << 20, nodes=500_000)
"""More than a runbook may have: two thousand hosts with twenty variables each are 84,000 values."""
_DEEPEST = 8
"""Folders within folders; a symbolic link that points upwards must not be followed for ever."""


class Workspace:
    """Where files are, and how their names are shown: as a person in the workspace would type them."""

    def __init__(self, root: Path) -> None:
        """The folder that paths are shown relative to."""
        self.root = root.absolute()

    def shown(self, path: Path) -> str:
        """The name that problems and origins give a file."""
        full = path.absolute()
        return str(full.relative_to(self.root)) if full.is_relative_to(self.root) else str(full)


class VariableFiles:
    """The variable files of one folder, read as they are asked for."""

    def __init__(self, folder: Path | None, workspace: Workspace, draft: InventoryDraft) -> None:
        """Begin at a folder, or nowhere for inventories that have no files beside them.

        Nothing is read yet; what is read is noted in `draft.files`, what is wrong in `draft.problems`.
        """
        self._workspace = workspace
        self._draft = draft
        self._group_folder = self._listing(folder / "group_vars") if folder else {}
        self._host_folder = self._listing(folder / "host_vars") if folder else {}

    def of_group(self, name: str) -> dict[str, Setting]:
        """What the files set for a group."""
        return self._read(self._first(self._group_folder, name))

    def of_host(self, name: str) -> dict[str, Setting]:
        """What the files set for a host."""
        return self._read(self._first(self._host_folder, name))

    def _listing(self, folder: Path) -> dict[str, Path]:
        """File name to path; empty where there is no such folder."""
        return {entry.name: entry for entry in self._entries(folder)} if folder.is_dir() else {}

    def _entries(self, folder: Path) -> tuple[Path, ...]:
        try:
            return entries(folder, self._workspace.shown(folder))
        except Problems as bad:
            self._draft.problems += bad.problems
            return ()

    def _first(self, listing: dict[str, Path], name: str) -> tuple[Path, ...]:
        for extension in EXTENSIONS:
            path = listing.get(name + extension)
            if path is not None:
                return tuple(self._inside(path, _DEEPEST)) if path.is_dir() else (path,)
        return ()

    def _inside(self, folder: Path, deepest: int) -> Iterator[Path]:
        """The variable files in a folder by name; hidden ones, backups and other kinds of file are passed over."""
        for path in self._entries(folder):
            if path.name.startswith(".") or path.name.endswith("~"):
                continue
            if path.is_dir():
                if deepest and not path.suffix:
                    yield from self._inside(path, deepest - 1)
            elif path.is_file() and path.suffix in EXTENSIONS:
                yield path

    def _read(self, found: tuple[Path, ...]) -> dict[str, Setting]:
        settings: dict[str, Setting] = {}
        for path in found:
            settings |= self._read_file(path)
        return settings

    def _read_file(self, path: Path) -> dict[str, Setting]:
        shown = self._workspace.shown(path)
        try:
            data = read_bytes(path, shown)
            self._draft.files.append(str(path))
            if data.startswith(VAULT_HEADER.encode()):
                self._draft.problems.append(_encrypted(shown))
                return {}
            return settings_in(parse_source(data, shown, limits=LIMITS).root, self._draft)
        except Problems as bad:
            self._draft.problems += bad.problems
            return {}


def read_bytes(path: Path, shown: str) -> bytes:
    """A file's bytes, one more than the limit at most, so that its reader can tell that it is too large.

    Raises:
        Problems: code `unreadable`: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.size + 1)
    except OSError as error:
        raise _cannot_read(shown, error) from error


def entries(folder: Path, shown: str) -> tuple[Path, ...]:
    """What a folder holds, by name.

    Raises:
        Problems: code `unreadable`: it cannot be read.
    """
    try:
        return tuple(sorted(folder.iterdir()))
    except OSError as error:
        raise _cannot_read(shown, error) from error


def _cannot_read(shown: str, error: OSError) -> Problems:
    fix = "Check the name, the folder and who may read it."
    why = error.strerror or str(error)
    return problem(f"cannot read {shown}", why=why, fix=fix, where=Where(shown), code="unreadable")


def _encrypted(shown: str) -> Problem:
    return Problem(
        what=f"{shown} is encrypted with Ansible Vault",
        why="runbook holds no vault password",
        fix="Read the inventory through Ansible (--inventory-via ansible-inventory), which asks its own configuration "
        "for the password, or keep the values in a file that is not encrypted.",
        where=Where(shown, 1),
        code="vault",
    )
