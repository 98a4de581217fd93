"""A program for the tests beside it: the real screen on a real terminal, over a run in which every text is hostile."""

from __future__ import annotations

import sys

from runbook.tui.app import RunbookApp
from tests.tui.fakes import FakeFeed, FakeReplay, FakeWorkspace, Lines
from tests.tui.test_hostile import OUTPUT, haunted

if __name__ == "__main__":
    lines = Lines(OUTPUT)
    if sys.argv[1] == "replay":
        RunbookApp(FakeWorkspace(), feed=FakeReplay(haunted("failure"), lines), start_on="replay").run()
    else:
        RunbookApp(FakeWorkspace(), feed=FakeFeed(haunted(sys.argv[1]), lines), start_on="run").run()
