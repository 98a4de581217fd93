"""The controller itself keeps the contract."""

import time

import pytest

from runbook.core.host import Host
from runbook.transport.local import LocalConnector
from tests.transport.contract import ShellContract


class TestLocal(ShellContract):
    @pytest.fixture
    async def session(self):
        opened = await LocalConnector(wall=time.time).connect(Host(name="here", connection="local"))
        yield opened
        await opened.close()
