"""An inventory while it is being read: groups, hosts and settings as the files state them, before any precedence.

Every format (INI, YAML, a program's JSON, a host list) writes into one `InventoryDraft`, so the rules of Ansible that
have nothing to do with syntax stand here once: `all` is above everything, `ungrouped` holds who is in no other group,
a cycle of children is refused at the edge that would close it, depth is the longest way down from `all`. It resolves
no variable and knows no connection setting. It collects problems instead of raising, so that one reading reports all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from runbook.core.host import Json
from runbook.problem import Problem, Where, nearest

_GROUP_NAME = re.compile(r"\w[\w.@+-]*")
"""Wider than Ansible's own rule (a Python identifier), which it only warns about."""

ALL = "all"
UNGROUPED = "ungrouped"

VAULT_HEADER = "$ANSIBLE_VAULT"
"""How every vault text begins (https://docs.ansible.com/ansible/latest/vault_guide/vault_encrypting_content.html)."""

MAX_HOSTS = 20_000
"""Ten times the largest fleet that we promise to run; a range such as web[1:999999999] must not eat the memory."""


Form = Literal["plain", "template", "vault"]
"""How a value is written: as itself, as Jinja text that only Ansible can render, or encrypted."""


class Setting(msgspec.Struct, frozen=True):
    """A variable's value and the place that says so."""

    value: Json
    where: Where
    form: Form = "plain"
    """Anything but `plain` means that `value` is not what the author's hosts would see."""
    is_secret: bool = False
    """It was kept encrypted: whatever its name is, it is in no plan and masked everywhere."""

    def encrypted(self) -> Setting:
        """The same, as something that its author encrypted."""
        return msgspec.structs.replace(self, is_secret=True)


def written(value: Json, where: Where) -> Setting:
    """A setting whose form is read off its text: the way of formats that have no tags."""
    return Setting(value, where, form_of(value))


def form_of(value: Json) -> Form:
    """The gravest form anywhere inside a value."""
    match value:
        case str() if value.startswith(VAULT_HEADER):
            return "vault"
        case str() if "{{" in value or "{%" in value:
            return "template"
        case list():
            return gravest(form_of(item) for item in value)
        case dict():
            return gravest(form_of(item) for item in value.values())
        case _:
            return "plain"


def gravest(forms: Iterable[Form]) -> Form:
    """One form for a value made of several."""
    found = set(forms)
    return "vault" if "vault" in found else "template" if "template" in found else "plain"


@dataclass(slots=True)
class DraftHost:
    """A host as far as it has been read."""

    name: str
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(slots=True)
class DraftGroup:
    """A group as far as it has been read. Dictionaries stand in for ordered sets."""

    name: str
    where: Where | None = None
    """Where it is first mentioned; None for the two that always exist."""
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    priority: int = 1
    """`ansible_group_priority`: among groups of one depth the higher wins."""


