"""Hosts for faults: one for each worker, booted when the first test needs it."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.hosts.network import Network
from tests.hosts.systemd_host import host as systemd_host
from tests.real.openssh import skip_or_fail


@pytest.fixture(scope="session")
def network():
    if os.getuid() != 0 or not shutil.which("systemd-nspawn") or not shutil.which("mmdebstrap"):
        skip_or_fail("hosts with systemd need root, systemd-container and mmdebstrap")
    made = Network()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def folder():
    # Paths of control sockets may not be long.
    made = Path(tempfile.mkdtemp(prefix="rbh"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def host(network, folder):
    with systemd_host(network, "a", folder) as made:
        yield made
