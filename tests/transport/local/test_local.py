"""The controller itself keeps the contract."""

import time

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Grade, NeverSent
from runbook.transport.local.channel import LocalDialer
from runbook.transport.local.connector import LocalConnector
from runbook.transport.shell.attached import Words, run_attached
from runbook.transport.shell.quoting import fresh_nonce
from tests.transport.contract import ShellContract


class TestLocal(ShellContract):
    @pytest.fixture
    async def session(self):
        opened = await LocalConnector(wall=time.time).connect(Host(name="here", connection="local"))
        yield opened
        await opened.close()


class OwnChannel:
    """Every command on a channel of its own, as where a shell cannot stay or the input is too large for a frame."""

    def __init__(self, session):
        self.session = session
        self.is_closed = False

    def __getattr__(self, name):
        return getattr(self.session, name)

    async def run(self, command, job, sink):
        if self.is_closed:
            return NeverSent("closed")
        await sink.reached(Grade.ATTACHED)
        return await run_attached(LocalDialer(), command, job, sink, Words(fresh_nonce()))

    async def close(self):
        self.is_closed = True
        await self.session.close()


class TestOwnChannel(ShellContract):
    test_an_attached_job_cannot_be_followed_again = None  # What claims it is not in this path.

    @pytest.fixture
    async def session(self):
        opened = OwnChannel(await LocalConnector(wall=time.time).connect(Host(name="here", connection="local")))
        yield opened
        await opened.close()
