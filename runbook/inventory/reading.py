"""Reading an inventory: finding it, reading every file of it, and resolving its hosts. The door to this room.

A name is a folder under `inventories/`; anything else is a path, or a host list with a comma in it. The steps are
always the same: the format's reader fills a draft, the draft settles what holds in every format, variable files are
laid over it by Ansible's precedence, and each host is described. Structural mistakes (a bad range, a cycle, an unknown
group, an encrypted file) are raised all at once; what concerns one host alone is kept in `Inventory.unusable`, so that
one switch in a corner does not keep anybody from restoring a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from runbook.core.inventory import Inventory
from runbook.core.plan import Environment
from runbook.document.environment_file import careful, find_environment, parse_environment
from runbook.document.host_key_policy import keys_file, under
from runbook.inventory.connection import Described, describe, merge
from runbook.inventory.draft import ALL, UNGROUPED, InventoryDraft, Setting, written
from runbook.inventory.host_expression import expand
from runbook.inventory.manner import AS_IT_IS, Reading
from runbook.inventory.pattern import idle_protection
from runbook.inventory.sources import inventory_files, read_file
from runbook.inventory.variable_files import VariableFiles, Workspace, read_bytes
from runbook.problem import Problem, Problems, Where, nearest, problem

FOLDER = "inventories"


def read_inventory(
    path_or_name: str | Path,
    *,
    workspace: Path,
    reading: Reading = AS_IT_IS,
) -> Inventory:
    """Read an inventory and its environment.

    Args:
        path_or_name: A folder under `inventories/`, a path to a file or folder, or a host list such as `web1,web2,`.
        workspace: Where `inventories/` is, and what file names are shown relative to.
        reading: Overrides, who reads the hosts, and whether programs may be run.

    Raises:
        Problems: Everything that is wrong with the inventory and its environment.
    """
    return _Assembly(Workspace(workspace), reading).read(str(path_or_name))


def inventory_names(workspace: Path) -> tuple[str, ...]:
    """The inventories that the workspace has, by name."""
    folder = workspace / FOLDER
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir())) if folder.is_dir() else ()


class _Assembly:
    """One reading, from the name to the inventory. Problems gather in the draft until everything has been looked at."""

    def __init__(self, workspace: Workspace, reading: Reading) -> None:
        self._workspace = workspace
        self._reading = reading
        self._draft = InventoryDraft()
        given = Where("command line")
        self._overrides = {name: written(value, given) for name, value in reading.overrides.items()}

    def read(self, text: str) -> Inventory:
        if "," in text and not _exists(self._workspace.root / text):
            return self._read_list(text)
        place = self._locate(text)
        folder = place if place.is_dir() else place.parent
        name = folder.name if place.is_dir() or folder.parent.name == FOLDER else text
        self._collect(lambda: self._read_files(place))
        environment = self._environment(folder, name)
        files = VariableFiles(folder if self._reading.via == "own" else None, self._workspace, self._draft)
        return self._finish(files, environment, name=name, source=place, folder=folder)

    def _read_list(self, text: str) -> Inventory:
        for word in filter(None, (word.strip() for word in text.split(","))):
            self._collect(partial(self._add_host, word))
        files = VariableFiles(None, self._workspace, self._draft)
        root = self._workspace.root
        return self._finish(files, careful(text), name=text, source=Path(text), folder=root)

    def _add_host(self, word: str) -> None:
        where = Where("host list")
        expression = expand(word, where)
        for host in expression.names:
            self._draft.add_host(host, UNGROUPED, port=expression.port, where=where)

    def _read_files(self, place: Path) -> None:
        for file in inventory_files(place, self._workspace):
            self._collect(partial(read_file, file, self._workspace, self._draft, self._reading))

    def _locate(self, text: str) -> Path:
        root = self._workspace.root
        named: tuple[Path, ...] = () if "/" in text else (root / FOLDER / text,)
        for place in (*named, root / text, Path(text).absolute()):
            if text.strip() and _exists(place):
                return place
        raise problem(
            f'no inventory "{text}"',
            why=f"neither {FOLDER}/{text} nor {text} exists",
            fix=nearest(text, inventory_names(root)) or f"Make {FOLDER}/{text}/hosts.yaml.",
            where=Where(text),
            code="no-inventory",
        )

    def _environment(self, folder: Path, name: str) -> Environment:
        path = find_environment(folder)
        if path is None:
            return careful(name)
        shown = self._workspace.shown(path)
        try:
            environment = parse_environment(read_bytes(path, shown), shown, name=name, folder=folder)
        except Problems as bad:
            self._draft.problems += bad.problems
            return careful(name)
        self._draft.files.append(str(path))
        pinned = keys_file(environment, folder)
        if pinned is not None:
            # Whom a run believed is evidence, as much as whom it was sent to.
            self._draft.files.append(str(pinned))
        return environment

    def _finish(
        self, files: VariableFiles, environment: Environment, *, name: str, source: Path, folder: Path
    ) -> Inventory:
        draft = self._draft
        draft.settle()
        layers = _layers(draft, files, self._overrides)
        groups = draft.memberships()
        hosts = [describe(host, merge(layers(host)), groups=groups[host][::-1], folder=folder) for host in draft.hosts]
        said = self._workspace.shown(find_environment(folder) or folder)
        hosts = [msgspec.structs.replace(it, host=under(it.host, environment, folder, said=said)) for it in hosts]
        if draft.problems:
            raise Problems(dict.fromkeys(draft.problems))
        return _inventory(draft, hosts, environment, name=name, source=str(source))

    def _collect(self, reading: Callable[[], None]) -> None:
        try:
            reading()
        except Problems as bad:
            self._draft.problems += bad.problems


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # too long, forbidden, or with a NUL in it: a name of nothing that we could read
        return False


def _layers(
    draft: InventoryDraft, files: VariableFiles, overrides: Mapping[str, Setting]
) -> Callable[[str], Iterator[Mapping[str, Setting]]]:
    """What is said about a host, lowest precedence first. By Ansible's order a file beats the inventory's own lines."""
    in_files = {name: files.of_group(name) for name in draft.groups}
    membership = draft.memberships()

    def layers(host: str) -> Iterator[Mapping[str, Setting]]:
        yield draft.groups[ALL].settings
        yield from (draft.groups[name].settings for name in membership[host])
        yield in_files[ALL]
        yield from (in_files[name] for name in membership[host])
        yield draft.hosts[host].settings
        yield files.of_host(host)
        yield overrides

    return layers


def _inventory(
    draft: InventoryDraft, hosts: Iterable[Described], environment: Environment, *, name: str, source: str
) -> Inventory:
    described = {it.host.name: it for it in hosts}
    warnings: list[Problem] = [*draft.warnings, *(warning for it in described.values() for warning in it.warnings)]
    inventory = Inventory(
        name=name,
        source=source,
        hosts={host: it.host for host, it in described.items()},
        groups={group: draft.hosts_in(group) for group in draft.groups},
        environment=environment,
        files=tuple(draft.files),
        passwords=tuple(password for it in described.values() for password in it.passwords),
        unreadable={host: it.unreadable for host, it in described.items() if it.unreadable},
        unusable={host: tuple(dict.fromkeys(it.problems)) for host, it in described.items() if it.problems},
        origins={host: it.origins for host, it in described.items()},
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return msgspec.structs.replace(inventory, warnings=(*inventory.warnings, *idle_protection(inventory)))
