"""`group_vars/` and `host_vars/` beside an inventory: which file belongs to whom, and what it sets.

A name's variables are in `NAME`, `NAME.yml`, `NAME.yaml` or `NAME.json`, the first of these that exists; where it is a
folder, every file in it counts, in order of name, the later one winning. Each folder is listed once, however many
hosts ask. A file that cannot be read, or is encrypted, is left out whole and named once: whoever needs what it sets is
told where that may stand, and nobody else is kept from working.
Rules: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html#organizing-host-and-group-variables
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from runbook.document.source import Limits, parse_source
from runbook.inventory.draft import VAULT_HEADER, InventoryDraft, Setting
from runbook.inventory.yaml_form import settings_in
from runbook.problem import Problem, Problems, Where, problem

Decrypt = Callable[[bytes, str], bytes]
"""The text of a vault file, by its bytes and the name it is shown under; raises Problems, code `vault`, without it."""

EXTENSIONS = ("", ".yml", ".yaml", ".json")
LIMITS = Limits(size=8 << 20, nodes=500_000)
"""More than a runbook may have: two thousand hosts with twenty variables each are 84,000 values."""
_DEEPEST = 8
"""Folders within folders; a symbolic link that points upwards must not be followed for ever."""


class FileNames:
    """Where files are, and how their names are shown: as a person in the workspace would type them."""

    def __init__(self, root: Path) -> None:
        """The folder that paths are shown relative to."""
        self.root = root.absolute()

    def shown(self, path: Path) -> str:
        """The name that problems and origins give a file."""
        full = path.absolute()
        return str(full.relative_to(self.root)) if full.is_relative_to(self.root) else str(full)


class VariableFiles:
    """The variable files of an inventory's folders, read as they are asked for; a later folder beats an earlier one."""

    def __init__(self, folders: Sequence[Path], names: FileNames, draft: InventoryDraft, decrypt: Decrypt) -> None:
        """Begin at these folders; none for inventories that have no files beside them.

        Nothing is read yet. What is read is noted in `draft.files`; of a file that cannot be, its owner is told in
        `draft.warnings` once, and everybody else goes on.
        """
        self._names = names
        self._draft = draft
        self._decrypt = decrypt
        self._listings = {
            kind: tuple(self._listing(folder / f"{kind}_vars") for folder in folders) for kind in ("group", "host")
        }
        self.unread_of_group: dict[str, tuple[Problem, ...]] = {}
        """Group name to why files of its variables could not be read."""
        self.unread_of_host: dict[str, tuple[Problem, ...]] = {}

    def of_group(self, name: str) -> dict[str, Setting]:
        """What the files set for a group."""
        settings, self.unread_of_group[name] = self._read("group", name)
        return settings

    def of_host(self, name: str) -> dict[str, Setting]:
        """What the files set for a host."""
        settings, self.unread_of_host[name] = self._read("host", name)
        return settings

    def _listing(self, folder: Path) -> dict[str, Path]:
        """File name to path; empty where there is no such folder."""
        if not folder.is_dir():
            return {}
        try:
            return {entry.name: entry for entry in entries(folder, self._names.shown(folder))}
        except Problems as bad:
            self._draft.problems += bad.problems
            return {}

    def _read(self, kind: str, name: str) -> tuple[dict[str, Setting], tuple[Problem, ...]]:
        settings: dict[str, Setting] = {}
        unread: list[Problem] = []
        for listing in self._listings[kind]:
            for path in self._first(listing, name):
                try:
                    settings |= self._read_file(path)
                except Problems as bad:
                    unread.append(_unread(bad.problems[0]))
        self._draft.warnings += unread
        return settings, tuple(unread)

    def _first(self, listing: dict[str, Path], name: str) -> tuple[Path, ...]:
        for extension in EXTENSIONS:
            path = listing.get(name + extension)
            if path is not None:
                return tuple(self._inside(path, _DEEPEST)) if path.is_dir() else (path,)
        return ()

    def _inside(self, folder: Path, deepest: int) -> Iterator[Path]:
        """The variable files in a folder by name; hidden ones, backups and other kinds of file are passed over."""
        for path in entries(folder, self._names.shown(folder)):
            if path.name.startswith(".") or path.name.endswith("~"):
                continue
            if path.is_dir():
                if deepest and not path.suffix:
                    yield from self._inside(path, deepest - 1)
            elif path.is_file() and path.suffix in EXTENSIONS:
                yield path

    def _read_file(self, path: Path) -> dict[str, Setting]:
        """What one file sets.

        Raises:
            Problems: Why nothing of it counts: half of its variables would be worse than none.
        """
        shown = self._names.shown(path)
        data = read_bytes(path, shown)
        self._draft.files.append(str(path))
        is_encrypted = data.startswith(VAULT_HEADER.encode())
        if is_encrypted:
            data = self._decrypt(data, shown)
        source = parse_source(data, shown, limits=LIMITS, last_key_wins=True)
        self._draft.warnings += source.warnings
        before = len(self._draft.problems)
        settings = settings_in(source.root, self._draft)
        wrong = self._draft.problems[before:]
        del self._draft.problems[before:]
        if wrong:
            raise Problems(wrong)
        return {name: it.encrypted() for name, it in settings.items()} if is_encrypted else settings


def _unread(reason: Problem) -> Problem:
    """One line about a file that is left out."""
    if reason.code == "vault":
        return reason
    why = f"{reason.what}{f': {reason.why}' if reason.why else ''}"
    return Problem(
        what="the file was left out",
        why=why,
        fix=reason.fix or "Mend it: what it sets is not there until then.",
        where=reason.where,
        code="file-left-out",
        warning=True,
    )


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