class InventoryDraft:
    """Collects what the files say. `settle` is called once, after the last file."""

    def __init__(self) -> None:
        """Begin as Ansible does: with `all` above `ungrouped`, and nobody in either."""
        self.hosts: dict[str, DraftHost] = {}
        self.groups: dict[str, DraftGroup] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.files: list[str] = []
        self.half_read: dict[str, Problem] = {}
        """Host or group name to the broken file that speaks of it: what that says about it is not all known."""
        self._file = ""
        self._spoken_of: set[str] = set()
        self.add_group(ALL)
        self.add_group(UNGROUPED)
        self._link(ALL, UNGROUPED)

    def begin_file(self, shown: str) -> None:
        """From here on another file speaks."""
        self._file, self._spoken_of = shown, set()

    def set_aside(self, wrong: list[Problem]) -> None:
        """What is wrong with the file that spoke last is its owner's business, and that of those it speaks of."""
        if not wrong:
            return
        first = wrong[0]
        more = f", and {len(wrong) - 1} more mistakes" if len(wrong) > 1 else ""
        warning = Problem(
            what="the file could not be read as a whole",
            why=f"{first.what}{f': {first.why}' if first.why else ''}{more}",
            fix="Mend it, or move it out of the folder: the hosts that it names cannot be used until then.",
            where=first.where,
            code="file-left-out",
            warning=True,
        )
        self.problems = [problem for problem in self.problems if problem not in wrong]
        self.warnings.append(warning)
        self.half_read |= dict.fromkeys(self._spoken_of - {ALL, UNGROUPED}, warning)

    def add_group(self, name: str, where: Where | None = None) -> DraftGroup:
        """The group of that name, made if it is new."""
        self._spoken_of.add(name)
        if name not in self.groups:
            self.groups[name] = DraftGroup(name, where)
        return self.groups[name]

    def add_host(self, name: str, group: str, *, port: int | None, where: Where) -> None:
        """Put a host into a group. A port counts only where the host is first mentioned, as in Ansible."""
        self._spoken_of.add(name)
        if name not in self.hosts:
            if len(self.hosts) >= MAX_HOSTS:
                self._refuse_more_hosts(where)
                return
            self.hosts[name] = DraftHost(name)
            if port is not None:
                self.hosts[name].settings["ansible_port"] = Setting(port, where)
        self.add_group(group).hosts[name] = None

    def add_child(self, parent: str, child: str, *, where: Where) -> None:
        """Put one group under another; an edge that would close a cycle is a problem and is not made."""
        # Everything ends up inside `all`, also a group that has not been linked to it yet.
        if child in (parent, ALL) or parent in self.descendants(child):
            self.problems.append(
                Problem(
                    what=f'group "{child}" cannot be a child of "{parent}"',
                    why=f'"{parent}" is itself inside "{child}", so the groups would contain each other',
                    fix="Remove one of the two children entries.",
                    where=where,
                    code="group-cycle",
                )
            )
            return
        self._link(parent, child)

    def set_group(self, group: str, variable: str, setting: Setting) -> None:
        """Set a group's variable. `ansible_group_priority` orders groups and is no variable of any host."""
        if variable != "ansible_group_priority":
            self.add_group(group).settings[variable] = setting
            return
        try:
            self.add_group(group).priority = int(str(setting.value))
        except ValueError:
            self.problems.append(
                Problem(
                    what=f'ansible_group_priority of group "{group}" is {setting.value!r}',
                    fix="Write a whole number.",
                    where=setting.where,
                    code="wrong-type",
                )
            )

    def set_host(self, host: str, variable: str, setting: Setting) -> None:
        """Set a host's variable. Where a group has the host's name the group gets it, as Ansible does."""
        self._spoken_of.add(host)
        if host in self.groups:
            self.set_group(host, variable, setting)
        elif host in self.hosts:
            self.hosts[host].settings[variable] = setting

    def descendants(self, name: str) -> Iterable[str]:
        """The group and everything below it, level by level, each once; the order in which hosts are taken."""
        seen = {name: None}
        level = [name]
        while level:
            below = [child for group in level for child in self.groups[group].children]
            level = [child for child in dict.fromkeys(below) if child not in seen]
            seen.update(dict.fromkeys(level))
        return seen

    def hosts_in(self, group: str) -> tuple[str, ...]:
        """Hosts of a group and of the groups below it."""
        below = self.descendants(group)
        return tuple(dict.fromkeys(host for name in below for host in self.groups[name].hosts))

    def settle(self) -> None:
        """Apply what holds for every inventory once all of it is known."""
        for name, group in self.groups.items():
            if name != ALL and not group.parents:
                self._link(ALL, name)
        grouped = {host for name, group in self.groups.items() if name not in (ALL, UNGROUPED) for host in group.hosts}
        ungrouped = self.groups[UNGROUPED].hosts
        for host in self.hosts:
            if host in grouped:
                ungrouped.pop(host, None)
            else:
                ungrouped[host] = None
        self._warn_of_shared_names()
        self._refuse_odd_names()

    def memberships(self) -> Mapping[str, tuple[str, ...]]:
        """Host name to its groups without `all`, in the order in which their variables apply: the last one wins."""
        rank = {name: index for index, name in enumerate(self._by_precedence())}
        above = {name: self._ancestors(name) for name in self.groups}
        found: dict[str, set[str]] = {host: set() for host in self.hosts}
        for name, group in self.groups.items():
            for host in group.hosts:
                found[host] |= above[name]
        return {host: tuple(sorted(names - {ALL}, key=rank.__getitem__)) for host, names in found.items()}

    def _by_precedence(self) -> list[str]:
        depth = dict.fromkeys(self.groups, 0)
        level = {ALL}
        while level:
            below = [(child, depth[name] + 1) for name in level for child in self.groups[name].children]
            level = set()
            for child, found in below:
                if found > depth[child]:
                    depth[child] = found
                    level.add(child)
        return sorted(self.groups, key=lambda name: (depth[name], self.groups[name].priority, name))

    def _ancestors(self, name: str) -> set[str]:
        seen = {name}
        waiting = [name]
        while waiting:
            parents = set(self.groups[waiting.pop()].parents) - seen
            seen |= parents
            waiting += parents
        return seen

    def _link(self, parent: str, child: str) -> None:
        self.add_group(parent).children[child] = None
        self.add_group(child).parents[parent] = None

    def _refuse_more_hosts(self, where: Where) -> None:
        if not any(problem.code == "too-many-hosts" for problem in self.problems):
            self.problems.append(
                Problem(
                    what=f"the inventory has more than {MAX_HOSTS} hosts",
                    fix="Check the ranges, or split the inventory.",
                    where=where,
                    code="too-many-hosts",
                )
            )

    def _warn_of_shared_names(self) -> None:
        for name in sorted(set(self.hosts) & set(self.groups)):
            self.warnings.append(
                Problem(
                    what=f'"{name}" is a host and a group',
                    why="a pattern of that name takes the host only",
                    fix="Rename one of them.",
                    where=Where(f"host {name}"),
                    code="ambiguous-name",
                    warning=True,
                )
            )

    def _refuse_odd_names(self) -> None:
        for name, group in self.groups.items():
            if not _GROUP_NAME.fullmatch(name):
                self.problems.append(
                    Problem(
                        what=f"{name!r} is no group name",
                        why="a pattern could not name it, or would mean something else by it",
                        fix="Use letters, digits, _ and -, and begin with a letter, a digit or _.",
                        where=group.where,
                        code="bad-group",
                    )
                )


def undefined_group(name: str, *, known: Iterable[str], where: Where) -> Problem:
    """The problem of a section that speaks of a group that nobody defines."""
    return Problem(
        what=f'group "{name}" is not defined',
        fix=nearest(name, known) or f"Add a section [{name}].",
        where=where,
        code="unknown-group",
    )
