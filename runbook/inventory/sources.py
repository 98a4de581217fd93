"""Which files an inventory consists of, and which reader each of them gets.

A folder is read as Ansible reads it: every file in it and below it, by name, but for the endings that Ansible passes
over. `.yaml`, `.yml` and `.json` are YAML, a name without an ending is a program, YAML or INI by what it holds, and
whatever else it ends in is INI. Nothing here knows a format's rules, and no program runs unless somebody agreed to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runbook.document.environment_file import FILE_NAMES
from runbook.document.source import MapNode, parse_source
from runbook.inventory.draft import InventoryDraft
from runbook.inventory.ini_form import read_ini
from runbook.inventory.json_form import read_json
from runbook.inventory.manner import Agree, Reading
from runbook.inventory.variable_files import LIMITS, FileNames, entries, read_bytes
from runbook.inventory.yaml_form import read_yaml
from runbook.problem import Exit, Problems, Where, problem

_YAML = (".yaml", ".yml", ".json")
_PASSED_OVER = (
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"
)  # fmt: skip
"""Endings of files that lie in an inventory's folder and are none: Ansible's INVENTORY_IGNORE_EXTS as it is shipped."""
_NOT_SOURCES = frozenset({"group_vars", "host_vars", "vars_plugins", *FILE_NAMES})
_DEEPEST = 8
"""Folders within folders; a symbolic link that points upwards must not be followed for ever."""


def inventory_files(place: Path, names: FileNames, *, beside: frozenset[Path] = frozenset()) -> tuple[Path, ...]:
    """The inventory files of a place: itself, or every file in the folder and the folders below it, by name.

    Args:
        place: A file, whatever its ending, or a folder.
        names: How names are shown.
        beside: Files of ours in the folder that list no hosts, such as pinned host keys.

    Raises:
        Problems: The folder cannot be read, or has nothing to read.
    """
    if not place.is_dir():
        return (place,)
    files = tuple(path for path in _below(place, names, _DEEPEST) if path.resolve() not in beside)
    if not files:
        shown = names.shown(place)
        raise problem(
            f"{shown} holds no inventory", fix=f"Make {shown}/hosts.yaml.", where=Where(shown), code="no-inventory"
        )
    return files


def _below(folder: Path, names: FileNames, deepest: int) -> Iterator[Path]:
    for path in entries(folder, names.shown(folder)):
        if path.name.startswith(".") or path.name.endswith(_PASSED_OVER) or path.name in _NOT_SOURCES:
            continue
        if path.is_dir():
            if deepest:
                yield from _below(path, names, deepest - 1)
        elif path.is_file():
            yield path


def read_file(path: Path, names: FileNames, draft: InventoryDraft, reading: Reading) -> None:
    """Read one inventory file into the draft.

    Raises:
        Problems: It cannot be read at all; what is wrong inside it goes to `draft.problems`.
    """
    shown = names.shown(path)
    if path.is_file() and _is_program(path):
        _require_agreement(path, shown, reading.agree)
        # Late, because starting processes is a large library's work and most inventories are plain files.
        from runbook.inventory.program import list_program  # noqa: PLC0415 - said above

        read_json(list_program(path, shown), shown, draft)
    else:
        _read_static(path, shown, draft)
    draft.files.append(str(path))


def read_through_ansible(
    place: Path, names: FileNames, draft: InventoryDraft, reading: Reading, *, beside: frozenset[Path]
) -> None:
    """Have Ansible read a place, whole as it was named: which of its files count is Ansible's business then.

    Raises:
        Problems: Ansible is not there, or a program in the place was not agreed to, or Ansible refuses the place.
    """
    from runbook.inventory.program import list_with_ansible  # noqa: PLC0415 - as above

    files = inventory_files(place, names, beside=beside)
    for path in files:
        if _is_program(path):
            _require_agreement(path, names.shown(path), reading.agree)
    shown = names.shown(place)
    passed_over = (*FILE_NAMES, *(path.name for path in beside if path.parent == place.resolve()))
    read_json(list_with_ansible(place, shown, passed_over=passed_over), shown, draft)
    draft.files += map(str, files)


def _require_agreement(path: Path, shown: str, agree: Agree | None) -> None:
    if agree is not None and agree(path):
        return
    raise problem(
        f"{shown} is a program and was not run",
        why="an inventory that is a program does whatever it likes on this machine",
        fix="Look at it, then give --run-inventory-program; or take away its executable bit if it is no program.",
        where=Where(shown),
        code="program-not-agreed",
        exit=Exit.REFUSED,
    )


def _is_program(path: Path) -> bool:
    """Whether a file is meant to be run: it is executable and begins as programs do.

    The executable bit alone proves nothing; files that crossed a foreign file system all have it.
    """
    if not os.access(path, os.X_OK | os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(4).startswith((b"#!", b"\x7fELF"))


def _read_static(path: Path, shown: str, draft: InventoryDraft) -> None:
    data = read_bytes(path, shown)
    if path.suffix in _YAML or (path.suffix == "" and _is_mapping(data, shown)):
        source = parse_source(data, shown, limits=LIMITS, last_key_wins=True)
        draft.warnings += source.warnings
        read_yaml(source.root, draft)
    elif path.suffix == ".toml":
        fix = "Read it through Ansible: --inventory-via ansible-inventory."
        raise problem(f"{shown} is TOML, which is not read here", fix=fix, where=Where(shown), code="unknown-format")
    else:
        read_ini(_text(data, shown), shown, draft)


def _is_mapping(data: bytes, shown: str) -> bool:
    """Whether a file without an ending is YAML: a marked one is, whatever is wrong with it; else a mapping is."""
    if data.startswith(b"---"):
        return True
    try:
        return isinstance(parse_source(data, shown, limits=LIMITS, last_key_wins=True).root, MapNode)
    except Problems:
        return False


def _text(data: bytes, shown: str) -> str:
    if len(data) > LIMITS.size:
        fix = "Split the inventory."
        raise problem(f"{shown} is larger than {LIMITS.size:,} bytes", fix=fix, where=Where(shown), code="too-large")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = Where(shown, data.count(b"\n", 0, error.start) + 1)
        fix = "Save the file as UTF-8."
        raise problem("not UTF-8 text", fix=fix, where=where, code="bad-encoding") from error
