"""A link that goes silent under a step: given up in a quarter of a minute, and not while the host only takes its time."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Lost
from runbook.transport.session import Job, Session
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.injector.chaos_proxy import DOWN, UP, Wire, WireThread
from tests.real.openssh import RealServer, kill
from tests.transport.recorder import Recorder, sh

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEFAULTS = SshOptions(wall=time.time, agent="")
NOTICED = 15.0
"""Seconds after which a cut that nobody tells of must be known where a step waits."""


@pytest.fixture
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServer]:
    running = RealServer(tmp_path_factory.mktemp("sshd"))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def wire(sshd: RealServer) -> Iterator[Wire]:
    thread = WireThread()
    yield thread.wire(sshd.port)
    thread.close()


def behind(wire: Wire, sshd: RealServer) -> Host:
    """The server, reached over the wire, under the name that its key is known by."""
    known = sshd.folder / "known_over_the_wire"
    known.write_text((sshd.folder / "known_hosts").read_text().replace(f":{sshd.port} ", f":{wire.port} "))
    return msgspec.structs.replace(sshd.host, port=wire.port, known_hosts=(str(known),))


async def begun(session: Session, go: Path) -> tuple[asyncio.Task, Recorder]:
    """A step that runs until it may end, seen to have begun."""
    sink = Recorder(wanted=b"begun\n")
    text = f"echo begun; until [ -e {go} ]; do sleep 0.05; done; echo ended"
    running = asyncio.create_task(session.run(sh(text), Job(id="run/1.1/here/1"), sink))
    await asyncio.wait_for(sink.seen.wait(), 30)
    return running, sink


async def grows(wire: Wire, way: str, times: int) -> None:
    """Wait until something was sent that way so often."""
    for _ in range(times):
        before = wire.carried[way]
        async with asyncio.timeout(30):
            while wire.carried[way] == before:
                await asyncio.sleep(0.01)


@pytest.mark.timeout(120)
async def test_a_silent_cut_is_noticed_in_a_quarter_of_a_minute(sshd: RealServer, wire: Wire, tmp_path: Path) -> None:
    """With the times of a real run."""
    connector = SshConnector(DEFAULTS)
    session = await connector.connect(behind(wire, sshd))
    running, _ = await begun(session, tmp_path / "go")
    wire.stall(UP)
    wire.stall(DOWN)
    silent = time.monotonic()
    ending = await asyncio.wait_for(running, 60)
    took = time.monotonic() - silent
    (tmp_path / "go").touch()
    await session.close()
    await connector.close()
    assert ending == Lost("Server not responding to keepalive")
    assert took <= NOTICED


async def test_a_host_that_answers_before_the_last_sign_of_life_is_due_is_kept(
    sshd: RealServer, wire: Wire, tmp_path: Path
) -> None:
    """Its sshd is stopped for two signs of life of three, as a machine that is moved, or drowns in work, would be."""
    connector = SshConnector(replace(DEFAULTS, keepalive=1.0))
    session = await connector.connect(behind(wire, sshd))
    running, sink = await begun(session, tmp_path / "go")
    frozen = sshd.freeze()
    await grows(wire, UP, 2)
    for pid in frozen:
        kill(pid, signal.SIGCONT)
    await grows(wire, DOWN, 1)
    (tmp_path / "go").touch()
    ending = await asyncio.wait_for(running, 30)
    await session.close()
    await connector.close()
    assert (ending, sink.out) == (Exited(0), b"begun\nended\n")


async def test_nobody_gives_up_a_silent_host_for_which_nobody_waits(
    sshd: RealServer, wire: Wire, tmp_path: Path
) -> None:
    """It is asked seldom then; as soon as a step waits for it, the silence is noticed."""
    connector = SshConnector(replace(DEFAULTS, keepalive=0.5, idle_keepalive=600.0))
    session = await connector.connect(behind(wire, sshd))
    wire.stall(UP)
    wire.stall(DOWN)
    lost = asyncio.create_task(session.wait_lost())
    assert not (await asyncio.wait({lost}, timeout=0.5 * 5))[0]
    ending = await asyncio.wait_for(session.run(sh("echo never"), Job(id="run/1.1/here/1"), Recorder()), 30)
    assert (ending, await lost) == (Lost("Server not responding to keepalive"), "Server not responding to keepalive")
    await session.close()
    await connector.close()
