"""`runbook demo`: the whole product in one command, on servers that exist only on this machine.

In a terminal it opens the screen on the lab; anywhere else it breaks a database, fails over, and ends with the recovery
time, its objective and the path of the record. A lab that was not up before is taken down again. In a workspace that
has the runbook the record stays there; anywhere else the demo makes one of its own, and takes all of it away again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from runbook.cli.beginning.starting import watch_to_the_end
from runbook.cli.compose import recordings_option, run_async, workspace
from runbook.cli.diagnostics import can_show_screen, say
from runbook.cli.shipped import shipped
from runbook.lab.control import down, status, up
from runbook.problem import Problems
from runbook.record.address import open_store
from runbook.workspace.books import find_book
from runbook.workspace.local import HowToRun, LocalWorkspace
from runbook.workspace.prepare import Wish, prepare
from runbook.workspace.run_rows import run_rows
from runbook.workspace.settings import Settings, read_settings

BOOK = "orders-primary-lost"


@click.command("demo")
@recordings_option
@click.option("--book", default=BOOK, show_default=True, help="Another runbook of the workspace.")
def verb(*, recordings: str, book: str) -> int:
    """Fail a database over on the embedded lab, and measure how long the service was gone."""
    place = workspace("demo", recordings)
    if _has(place, book):
        return _shown(place, book)
    if book != BOOK:
        find_book(place.settings, book)
    with _somewhere() as folder:
        return _shown(LocalWorkspace(read_settings(folder, recordings=recordings), via="demo"), book)


def _shown(place: LocalWorkspace, book: str) -> int:
    with lab(place.settings):
        if can_show_screen():
            from runbook.cli.screen import open_library  # noqa: PLC0415 - lines must not pay for the screen

            return open_library(place)
        prepared = prepare(place.settings, Wish(book=book, inventory="lab"), place.secret)
        run = run_async(place.launch(prepared, HowToRun(attended=False, auto=True)))
        return watch_to_the_end(place, run, answer=False, as_json=False)


def _has(place: LocalWorkspace, book: str) -> bool:
    try:
        find_book(place.settings, book)
    except Problems:
        return False
    return True


@contextmanager
def _somewhere() -> Iterator[Path]:
    """A workspace with the shipped runbooks for as long as the block lasts; a run that goes on in it keeps it."""
    folder = Path(tempfile.mkdtemp(prefix="runbook-demo-"))
    try:
        shutil.copytree(shipped("drills"), folder / "drills")
        yield folder
    finally:
        live = [row.id for row in run_rows(open_store(str(folder / "recordings"))) if row.live]
        if live:
            say(f"Run {live[0]} goes on, so {folder} stays. Stop it there: cd {folder} && runbook halt -m done")
        else:
            shutil.rmtree(folder, ignore_errors=True)
            say("The demo is gone, its record with it. To keep one: runbook demo --recordings FOLDER")


@contextmanager
def lab(settings: Settings) -> Iterator[None]:
    """A fresh lab for as long as the block lasts; one that was up before stays up."""
    was_up = status(settings.lab).running
    say("Bringing the lab up: three SSH hosts on this machine, with a small order service.")
    up(settings.lab, inventory=settings.inventories / "lab", fresh=True)
    try:
        yield
    finally:
        if not was_up:
            down(settings.lab)
