"""What `-i` names: one place or several, each a file, a folder or a list of hosts.

A name is a folder under `inventories/`, or a part of its name that no other has; anything else is a path. Several
places are one inventory, merged from left to right as Ansible merges several `-i`; as one text they are joined by
` + `, which is how a plan and a record name them.
A folder that holds an `ansible.cfg` with an `inventory` stands for what that says, since that is what its owner's
Ansible reads there. Nothing is read here but that one file.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.inventory.manner import JOINT
from runbook.inventory.variable_files import FileNames
from runbook.problem import Problem, Problems, SeveralMeant, Where, meant_by, nearest, problem, told

FOLDER = "inventories"
SERVICES = "services"
"""The folder beside the inventories that is none: it holds what services are."""
_CONFIGURATION = "ansible.cfg"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSource:
    """One source of hosts."""

    named: str
    """As a person named it."""
    path: Path | None
    """A file or folder; None for a list of hosts."""

    @property
    def folder(self) -> Path | None:
        """Where its variable files and its environment lie."""
        return self.path if self.path is None or self.path.is_dir() else self.path.parent


def places(text: str, names: FileNames) -> tuple[HostSource, ...]:
    """The places that a text names, in the order in which they are merged.

    Raises:
        Problems: code `no-inventory`: one of them does not exist; `bad-configuration`: its `ansible.cfg` is none.
    """
    return tuple(place for part in text.split(JOINT) for place in _places(part, names))


def inventory_names(workspace: Path) -> tuple[str, ...]:
    """The inventories that the workspace has, by name."""
    folder = workspace / FOLDER
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name != SERVICES))


def _places(text: str, names: FileNames) -> Iterator[HostSource]:
    if "," in text and not _exists(names.root / text):
        yield HostSource(named=text, path=None)
        return
    path = _located(text, names)
    configured = _configured(path, names) if path.is_dir() else ()
    if not configured:
        yield HostSource(named=text, path=path)
    for word in configured:
        named = path / Path(word).expanduser()
        is_list = "," in word and not _exists(named)
        yield HostSource(named=word, path=None) if is_list else HostSource(named=text, path=_located(str(named), names))


def _located(text: str, names: FileNames) -> Path:
    root = names.root
    named: tuple[Path, ...] = () if "/" in text else (root / FOLDER / text,)
    for place in (*named, root / text, Path(text).absolute()):
        if text and _exists(place):
            return place
    meant = meant_by(text, inventory_names(root))
    if len(meant) == 1:
        return root / FOLDER / meant[0]
    raise (
        _ambiguous(text, meant)
        if meant
        else problem(
            f'no inventory "{text}"',
            why=f"neither {FOLDER}/{text} nor {text} exists",
            fix=nearest(text, inventory_names(root)) or f"Make {FOLDER}/{text}/hosts.yaml.",
            where=Where(text),
            code="no-inventory",
        )
    )


def _ambiguous(text: str, meant: tuple[str, ...]) -> Problems:
    one = Problem(
        what=f'"{text}" may be any of {len(meant)} inventories',
        why=f"it stands in their names: {told(meant)}",
        where=Where(text),
        code="ambiguous-inventory",
    )
    return SeveralMeant(one, typed=text, instead=meant[0])


def _configured(folder: Path, names: FileNames) -> tuple[str, ...]:
    """What the folder's own `ansible.cfg` says that the inventory is; nothing where it says nothing."""
    file = folder / _CONFIGURATION
    if not file.is_file():
        return ()
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";",))
    try:
        parser.read_string(file.read_text("utf-8", "replace"), source=str(file))
    except (OSError, configparser.Error) as error:
        raise problem(
            f"{names.shown(file)} cannot be read",
            why=str(error).partition("\n")[0],
            fix="Mend it, or name the inventory itself: -i FILE.",
            where=Where(names.shown(file)),
            code="bad-configuration",
        ) from error
    said = parser.get("defaults", "inventory", fallback="")
    return tuple(filter(None, (word.strip() for word in said.split(","))))


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # too long, forbidden, or with a NUL in it: a name of nothing that we could read
        return False
