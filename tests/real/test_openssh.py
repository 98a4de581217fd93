"""SSH keeps the contract against OpenSSH itself."""

import asyncio
import time

import pytest

from runbook.core.outcome import Exited, Lost
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.openssh import RealServer
from tests.transport.contract import ShellContract
from tests.transport.recorder import Recorder, attached, ran, sh

pytestmark = pytest.mark.real


@pytest.fixture
async def sshd(tmp_path_factory):
    running = RealServer(tmp_path_factory.mktemp("sshd"))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def connector():
    made = SshConnector(SshOptions(wall=time.time, agent="", pause=0.05))
    yield made
    await made.close()


@pytest.fixture
async def session(sshd, connector):
    opened = await connector.connect(sshd.host)
    yield opened
    await opened.close()


class TestOpenSsh(ShellContract):
    """The link is cut in a test of its own below: OpenSSH does not drop it on a word."""


async def test_a_cut_link_is_in_doubt_and_the_command_lives_on(sshd, session, tmp_path):
    sink = Recorder(wanted=b"begun")
    text = f"echo begun; trap '' PIPE; sleep 1; echo survived > {tmp_path}/effect"
    running = asyncio.create_task(session.run(sh(text), attached(), sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    sshd.cut()
    assert isinstance(await running, Lost)
    assert await asyncio.wait_for(session.wait_lost(), 10)
    for _ in range(100):
        if (tmp_path / "effect").exists():
            break
        await asyncio.sleep(0.05)
    assert (tmp_path / "effect").read_text() == "survived\n"


async def test_more_commands_than_the_server_allows_channels_all_run(session):
    many = [ran(session, sh(f"exit {i}"), name=str(i)) for i in range(40)]
    assert await asyncio.gather(*many) == [(Exited(i), b"", b"") for i in range(40)]


async def test_a_busy_host_can_still_be_stopped(session):
    sinks = [Recorder(wanted=b"begun") for _ in range(4)]
    running = [
        asyncio.create_task(session.run(sh("echo begun; sleep 600"), attached(str(i)), sink))
        for i, sink in enumerate(sinks)
    ]
    await asyncio.wait_for(asyncio.gather(*(sink.seen.wait() for sink in sinks)), 10)
    for task in running:
        task.cancel()
    endings = await asyncio.wait_for(asyncio.gather(*running), 20)
    assert {type(ending).__name__ for ending in endings} == {"Stopped"}


async def test_the_facts_name_the_key_and_the_server(sshd, session):
    assert session.facts.address == f"127.0.0.1:{sshd.port}"
    assert session.facts.host_key.startswith("SHA256:")
    assert "OpenSSH" in session.facts.server
