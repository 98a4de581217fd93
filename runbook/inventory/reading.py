"""Reading an inventory: finding it, reading every file of it, and resolving its hosts. The door to this room.

The steps are always the same: the places are found, the format's reader fills a draft, the draft settles what holds in
every format, variable files are laid over it by Ansible's precedence, and each host is described. Structural mistakes
of a file that was named (a bad range, a cycle, an unknown group) are raised all at once. What concerns one host, or one
file of many, is kept in `Inventory.unusable` and `Inventory.unread`, so that one switch in a corner, or somebody else's
broken file, does not keep anybody from restoring a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment
from runbook.document.environment_file import careful, find_environment, parse_environment
from runbook.document.host_key_policy import keys_file, under
from runbook.inventory.connection import Described, describe, merge
from runbook.inventory.draft import ALL, UNGROUPED, InventoryDraft, Setting, written
from runbook.inventory.host_expression import expand
from runbook.inventory.manner import AS_IT_IS, JOINT, Reading
from runbook.inventory.opened import Opener
from runbook.inventory.pattern import idle_protection
from runbook.inventory.places import FOLDER, HostSource, places
from runbook.inventory.sources import inventory_files, read_file, read_through_ansible
from runbook.inventory.variable_files import FileNames, VariableFiles, read_bytes
from runbook.inventory.vault import decrypter
from runbook.problem import Problem, Problems, Where, problem


def read_inventory(
    path_or_name: str | Path,
    *,
    workspace: Path,
    reading: Reading = AS_IT_IS,
) -> Inventory:
    """Read an inventory and its environment.

    Args:
        path_or_name: A folder under `inventories/`, a path to a file or folder, a host list such as `web1,web2,`, or
            several of these, joined by `places.JOINT`.
        workspace: Where `inventories/` is, and what file names are shown relative to.
        reading: Overrides, who reads the hosts, and whether programs may be run.

    Raises:
        Problems: Everything that is wrong with the inventory and its environment.
    """
    return _Assembly(FileNames(workspace), reading).read(str(path_or_name))


class _Assembly:
    """One reading, from the name to the inventory. Problems gather in the draft until everything has been looked at."""

    def __init__(self, names: FileNames, reading: Reading) -> None:
        self._names = names
        self._reading = reading
        self._draft = InventoryDraft()
        given = Where("command line")
        self._overrides = {name: written(value, given) for name, value in reading.overrides.items()}

    def read(self, text: str) -> Inventory:
        found = places(text, self._names)
        folders = tuple(dict.fromkeys(place.folder for place in found if place.folder))
        environment, spoke = self._environment_of(folders, _name(text, found))
        beside = frozenset(Path(file).resolve() for file in self._draft.files)
        for place in found:
            self._collect(partial(self._read_place, place, beside))
        beneath = folders if self._reading.via == "own" else ()
        files = VariableFiles(beneath, self._names, self._draft, decrypter(self._reading.vault_password))
        source = JOINT.join(str(place.path or place.named) for place in found)
        return self._finish(files, environment, name=environment.name, source=source, folder=spoke)

    def _read_place(self, place: HostSource, beside: frozenset[Path]) -> None:
        if place.path is None:
            for word in filter(None, (word.strip() for word in place.named.split(","))):
                self._collect(partial(self._add_host, word))
        elif self._reading.via == "ansible-inventory":
            read_through_ansible(place.path, self._names, self._draft, self._reading, beside=beside)
        else:
            self._read_files(place.path, beside)

    def _add_host(self, word: str) -> None:
        where = Where("host list")
        expression = expand(word, where)
        for host in expression.names:
            self._draft.add_host(host, UNGROUPED, port=expression.port, where=where)

    def _read_files(self, place: Path, beside: frozenset[Path]) -> None:
        """One file must be right. Of many, one that is broken is somebody else's, and keeps nobody else's hosts."""
        files = inventory_files(place, self._names, beside=beside)
        for file in files:
            self._draft.begin_file(self._names.shown(file))
            before = len(self._draft.problems)
            self._collect(partial(read_file, file, self._names, self._draft, self._reading))
            if len(files) > 1:
                self._draft.set_aside(self._draft.problems[before:])

    def _environment_of(self, folders: tuple[Path, ...], name: str) -> tuple[Environment, Path]:
        """What the place says about itself, and the folder that says it.

        Raises:
            Problems: Two places say it: nobody could tell how careful to be.
        """
        speaking = tuple(folder for folder in folders if find_environment(folder))
        if len(speaking) > 1:
            both = " and ".join(self._names.shown(folder) for folder in speaking[:2])
            raise problem(
                f"{both} each say what kind of place they are",
                why="one run happens in one environment",
                fix="Leave environment.yaml in one of them.",
                where=Where(name),
                code="two-environments",
            )
        folder = (*speaking, *folders, self._names.root)[0]
        return (self._environment(folder, name) if folders else careful(name)), folder

    def _environment(self, folder: Path, name: str) -> Environment:
        path = find_environment(folder)
        if path is None:
            return careful(name)
        shown = self._names.shown(path)
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
        self, files: VariableFiles, environment: Environment, *, name: str, source: str, folder: Path
    ) -> Inventory:
        draft = self._draft
        draft.settle()
        layers = _layers(draft, files, self._overrides)
        groups = draft.memberships()
        opener = Opener(decrypter(self._reading.vault_password) if self._reading.vault_password else None)
        merged = opener.opened({host: merge(layers(host)) for host in draft.hosts})
        hosts = [describe(host, merged[host], groups=groups[host][::-1], folder=folder) for host in draft.hosts]
        draft.warnings += opener.warnings
        said = self._names.shown(find_environment(folder) or folder)
        hosts = [msgspec.structs.replace(it, host=under(it.host, environment, folder, said=said)) for it in hosts]
        if draft.problems:
            raise Problems(dict.fromkeys(draft.problems))
        unread = {host: _unread(files, host, groups[host]) for host in draft.hosts}
        inventory = _inventory(draft, hosts, environment, name=name, source=source)
        return msgspec.structs.replace(inventory, unread={host: found for host, found in unread.items() if found})

    def _collect(self, reading: Callable[[], None]) -> None:
        try:
            reading()
        except Problems as bad:
            self._draft.problems += bad.problems


def _name(text: str, found: tuple[HostSource, ...]) -> str:
    """How an operator calls it: the folder's name where there is one, else as given."""
    path = found[0].path if len(found) == 1 else None
    if path is None:
        return text
    folder = path if path.is_dir() else path.parent
    return folder.name if path.is_dir() or folder.parent.name == FOLDER else text


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


