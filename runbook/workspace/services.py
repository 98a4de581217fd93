"""The services of a workspace: one file each under `inventories/services/`, and whether what they name exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from runbook.core.inventory import Inventory
from runbook.core.written.service import Service
from runbook.document.service_file import read_service
from runbook.inventory.pattern import select
from runbook.inventory.places import SERVICES
from runbook.problem import Problem, Problems, nearest
from runbook.workspace.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All that can be read, and what is wrong with the others."""

    found: tuple[Service, ...]
    problems: tuple[Problem, ...]

    def tier(self, name: str) -> str:
        """Of the service of that name, as a list shows it; empty where no file says it."""
        return next((str(one.tier) for one in self.found if one.name == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What services may name."""

    runbooks: frozenset[str]
    services: frozenset[str]
    inventories: dict[str, Inventory] = field(default_factory=dict)
    """By the name of the environment."""


def services(settings: Settings) -> Services:
    """Read all files; one that is broken keeps no other from being read."""
    folder = settings.inventories / SERVICES
    files = sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern)) if folder.is_dir() else []
    found: list[Service] = []
    problems: list[Problem] = []
    for path in files:
        try:
            found.append(read_service(path))
        except Problems as wrong:
            problems += wrong.problems
    problems += _twice(found)
    return Services(found=tuple(found), problems=tuple(problems))


def _twice(found: list[Service]) -> Iterator[Problem]:
    seen: set[str] = set()
    for one in found:
        if one.name in seen:
            what = f'two services are called "{one.name}"'
            yield Problem(what=what, fix="Give each a name of its own.", where=one.at("name"), code="duplicate-name")
        seen.add(one.name)


def unsound_service(service: Service, names: Names) -> Iterator[Problem]:
    """Everything that it names and that is not there."""
    yield from _unknown(service, "environments", service.environments, names.inventories, "environment")
    yield from _unknown(service, "depends_on", service.depends_on, names.services, "service")
    runbooks = {
        "data": [one.restore for one in service.data],
        "scenarios": [one.runbook for one in service.scenarios],
        "operations": [one.runbook for one in service.operations],
    }
    for key, written in runbooks.items():
        yield from _unknown(service, key, filter(None, written), names.runbooks, "runbook")
    places = [one.environment for one in service.scenarios if one.environment]
    yield from _unknown(service, "scenarios", places, names.inventories, "environment")
    parts = {*(one.name for one in service.components), *names.services}
    needed = [name for one in service.components for name in one.depends_on]
    yield from _unknown(service, "components", needed, parts, "component or service")
    yield from _nowhere(service, names)


def _unknown(service: Service, key: str, written: Iterable[str], known: Iterable[str], noun: str) -> Iterator[Problem]:
    there = set(known)
    for name in dict.fromkeys(written):
        if name not in there:
            fix = nearest(name, there) or f"There is no {noun} in this workspace yet."
            what = f'service {service.name} names the {noun} "{name}", and there is none'
            yield Problem(what=what, fix=fix, where=service.at(key), code=f"unknown-{noun.split(maxsplit=1)[0]}")


def _nowhere(service: Service, names: Names) -> Iterator[Problem]:
    """Components whose hosts are in none of its places."""
    places = [names.inventories[name] for name in service.environments if name in names.inventories]
    for part in service.components:
        if part.hosts and places and not any(_selects(place, part.hosts) for place in places):
            what = f'component {part.name} of {service.name} is on no host: "{part.hosts}"'
            fix = f"Write a pattern that selects somebody in {', '.join(service.environments)}."
            yield Problem(what=what, fix=fix, where=service.at("components"), code="no-host")


def _selects(inventory: Inventory, pattern: str) -> bool:
    try:
        return bool(select(inventory, pattern))
    except Problems:
        return False
