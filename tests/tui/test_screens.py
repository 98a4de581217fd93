"""Whole screens, as a person sees them. Each test says in a sentence what the picture must hold."""

from __future__ import annotations

import pytest

from runbook.problem import Problem
from tests.builders import Story
from tests.stories import failover, failover_plan
from tests.tui.fakes import FakeFeed, FakeReplay, FakeWorkspace, Lines, book, run_row
from tests.tui.showing import asked, opened, painted, until_shown

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
TINY = pytest.mark.parametrize("size", [(50, 14), (30, 8)], ids=["50x14", "30x8"])


def library() -> FakeWorkspace:
    broken = Problem(what='unknown key "comand"', why="it is not a key of a step", fix='Write "command".')
    return FakeWorkspace(
        books=(
            book("daily-health", kind="operation", last_verdict="", last_run=""),
            book("orders-failover"),
            book("orders-restore", kind="restore", review="overdue", last_verdict="failed"),
            book("half-written", problem=broken),
        ),
        runs=(
            run_row(
                "20261123T041200Z-orders-failover-1a2b", verdict="live", live=True, rta=None, objective="not_measured"
            ),
            run_row("20261120T031200Z-orders-failover-3c4d"),
        ),
    )


def output() -> Lines:
    return Lines(
        {
            "db1": [b"lag 0", b"primary killed"],
            "db2": [b"promoting", b"ERR replication slot is active", b"promoted"],
            "app1": [b"repointed to db2"],
        }
    )


def waiting() -> Story:
    """A failover that waits for its typed confirmation."""
    tale = Story(failover_plan()).start()
    tale.ran("0.1", took=0.8).sample("write-ok", True, True)
    tale.ran("1.1", took=0.4)
    return tale.ask("1.2", word="db1", message="Kills the primary db1.\nWriters see errors.")


@SIZES
async def test_the_library_shows_every_runbook_with_its_review_and_its_last_run(screen, size):
    async with opened(library(), size=size) as pilot:
        await until_shown(pilot, "half-written")
        assert await painted(pilot) == screen


@SIZES
async def test_the_plan_shows_every_command_on_every_host_with_gates_and_undo(screen, size):
    workspace = FakeWorkspace(books=(book("orders-failover"),), of=failover_plan())
    async with opened(workspace, size=size) as pilot:
        await until_shown(pilot, "orders-failover")
        await pilot.press("enter")
        await until_shown(pilot, "orders promote")
        assert await painted(pilot) == screen


@SIZES
async def test_a_gate_shows_what_follows_where_the_undo_and_the_word_above_its_buttons(screen, size):
    async with opened(feed=FakeFeed(waiting(), output()), start_on="run", size=size) as pilot:
        await until_shown(pilot, "Tab moves")
        assert await painted(pilot) == screen


@SIZES
async def test_a_run_shows_steps_hosts_output_and_the_time_left(screen, size):
    tale = waiting()
    tale.wait(4).say("proceed").end("1.2")
    tale.ran("1.3", took=0.2).sample("write-ok", False, False)
    tale.enter("2.2").attempt("2.2", "db2").wait(3).sample("write-ok", False)
    async with opened(feed=FakeFeed(tale, output()), start_on="run", size=size) as pilot:
        await until_shown(pilot, " LEFT")
        assert await painted(pilot) == screen


@SIZES
async def test_a_replay_shows_the_run_as_it_was_at_the_moment_chosen(screen, size):
    async with opened(feed=FakeReplay(failover(), output()), start_on="replay", size=size) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "2.2")
        assert await painted(pilot) == screen


@TINY
async def test_a_tiny_window_keeps_state_step_time_gate_and_last_error(screen, size):
    tale = waiting()
    async with opened(feed=FakeFeed(tale, output()), start_on="run", size=size) as pilot:
        await asked(pilot)
        await pilot.press("escape")
        await until_shown(pilot, "gate 1.2")
        assert await painted(pilot) == screen


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (50, 14), (30, 8)], ids=str)
async def test_an_open_gate_is_on_the_screen_at_every_size(size):
    async with opened(feed=FakeFeed(waiting(), output()), start_on="run", size=size) as pilot:
        await asked(pilot)
        await pilot.press("escape")
        await until_shown(pilot, "gate 1.2")
