"""Whoever starts a job, and however often, it has one effect; and none once somebody was told that it never began."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from runbook.core.outcome import Exited, NeverSent, Withheld
from runbook.transport.session import Job, Session
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.place import eventually
from tests.real.held_host import HeldHost, held_host
from tests.transport.recorder import Recorder, sh

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HeldHost]:
    async with held_host(tmp_path_factory) as held:
        yield held


@pytest.fixture
async def opened(host: HeldHost) -> AsyncIterator[Callable[[], Awaitable[Session]]]:
    """Opens the host as one more controller does, with a connector of its own."""
    pairs: list[tuple[SshConnector, Session]] = []

    async def open_one() -> Session:
        connector = SshConnector(SshOptions(wall=time.time, agent=""))
        pairs.append((connector, await connector.connect(host.sshd.host)))
        return pairs[-1][1]

    yield open_one
    for connector, session in pairs:
        await session.close()
        await connector.close()


@pytest.mark.parametrize("held", [False, True], ids=["as it comes", "while the first has committed and not begun"])
async def test_two_controllers_that_start_the_same_job_have_one_effect(host: HeldHost, opened, held: bool) -> None:
    sessions = [await opened() for _ in range(2)]
    text = sh(f"echo effect >> {host.at}/effects; seq 3000; exit 7")
    for number in range(1, 2 if held else 11):
        job, sinks = Job(id=f"run/1.1/here/{number}"), (Recorder(), Recorder())
        if held:
            host.hold("setsid")
        both = [asyncio.create_task(one.run(text, job, sink)) for one, sink in zip(sessions, sinks, strict=True)]
        if held:
            await host.held("setsid")
            assert [task.done() for task in both] == [False, False]
            host.release()
        assert await asyncio.gather(*both) == [Exited(7), Exited(7)]
        assert {sink.out for sink in sinks} == {b"".join(b"%d\n" % n for n in range(1, 3001))}
        assert host.effects == "effect\n" * number


async def test_a_launcher_that_is_stopped_fenced_and_continued_starts_nothing(host: HeldHost, opened) -> None:
    """Its output's file is one that cannot be opened yet: the claim is made, and the commit comes after that."""
    first, second = await opened(), await opened()
    job, text = Job(id="run/1.1/here/1"), sh(f"echo effect >> {host.at}/effects")
    claim, out = host.file(job.id, "job"), host.file(job.id, "out")
    os.mkfifo(out)
    starting = asyncio.create_task(first.run(text, job, Recorder()))
    await eventually(lambda: claim.exists() and claim.read_text().count("\n") == 2)
    launcher = int(claim.read_text().split()[0])
    os.kill(launcher, signal.SIGSTOP)

    announced = dataclasses.replace(job, place=second.facts.place)
    assert isinstance(await second.reattach(text, announced, Recorder()), NeverSent)
    held_open = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
    os.kill(launcher, signal.SIGCONT)
    assert isinstance(await starting, Withheld)
    os.close(held_open)
    assert isinstance(await second.run(text, job, Recorder()), Withheld)
    assert host.effects == ""
