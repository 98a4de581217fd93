"""Makes `docs/run-screen.svg`: the picture of the run screen in the README, from a failover that really ran.

    python docs/make_screenshot.py [--keep FOLDER]

It starts the embedded lab in a folder of its own, runs `drills/failover/orders-failover.yaml` there with the answers
that the lab lets a machine give, opens the record in the replay screen without a terminal, goes to the moment while the
standby is being promoted, and saves what a person would see.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runbook.cli.compose import workspace
from runbook.core.fold.recovery import recovery
from runbook.core.milestone_name import Milestone
from runbook.feed.feed import Replay
from runbook.tui.app import RunbookApp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "run-screen.svg"
SIZE = (140, 38)
RUNBOOK = (sys.executable, "-m", "runbook.cli")


def main() -> None:
    """Run the failover and take the picture."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keep", type=Path, help="work in this folder and leave it")
    given = options.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
        picture_of(given.keep)
        return
    with tempfile.TemporaryDirectory(prefix="runbook-picture-") as folder:
        picture_of(Path(folder))


def picture_of(folder: Path) -> None:
    """Work in a folder: lab up, failover, lab down, picture."""
    for name in ("drills", "inventories"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    try:
        run = failover(folder)
    finally:
        subprocess.run((*RUNBOOK, "lab", "down"), cwd=folder, check=True, capture_output=True)
    os.chdir(folder)
    asyncio.run(take(run))
    print(PICTURE.relative_to(ROOT))


def failover(folder: Path) -> str:
    """Run it for real; the id of its record."""
    subprocess.run((*RUNBOOK, "lab", "up"), cwd=folder, check=True, capture_output=True)
    command = (*RUNBOOK, "run", "drills/failover/orders-failover.yaml", "-i", "lab", "--auto", "--line", "--json")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return str(json.loads(done.stdout)["run"])


async def take(run: str) -> None:
    """Open the record and save the screen as it was while the standby was being promoted."""
    os.environ.pop("NO_COLOR", None)
    place = workspace("screen")
    replay = place.replay(run)
    app = RunbookApp(place, feed=replay, start_on="replay")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.screen.watch_from(moment(replay))
        await pilot.pause()
        PICTURE.write_text(without_fonts(app.export_screenshot(title="runbook")), encoding="utf-8")


def without_fonts(svg: str) -> str:
    """A picture that loads nothing from elsewhere; readers see their own monospace font."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def moment(replay: Replay) -> float:
    """The last instant of the step that begins the recovery: the clock runs, and its output is there."""
    whole = replay.seek(replay.length)
    return recovery(whole).moments[Milestone.RECOVERY_STARTED].latest - 0.001


if __name__ == "__main__":
    main()
