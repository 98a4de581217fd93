"""`runbook demo`: the whole product in one command, on servers that exist only on this machine.

In a terminal it opens the screen on the lab; anywhere else it breaks a database, fails over, and ends with the recovery
time, its objective and the path of the record. A lab that was not up before is taken down again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from runbook.cli.compose import recordings_option, run_async, workspace
from runbook.cli.diagnostics import can_show_screen, say
from runbook.cli.starting import watch_to_the_end
from runbook.lab.control import down, status, up
from runbook.workspace.local import HowToRun
from runbook.workspace.prepare import Wish, prepare
from runbook.workspace.settings import Settings

BOOK = "orders-primary-lost"


@click.command("demo")
@recordings_option
@click.option("--book", default=BOOK, show_default=True, help="Another runbook of the workspace.")
def verb(*, recordings: str, book: str) -> int:
    """Fail a database over on the embedded lab, and measure how long the service was gone."""
    place = workspace("demo", recordings)
    with lab(place.settings):
        if can_show_screen():
            from runbook.cli.screen import open_library  # noqa: PLC0415 - lines must not pay for the screen

            return open_library()
        prepared = prepare(place.settings, Wish(book=book, inventory="lab"), place.secret)
        run = run_async(place.launch(prepared, HowToRun(attended=False, auto=True)))
        return watch_to_the_end(place, run, answer=False, as_json=False)


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
