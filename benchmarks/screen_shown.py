"""The program that `screen.py` watches: the real screen over a run in memory, without a runner and without hosts."""

from __future__ import annotations

import sys
from datetime import datetime

from runbook.engine.clock import SystemClock
from runbook.tui.app import RunbookApp
from tests.payments import MIRA, NOW, PAST, STARTED, PoolOutput, answering, payments, seconds
from tests.tui.fakes import FakeFeed, FakeWorkspace


class Running:
    """A clock that begins at a moment of the story and goes on with the machine's."""

    def __init__(self, at: float) -> None:
        self._real = SystemClock()
        self._offset = datetime.fromisoformat(STARTED).timestamp() + at - self._real.wall()

    def monotonic(self) -> float:
        return self._real.monotonic()

    def wall(self) -> float:
        return self._real.wall() + self._offset


if __name__ == "__main__":
    held = sys.argv[1] == "held"
    tale, at = (answering(), seconds("03:16:12.4")) if held else (payments(), NOW)
    workspace = FakeWorkspace()
    workspace.past = PAST
    workspace.whoami = lambda: MIRA
    feed = FakeFeed(tale, PoolOutput(), me=MIRA)
    app = RunbookApp(workspace, feed=feed, start_on="run", clock=Running(at))
    if held:
        app._first._presented.update(tale.run.open_gates)  # noqa: SLF001 - the run is watched, not the question
    app.run()
