"""Opening a run from a list: live ones are watched, all others are replayed."""

from __future__ import annotations

import asyncio

from runbook.tui.screens.place import PlaceScreen
from runbook.tui.screens.replay import ReplayScreen
from runbook.tui.screens.run import RunScreen
from runbook.workspace.rows import RunRow
from runbook.workspace.workspace import Workspace


def most_wanted(runs: tuple[RunRow, ...], me: str) -> RunRow | None:
    """The live run that needs somebody most: what waits for them, what waits at all, what goes on; None without one."""
    live = [run for run in runs if run.live]
    return min(live, key=lambda run: (not run.waiting.is_for(me), not run.waiting.what), default=None)


def newest_ended(runs: tuple[RunRow, ...]) -> RunRow | None:
    """The newest run that nobody carries any more; None without one."""
    return next((run for run in runs if not run.live and run.problem is None), None)


async def opened_run(workspace: Workspace, run: RunRow) -> PlaceScreen:
    """The screen of a run.

    Raises:
        Problems: It cannot be opened.
    """
    me = workspace.whoami()
    if run.live:
        return RunScreen(await workspace.attach(run.id), me)
    return ReplayScreen(await asyncio.to_thread(workspace.replay, run.id), me)
