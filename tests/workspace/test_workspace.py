"""The workspace as the screen uses it: what is started is what was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.problem import Exit, Problems
from runbook.workspace.local import LocalWorkspace
from tests.place import Place, ended

BOOK = """\
version: 1
kind: operation
name: look
title: Look
inventory: here
sections:
  - name: Work
    steps:
      - {name: Say, command: echo WORD, on: me, timeout: 10s, changes: false}
"""


def workspace(place: Place, word: str) -> LocalWorkspace:
    (place.root / "drills").mkdir(exist_ok=True)
    folder = place.root / "inventories" / "here"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yaml").write_text("all: {hosts: {me: {ansible_connection: local}}}\n")
    (folder / "environment.yaml").write_text("name: here\nconfirm: none\n")
    (place.root / "drills" / "look.yaml").write_text(BOOK.replace("WORD", word))
    return place.workspace


async def test_a_start_is_held_to_the_plan_that_was_shown(place: Place) -> None:
    book = str(place.root / "drills" / "look.yaml")
    shown = workspace(place, "one").plan(book, {}).digest
    workspace(place, "two")
    with pytest.raises(Problems, match="the plan is not what you were shown any more") as refused:
        await place.workspace.start(book, {}, digest=shown)
    assert refused.value.exit is Exit.REFUSED
    workspace(place, "one")
    feed = await place.workspace.start(book, {}, digest=shown, step_mode=False)
    run = await ended(feed)
    assert (place.folder(run.id) / "out" / "me.log").read_bytes().splitlines()[-1] == b"one"
    await feed.close()


async def test_step_mode_asks_before_the_step_of_the_same_plan(place: Place) -> None:
    book = str(place.root / "drills" / "look.yaml")
    shown = workspace(place, "one").plan(book, {}).digest
    feed = await place.workspace.start(book, {}, digest=shown, step_mode=True)
    assert feed.run.plan.digest == shown
    assert feed.run.step_mode
    await feed.close()


def test_an_unreadable_runbook_is_listed_with_its_problem(place: Place) -> None:
    workspace(place, "one")
    (place.root / "drills" / "broken.yaml").write_text("version: 1\nkind: opertion\n")
    rows = {Path(row.path).stem: row.problem for row in place.workspace.books()}
    assert rows["look"] is None
    assert rows["broken"] is not None
