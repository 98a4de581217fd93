"""A runner whose disk fills up while hosts print: it stops at a whole line, says why, and a resume goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptEnded
from runbook.core.fold.verdict import verdicts
from runbook.problem import Exit
from runbook.record.checking.verify import verify
from tests.place import Place, command, ended, eventually, gone, plan

pytestmark = pytest.mark.real


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """72 MiB, of which a run needs 64 to begin."""
    place = tmp_path / "disk"
    place.mkdir()
    wish = ["mount", "-t", "tmpfs", "-o", "size=72m,mode=0700", "runbook-test", str(place)]
    done = subprocess.run(wish, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        reason = f"needs root and the right to mount a tmpfs: {done.stderr.strip()}"
        if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)


@pytest.fixture
async def place(disk: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    made = Place(disk)
    yield made
    await made.close()
    shutil.rmtree(runtime)


async def test_a_disk_that_fills_up_stops_the_run_honestly_and_a_resume_ends_it(place: Place, tmp_path: Path) -> None:
    once = tmp_path / "once"
    flood = command("1.1", f"echo x >> {once}; head -c 90000000 /dev/zero | tr '\\0' 'x' | fold -w 120; echo done")
    feed = await place.start(plan(flood, command("1.2", "echo after")))
    pid = place.runners(feed.run.id)[-1]
    while feed.is_live:
        await feed.wait_changed()
    await eventually(lambda: gone(pid))
    assert feed.damage is not None
    assert (feed.damage.why, feed.damage.code) == ("No space left on device", "record-unwritable")
    assert verdicts(feed.run).exit is Exit.INTERRUPTED
    assert [entry for entry in place.entries(feed.run.id) if isinstance(entry.event, AttemptEnded)] == []

    subprocess.run(["mount", "-o", "remount,size=400m", str(place.root)], check=True, timeout=20)
    await place.workspace.resume(feed.run.id)
    run = await ended(await place.watch(feed.run.id))
    assert {state.outcome for state in run.steps.values()} == {"succeeded"}
    assert once.read_text() == "x\n"
    assert verify(place.folder(run.id)).grade == "sound"