def _unread(files: VariableFiles, host: str, groups: tuple[str, ...]) -> tuple[Problem, ...]:
    """Why variables of a host may be missing."""
    of_groups = (problem for group in (ALL, *groups) for problem in files.unread_of_group[group])
    return (*of_groups, *files.unread_of_host[host])


def _empty(name: str, source: str) -> Problem:
    why = "what was read names none, and a pattern would select nobody"
    fix = "Add hosts, or name another inventory: -i NAME."
    return Problem(
        what=f"{name} lists no host", why=why, fix=fix, where=Where(source), code="empty-inventory", warning=True
    )


def _why_unusable(draft: InventoryDraft, it: Described) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys((*it.problems, *_half_read(draft, it))))


def _half_read(draft: InventoryDraft, it: Described) -> tuple[Problem, ...]:
    """Why a host that a broken file speaks of, itself or a group of it, cannot be used."""
    blamed = dict.fromkeys(draft.half_read[name] for name in (it.host.name, *it.host.groups) if name in draft.half_read)
    return tuple(msgspec.structs.replace(each, warning=False, code="half-read") for each in blamed)


def _inventory(
    draft: InventoryDraft, hosts: Iterable[Described], environment: Environment, *, name: str, source: str
) -> Inventory:
    described = {it.host.name: it for it in hosts}
    warnings = [*draft.warnings, *(warning for it in described.values() for warning in it.warnings)]
    if not draft.hosts:
        warnings.append(_empty(name, source))
    inventory = Inventory(
        name=name,
        source=source,
        hosts={host: it.host for host, it in described.items()},
        groups={group: draft.hosts_in(group) for group in draft.groups},
        environment=environment,
        files=tuple(draft.files),
        passwords=tuple(password for it in described.values() for password in it.passwords),
        become_methods={host: it.become_method for host, it in described.items() if it.become_method},
        unreadable={host: it.unreadable for host, it in described.items() if it.unreadable},
        unusable={host: why for host, it in described.items() if (why := _why_unusable(draft, it))},
        origins={host: it.origins for host, it in described.items()},
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return msgspec.structs.replace(inventory, warnings=(*inventory.warnings, *idle_protection(inventory)))
