"""Text from outside in every field there is: none of it may reach the terminal as anything but text."""

from __future__ import annotations

import pytest

from runbook.core.events.event import NoteAdded
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, ConfirmAction
from runbook.core.planned.plan import Environment
from runbook.problem import Problem
from runbook.workspace.rows import ParameterField
from tests.builders import Story, plan, step
from tests.tui.fakes import FakeFeed, FakeReplay, FakeWorkspace, Lines, book, run_row
from tests.tui.showing import asked, opened, until_shown

EVIL = "ev\x1b]52;c;aGk=\x07il\x1b[2J\x9b31m\u202etxet\u200b[red]not red[/red][@click=app.quit]x[/]\x00\x7f"
FORBIDDEN = set(map(chr, (*range(0x20), *range(0x7F, 0xA0)))) | {"\u202e", "\u200b"}


def cells(app) -> str:
    """Every character that the compositor would write, of every screen that is up."""
    _, height = app.size
    strips = [strip for screen in app.screen_stack for strip in screen._compositor.render_strips()]
    assert len(strips) >= height
    return "".join(segment.text for strip in strips for segment in strip if not segment.control)


def assert_harmless(app) -> None:
    text = cells(app)
    assert FORBIDDEN & set(text) == set()
    assert "il" in text


async def test_in_the_library():
    fields = dict.fromkeys(("title", "kind", "owner", "service", "description", "reviewed", "last_run", "path"), EVIL)
    wrong = Problem(what=EVIL, why=EVIL, fix=EVIL)
    rows = (book(EVIL, **fields, tags=(EVIL,)), book(EVIL, problem=wrong))
    runs = (run_row(EVIL, runbook=EVIL, verdict=EVIL, operator=EVIL, objective=EVIL, started=EVIL),)
    async with opened(FakeWorkspace(books=rows, runs=runs), size=(120, 30)) as pilot:
        await until_shown(pilot, "BROKEN")
        assert_harmless(pilot.app)
        await pilot.press("j", "enter")
        await until_shown(pilot, "Not done")
        assert_harmless(pilot.app)


async def test_in_the_plan():
    evil = step(
        "1.1", CommandAction(shell=EVIL), name=EVIL, section=EVIL, hosts=(EVIL,), when=EVIL, cwd=EVIL, become_user=EVIL,
        become=True, changes=True, description=EVIL,
    )  # fmt: skip
    of = plan(evil, runbook=EVIL, title=EVIL, environment=Environment(name=EVIL))
    workspace = FakeWorkspace(books=(book("a"),), of=of)
    workspace.fields = (
        ParameterField(name=EVIL, type=EVIL, help=EVIL, default=EVIL, required=True, choices=(), secret=False),
        ParameterField(name=EVIL, type=EVIL, help=EVIL, default=EVIL, required=True, choices=(EVIL,), secret=False),
    )
    async with opened(workspace, size=(120, 40)) as pilot:
        await until_shown(pilot, "failover")
        await pilot.press("enter")
        await until_shown(pilot, "1.1")
        assert_harmless(pilot.app)


def haunted(kind: str = "confirm") -> Story:
    """A run in which everything is called by one bad name."""
    asked = step("1.2", ConfirmAction(message=EVIL, type=EVIL), name=EVIL)
    of = plan(
        step("1.1", CommandAction(shell=EVIL), name=EVIL, hosts=(EVIL, "db1")), asked, step("1.3", CommandAction(shell=EVIL), name=EVIL, hosts=(EVIL,)),
        runbook=EVIL, title=EVIL, environment=Environment(name=EVIL),
    )  # fmt: skip
    tale = Story(of, run=EVIL).start()
    tale.add(NoteAdded(text=EVIL))
    tale.enter("1.1").attempt("1.1", EVIL).attempt("1.1", "db1").wait(1)
    tale.answer("1.1", EVIL, Outcome.FAILED, detail=EVIL).answer("1.1", "db1", Outcome.FAILED, detail=EVIL)
    tale.end("1.1", Outcome.FAILED, EVIL)
    if kind == "failure":
        return tale.ask("1.1", "failure", message=EVIL, choices=("retry", "abort"))
    return tale.ask("1.2", kind, message=EVIL, word=EVIL)


OUTPUT = {EVIL: [EVIL.encode("utf-8", "surrogateescape"), b"ERR " + EVIL.encode()], "db1": [EVIL.encode()]}


@pytest.mark.parametrize("kind", ["confirm", "failure"])
@pytest.mark.parametrize("size", [(80, 24), (160, 48), (50, 14)], ids=str)
async def test_in_a_run_and_its_gates(kind, size):
    async with opened(feed=FakeFeed(haunted(kind), Lines(OUTPUT)), start_on="run", size=size) as pilot:
        await until_shown(pilot, "Not now")
        assert_harmless(pilot.app)
        await asked(pilot)
        await pilot.press("escape", "k", "k", "2", "f", "3")
        await pilot.pause()
        assert_harmless(pilot.app)


async def test_in_a_replay():
    async with opened(feed=FakeReplay(haunted("failure"), Lines(OUTPUT)), start_on="replay", size=(160, 48)) as pilot:
        await pilot.press("right", "right", "right_square_bracket")
        await pilot.pause()
        assert_harmless(pilot.app)


async def test_in_a_refusal():
    feed = FakeFeed(Story(plan(step("1.1"))).start().enter("1.1"))

    async def refuse(intent):
        return Problem(what=EVIL, why=EVIL, fix=EVIL)

    feed.send = refuse
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("p")
        await until_shown(pilot, "Not done")
        assert_harmless(pilot.app)
