"""The lab's hosts accept the client that everybody has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.lab.control import down, up
from runbook.lab.layout import Layout

pytestmark = pytest.mark.real


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[list[str]]:
    """The words that begin a strict ssh to db1 of a lab of its own."""
    if shutil.which("ssh") is None:
        if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
            pytest.fail("ssh is not installed")
        pytest.skip("ssh is not installed")
    root = tmp_path / "lab"
    port = up(root).hosts[0].port
    layout = Layout.at(root)
    options = [
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={layout.known_hosts}",
    ]
    words = [word for option in options for word in ("-o", option)]
    try:
        yield ["ssh", "-F", "none", "-p", str(port), "-i", str(layout.operator_key), *words, "lab@127.0.0.1"]
    finally:
        down(root)


def run(words: list[str], stdin: bytes = b"") -> tuple[int, bytes]:
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=20, check=False)
    return done.returncode, done.stdout


def test_commands_input_and_exit_codes_pass_through(ssh: list[str]) -> None:
    assert run([*ssh, "echo $LAB_HOST; cat; exit 5"], b"fed") == (5, b"db1\nfed")


def test_a_lost_link_is_255_for_the_client(ssh: list[str]) -> None:
    assert run([*ssh, "echo before; misbehave drop; sleep 1"]) == (255, b"before\n")


def test_another_host_key_is_refused(ssh: list[str], tmp_path: Path) -> None:
    keys = tmp_path / "lab" / "keys"
    port = ssh[ssh.index("-p") + 1]
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {(keys / 'host-db2.pub').read_text()}")
    assert run([*ssh, "echo in"]) == (255, b"")
