"""Which files an inventory consists of, and which reader each of them gets.

The file's ending decides where it has one; a bare `hosts` is a program, YAML or INI by what it holds, which are the
kinds that Ansible would try. Nothing here knows a format's rules, and no program runs unless somebody agreed to it.
"""

from __future__ import annotations

import os
from pathlib import Path

from runbook.document.environment_file import FILE_NAMES
from runbook.document.source import MapNode, parse_source
from runbook.inventory.draft import InventoryDraft
from runbook.inventory.ini_form import read_ini
from runbook.inventory.json_form import read_json
from runbook.inventory.manner import Agree, Reading, Via
from runbook.inventory.variable_files import LIMITS, Workspace, entries, read_bytes
from runbook.inventory.yaml_form import read_yaml
from runbook.problem import Exit, Problems, Where, problem

HOSTS_FILES = ("hosts.yaml", "hosts.yml", "hosts.ini", "hosts.json", "hosts")
_YAML = (".yaml", ".yml", ".json")
_INI = (".ini", ".cfg", "")
_LEFT_ALONE = (".bak", ".md", ".orig", ".pyc", ".pub", ".retry", ".rst", ".swp", ".txt")
"""Endings of files that lie beside inventories and are none; much the same as Ansible's list."""


def inventory_files(place: Path, workspace: Workspace) -> tuple[Path, ...]:
    """The inventory files of a place: itself, its one `hosts` file, or, without one, every file in the folder.

    Raises:
        Problems: The folder has several `hosts` files, or nothing to read.
    """
    if not place.is_dir():
        return (place,)
    hosts = tuple(place / name for name in HOSTS_FILES if (place / name).is_file())
    shown = workspace.shown(place)
    if len(hosts) > 1:
        names = ", ".join(path.name for path in hosts)
        fix = "Keep one of them."
        raise problem(
            f"{shown} has {names}", why="which counts?", fix=fix, where=Where(shown), code="ambiguous-inventory"
        )
    files = hosts or tuple(path for path in entries(place, shown) if _may_be_inventory(path))
    if not files:
        raise problem(
            f"{shown} holds no inventory", fix=f"Make {shown}/hosts.yaml.", where=Where(shown), code="no-inventory"
        )
    return files


def read_file(path: Path, workspace: Workspace, draft: InventoryDraft, reading: Reading) -> None:
    """Read one inventory file into the draft.

    Raises:
        Problems: It cannot be read at all; what is wrong inside it goes to `draft.problems`.
    """
    shown = workspace.shown(path)
    program = path.is_file() and _is_program(path)
    if program:
        _require_agreement(path, shown, reading.agree)
    if program or reading.via == "ansible-inventory":
        _read_program(path, shown, draft, via=reading.via)
    else:
        _read_static(path, shown, draft)
    draft.files.append(str(path))


def _may_be_inventory(path: Path) -> bool:
    hidden = path.name.startswith(".") or path.name.endswith("~")
    return path.is_file() and not hidden and path.name not in FILE_NAMES and path.suffix not in _LEFT_ALONE


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


def _read_program(path: Path, shown: str, draft: InventoryDraft, *, via: Via) -> None:
    # Late, because starting processes is a large library's work and most inventories are plain files.
    from runbook.inventory.program import list_program, list_with_ansible  # noqa: PLC0415 - said above

    run = list_with_ansible if via == "ansible-inventory" else list_program
    read_json(run(path, shown), shown, draft)


def _read_static(path: Path, shown: str, draft: InventoryDraft) -> None:
    data = read_bytes(path, shown)
    if path.suffix in _YAML or (path.suffix == "" and _is_mapping(data, shown)):
        read_yaml(parse_source(data, shown, limits=LIMITS).root, draft)
    elif path.suffix in _INI:
        read_ini(_text(data, shown), shown, draft)
    else:
        fix = "Use .yaml, .ini, or no ending at all."
        raise problem(f'{shown} ends in "{path.suffix}"', fix=fix, where=Where(shown), code="unknown-format")


def _is_mapping(data: bytes, shown: str) -> bool:
    """Whether a file without an ending is YAML: a marked one is, whatever is wrong with it; else a mapping is."""
    if data.startswith(b"---"):
        return True
    try:
        return isinstance(parse_source(data, shown, limits=LIMITS).root, MapNode)
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
