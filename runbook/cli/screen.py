"""Opening the screen: the only file of the command line that imports it, because it costs more than most verbs."""

from __future__ import annotations

from runbook.cli.compose import run_async, workspace
from runbook.cli.diagnostics import say, tell
from runbook.core.fold.verdict import verdicts
from runbook.problem import Exit
from runbook.tui.app import RunbookApp
from runbook.view.story.closing import closing
from runbook.workspace.local import LocalWorkspace


def open_library(place: LocalWorkspace | None = None) -> int:
    """The library of a workspace: without one, of that around the operator."""
    run_async(RunbookApp(place or workspace("screen")).run_async())
    return 0


def open_run(place: LocalWorkspace, run: str) -> int:
    """Watch a live run on the screen; afterwards say how it stands, in lines that stay in the terminal."""
    run_async(_watch(place, run))
    now = place.folded(run)
    if not now.has_ended:
        say(f"You left the screen; run {run} goes on. Back to it: runbook attach {run}")
        return int(Exit.HELD)
    for text in closing(now, place.store.find(run).address):
        tell(text)
    return int(verdicts(now).exit)


def open_replay(place: LocalWorkspace, run: str) -> int:
    """Watch a record again on the screen."""
    run_async(RunbookApp(place, feed=place.replay(run), start_on="replay").run_async())
    return int(Exit.HELD)


async def _watch(place: LocalWorkspace, run: str) -> None:
    """The feed belongs to the loop that the screen runs on, so both begin here."""
    feed = await place.attach(run)
    try:
        await RunbookApp(place, feed=feed, start_on="run").run_async()
    finally:
        await feed.close()
