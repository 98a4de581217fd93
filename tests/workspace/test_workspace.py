"""The workspace as the screen uses it: what is started is what was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.problem import Exit, Problems, problem
from runbook.workspace.local import HowToRun, LocalWorkspace
from tests.place import Place, ended, eventually

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


async def test_a_secret_that_was_typed_goes_to_the_host_and_into_no_file(place: Place) -> None:
    text = BOOK.replace("sections:", "parameters: {password: {type: secret}}\nsections:")
    text = text.replace("echo WORD", '\'test "$P" = geheim-4711 && echo it is $P\', env: {P: "{{ password }}"}')
    workspace(place, "one")
    book = place.root / "drills" / "look.yaml"
    book.write_text(text)
    place.workspace.secret = refuse
    feed = await place.workspace.start(str(book), {}, secrets={"password": "geheim-4711"})
    run = await ended(feed)
    await feed.close()
    assert (place.folder(run.id) / "out" / "me.log").read_bytes().splitlines()[-1] == b"it is ********"
    files = [path for path in place.folder(run.id).rglob("*") if path.is_file()]
    assert [path for path in files if b"geheim" in path.read_bytes()] == []


async def test_a_secret_that_nobody_typed_is_looked_for_where_the_runbook_says(place: Place) -> None:
    workspace(place, "one")
    book = place.root / "drills" / "look.yaml"
    book.write_text(BOOK.replace("sections:", "parameters: {password: {type: secret}}\nsections:"))
    place.workspace.secret = refuse
    with pytest.raises(Problems, match="nobody has password from prompt"):
        await place.workspace.start(str(book), {})


def refuse(name: str, origin: str) -> str:
    """Stands for a screen, on which nobody can be asked."""
    raise problem(f"nobody has {name} from {origin}")


async def test_a_rollback_is_held_to_what_was_shown(place: Place) -> None:
    workspace(place, "one")
    book = place.root / "drills" / "look.yaml"
    book.write_text(BOOK.replace("changes: false", "rollback: {name: Unsay, command: 'true', timeout: 10s}"))
    feed = await place.workspace.start(str(book), {})
    run = await ended(feed)
    await feed.close()
    await eventually(lambda: not place.workspace.store.find(run.id).is_live())
    with pytest.raises(Problems, match="the plan is not what you were shown any more"):
        await place.workspace.roll_back(run.id, HowToRun(), digest="0" * 64)
    shown = place.workspace.left_of(run.id).digest
    again = await place.watch(await place.workspace.roll_back(run.id, HowToRun(), digest=shown))
    assert (await ended(again)).plan.digest == shown


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
