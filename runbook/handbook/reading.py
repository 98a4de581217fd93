"""From a workspace to the facts of its handbook: every file and every record of it, read once.

The digest is of contents and never of times of files: a checkout makes all files new, and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.document.runbook_file import read_runbook
from runbook.handbook.facts import PAGES, Facts
from runbook.handbook.page import Page, read_page
from runbook.inventory.places import SERVICES, inventory_names
from runbook.inventory.reading import read_inventory
from runbook.problem import Problem, Problems
from runbook.record.store import Store
from runbook.record.summary import RunSummary
from runbook.register.reading import register
from runbook.schedule.agenda import agenda
from runbook.workspace.books import book_files
from runbook.workspace.findings import read_findings
from runbook.workspace.services import services
from runbook.workspace.settings import Settings


def facts(settings: Settings, store: Store, now: datetime) -> tuple[Facts, tuple[Problem, ...]]:
    """What there is, and what kept the rest from being told.

    Raises:
        Problems: Records or findings cannot be listed.
    """
    due, rehearsed = agenda(settings, store, now), register(settings, store, now)
    runs = tuple(store.runs())
    files = sorted(set(_files(settings)))
    found = Facts(
        now=now,
        services=services(settings).found,
        books=tuple(_books(settings)),
        places=tuple(_places(settings)),
        items=due.items,
        entries=rehearsed.entries,
        findings=read_findings(settings.recordings),
        runs=runs,
        pages=dict(_pages(settings)),
        root=str(settings.root),
        days={_name(settings, path): _day(path) for path in files},
        digest=_digest(settings, files, runs),
    )
    return found, tuple(dict.fromkeys((*due.problems, *rehearsed.problems)))


def _books(settings: Settings) -> Iterator[Runbook]:
    for path in book_files(settings):
        try:
            yield read_runbook(path)
        except Problems:
            continue  # the agenda tells of it


def _places(settings: Settings) -> Iterator[Inventory]:
    for name in inventory_names(settings.root):
        try:
            yield read_inventory(name, workspace=settings.root)
        except Problems:
            continue  # `check` tells of it


def _pages(settings: Settings) -> Iterator[tuple[str, Page]]:
    for path in sorted((settings.root / PAGES).glob("*.md")):
        yield path.stem, read_page(path.stem, path.read_text(encoding="utf-8", errors="replace"))


def _files(settings: Settings) -> Iterator[Path]:
    """Everything that it is made from and that somebody wrote."""
    yield from book_files(settings)
    yield from (settings.root / PAGES).glob("*.md")
    folders = [
        settings.inventories / SERVICES,
        *(settings.inventories / name for name in inventory_names(settings.root)),
    ]
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def _name(settings: Settings, path: Path) -> str:
    return str(path.relative_to(settings.root)) if path.is_relative_to(settings.root) else str(path)


def _day(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _digest(settings: Settings, files: list[Path], runs: tuple[RunSummary, ...]) -> str:
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{_name(settings, path)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for run in runs:
        whole.update(f"{run.run}\0{run.verdict}\0{run.proof.ended if run.proof else ''}\n".encode())
    for name, one in read_findings(settings.recordings).items():
        whole.update(f"{name}\0{one.closed is None}\n".encode())
    return whole.hexdigest()
