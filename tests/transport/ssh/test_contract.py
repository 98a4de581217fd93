"""SSH keeps the contract against a real server in the same loop."""

import time

import pytest

from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.transport import server
from tests.transport.contract import LinkContract, ShellContract


class TestSsh(ShellContract, LinkContract):
    @pytest.fixture
    async def session(self, tmp_path_factory):
        running = await server.start(tmp_path_factory.mktemp("server"))
        connector = SshConnector(SshOptions(wall=time.time, agent="", pause=0.01))
        opened = await connector.connect(running.host)
        yield opened
        await opened.close()
        await connector.close()
        await running.stop()
