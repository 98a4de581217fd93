"""A long step outlives its runner and the network between them; a link that dies without a word is noticed.

`RUNBOOK_LONG_STEP` is its length in seconds. With 300 and more the network is cut a second time, under a runner that
lives, for as long as the keepalive of a real run needs to notice it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.planned.action import Expectation, Tolerance
from runbook.core.run import AttemptState, Run
from runbook.feed.live import LiveFeed
from runbook.record.checking.verify import verify
from runbook.transport.session import Job
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.place import Place, command, gone, plan
from tests.real.netns import FAR, Cable
from tests.real.openssh import RealServer, needed, skip_or_fail
from tests.transport.recorder import Recorder, sh

SECONDS = int(os.environ.get("RUNBOOK_LONG_STEP", "12"))
NOTICED = 20.0
"""Seconds in which a dead link must be on record: the quarter of a minute in which it is noticed, and some air."""

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(SECONDS + 180)]


@pytest.fixture
def cable() -> Iterator[Cable]:
    laid = Cable()
    laid.lay()
    with laid.here():
        yield laid
    laid.remove()


@pytest.fixture
async def sshd(cable: Cable, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServer]:
    if reason := needed():
        skip_or_fail(reason)
    folder = tmp_path_factory.mktemp("sshd")
    server = RealServer(folder, f"SetEnv XDG_STATE_HOME={folder}", FAR, cable.there)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    made = Place(tmp_path)
    yield made
    await made.close()
    shutil.rmtree(runtime)


class Long:
    """A step that counts seconds, and where it is."""

    def __init__(self, root: Path) -> None:
        self.effects, self._at = root / "effects", root / "at"
        self.text = (
            f"echo effect >> {self.effects}; i=0; "
            f"while [ $i -lt {SECONDS} ]; do i=$((i+1)); echo line $i; echo $i > {self._at}; sleep 1; done; exit 7"
        )
        self.output = b"".join(b"line %d\n" % number for number in range(1, SECONDS + 1))

    async def reaches(self, part: float) -> None:
        """Wait until it has come so far."""
        async with asyncio.timeout(SECONDS + 60):
            while not self._at.exists() or int(self._at.read_text() or 0) < SECONDS * part:
                await asyncio.sleep(0.05)


def attempt(run: Run) -> AttemptState:
    return run.steps["1.1"].attempts["here"]


async def come(feed: LiveFeed, holds, within: float) -> Run:
    async with asyncio.timeout(within):
        while not holds(feed.run):
            await feed.wait_changed()
    return feed.run


async def grows(feed: LiveFeed) -> None:
    """Output comes while the step still runs: it is followed live."""
    before = attempt(feed.run).recorded_out
    run = await come(feed, lambda run: attempt(run).recorded_out > before, 60)
    run = await come(feed, lambda run: attempt(run).recorded_out > before + 1, 60)
    assert attempt(run).outcome is None


async def test_a_long_step_outlives_its_runner_and_the_network(
    place: Place, sshd: RealServer, cable: Cable, tmp_path: Path
) -> None:
    long = Long(tmp_path)
    step = command("1.1", long.text, expect=Expectation(rc=Tolerance(equals=7)))
    feed = await place.start(plan(step, hosts=(msgspec.structs.replace(sshd.host, name="here"),)))
    await come(feed, lambda run: run.steps["1.1"].attempts and attempt(run).recorded_out, 30)
    await long.reaches(0.2)
    runner = place.runners(feed.run.id)[-1]
    os.kill(runner, signal.SIGKILL)
    cable.pull()
    while not gone(runner):
        await asyncio.sleep(0.01)

    await place.workspace.resume(feed.run.id)
    again = await place.watch(feed.run.id)
    await come(again, lambda run: "here" in run.lost, 60)
    await long.reaches(0.5)
    assert attempt(again.run).outcome is None
    cable.plug()
    await come(again, lambda run: "here" in run.sessions, 90)
    await grows(again)
    if SECONDS >= 300:
        await cut_under_a_living_runner(again, cable)

    run = await come(again, lambda run: run.has_ended, SECONDS + 60)
    assert (run.steps["1.1"].outcome, attempt(run).result.rc, attempt(run).number) == ("succeeded", 7, 1)
    assert long.effects.read_text() == "effect\n"
    assert (place.folder(run.id) / "out" / "here.log").read_bytes() == long.output
    assert (dict(run.gates), verify(place.folder(run.id)).grade) == ({}, "sound")


async def cut_under_a_living_runner(feed: LiveFeed, cable: Cable) -> None:
    """Nothing tells of it but the keepalive that is not answered."""
    cable.pull()
    began = time.monotonic()
    await come(feed, lambda run: "here" in run.lost, NOTICED)
    print(f"\nthe dead link was noticed after {time.monotonic() - began:.1f} s: {feed.run.lost['here']}")
    cable.plug()
    await come(feed, lambda run: "here" in run.sessions, 90)
    await grows(feed)


async def test_a_link_that_dies_without_a_word_is_noticed_and_the_job_is_followed_on_a_new_one(
    sshd: RealServer, cable: Cable, tmp_path: Path
) -> None:
    options = SshOptions(wall=time.time, agent="", keepalive=0.5, connect_limit=2.0, pause=0.05)
    connector, sink = SshConnector(options), Recorder(wanted=b"begun\n")
    text = f"echo effect >> {tmp_path}/effects; echo begun; until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo ended"
    session = await connector.connect(sshd.host)
    running = asyncio.create_task(session.run(sh(text), Job(id="run/1.1/here/1"), sink))
    await asyncio.wait_for(sink.seen.wait(), 20)
    cable.pull()
    async with asyncio.timeout(20):
        lost = await running
    assert (type(lost).__name__, await session.wait_lost()) == ("Lost", "Server not responding to keepalive")
    cable.plug()
    (tmp_path / "go").touch()
    again = await connector.connect(sshd.host)
    ending = await again.reattach(sh(text), Job(id="run/1.1/here/1", out_offset=len(sink.out)), sink)
    await again.close()
    await session.close()
    await connector.close()
    assert (type(ending).__name__, ending.code, sink.out) == ("Exited", 0, b"begun\nended\n")
    assert (tmp_path / "effects").read_text() == "effect\n"
