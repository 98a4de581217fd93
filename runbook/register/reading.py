"""From a workspace to its register: services, the runbooks of their scenarios, inventories and records, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.core.written.schedule import Schedule
from runbook.core.written.service import Scenario, Service
from runbook.document.runbook_file import read_runbook
from runbook.inventory.places import inventory_names
from runbook.inventory.reading import read_inventory
from runbook.problem import Problem, Problems
from runbook.record.store import Store
from runbook.register.entry import Entry, entry
from runbook.schedule.agenda import duty_of
from runbook.schedule.duty import Duty
from runbook.workspace.books import book_files
from runbook.workspace.services import Names, services, unsound_service
from runbook.workspace.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Every scenario, and what kept others from being told."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def register(settings: Settings, store: Store, now: datetime) -> Register:
    """The register at that instant, the highest tier first.

    Raises:
        Problems: The records cannot be listed.
    """
    known, books = services(settings), {book.name: book for book in _books(settings)}
    problems = list(known.problems)
    names = Names(
        runbooks=frozenset(books),
        services=frozenset(one.name for one in known.found),
        inventories={one.environment.name: one for one in _inventories(settings)},
    )
    runs = store.runs()
    entries = []
    for service in sorted(known.found, key=lambda one: (one.tier, one.name)):
        problems += unsound_service(service, names)
        for scenario in service.scenarios:
            duty = _duty(service, scenario, books.get(scenario.runbook), names)
            mine = [run for run in runs if duty is not None and run.runbook == duty.runbook]
            entries.append(entry(service, scenario, duty, mine, now))
    return Register(entries=tuple(entries), problems=tuple(problems))


def _books(settings: Settings) -> list[Runbook]:
    found = []
    for path in book_files(settings):
        try:
            found.append(read_runbook(path))
        except Problems:
            continue  # `check` tells of it; here its scenario is one without a runbook
    return found


def _inventories(settings: Settings) -> Iterator[Inventory]:
    for name in inventory_names(settings.root):
        try:
            yield read_inventory(name, workspace=settings.root)
        except Problems:
            continue  # likewise


def _duty(service: Service, scenario: Scenario, book: Runbook | None, names: Names) -> Duty | None:
    """What has to be rehearsed where: in the place that the scenario names, else the first of the service's."""
    places = [name for name in (scenario.environment, *service.environments) if name in names.inventories]
    if book is None or not places:
        return None
    # What a run must have been like stands in the runbook's own schedule, where it has one for that place.
    schedule = next(iter(book.schedules), Schedule(every=scenario.every or 1.0))
    duty = duty_of(book, replace(schedule, cron="", every=scenario.every or 1.0), names.inventories[places[0]])
    return replace(duty, parameters={})
