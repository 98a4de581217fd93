"""An unchanged fabfile against OpenSSH and sudo themselves."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import FabricAction
from runbook.steps.fabric.kind import FabricKind
from tests.real.openssh import RealServer, kill, skip_or_fail
from tests.steps.desk import Desk

pytestmark = pytest.mark.real

FABFILE = """
from fabric import task


@task
def log_level(c, level, keep=True):
    before = c.run("whoami", hide=True).stdout.strip()
    c.get(f"{c.config.place}/app.conf", local=f"{c.config.place}/app.conf.bak")
    c.put(f"{c.config.place}/new.conf", remote=f"{c.config.place}/app.conf")
    c.sudo(f"sh -c 'echo level={level} >> {c.config.place}/app.conf'")
    changed = c.run(f"tail -n 1 {c.config.place}/app.conf", hide=True).stdout.strip()
    print(f"{before}: {changed}, kept {keep}")


@task
def fragile(c):
    c.run("echo $$; exec sleep 600")
"""


@pytest.fixture
async def sshd(tmp_path):
    folder = tmp_path / "sshd"
    folder.mkdir()
    running = RealServer(folder)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "fabfile.py").write_text(FABFILE)
    (tmp_path / "fabric.yaml").write_text(f"place: {tmp_path}\n")
    (tmp_path / "app.conf").write_text("level=info\n")
    (tmp_path / "new.conf").write_text("# managed\n")
    return tmp_path


def needs_sudo() -> None:
    asked = shutil.which("sudo") and subprocess.run(
        ["sudo", "-n", "true"], check=False, capture_output=True, timeout=20
    )
    if not asked or asked.returncode:
        skip_or_fail("sudo without a password is not to be had")


async def run(action: FabricAction, desk: Desk, place: Path, address):
    return await FabricKind().attempt(action, desk.bench(host="real", address=address, folder=place))


async def test_an_unchanged_fabfile_runs_gets_puts_and_uses_sudo(sshd, place):
    needs_sudo()
    desk = Desk()
    finding = await run(FabricAction(task="log-level", args={"level": "debug"}), desk, place, sshd.host)
    assert finding.outcome is Outcome.SUCCEEDED, finding.detail
    assert finding.result.stdout == f"{getpass.getuser()}: level=debug, kept True"
    assert (place / "app.conf").read_text() == "# managed\nlevel=debug\n"
    assert (place / "app.conf.bak").read_text() == "level=info\n"


async def test_another_key_than_the_known_one_stops_it_before_a_login(sshd, place):
    wrong = (sshd.folder / "id.pub").read_text()
    (sshd.folder / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {wrong}")
    desk = Desk()
    finding = await run(FabricAction(task="log-level", args={"level": "debug"}), desk, place, sshd.host)
    assert finding.outcome is Outcome.UNREACHABLE
    assert finding.detail.startswith("host real: the key of real has changed; nothing was sent to it: known is ")
    assert "Accepted publickey" not in (sshd.folder / "log").read_text()
    assert (place / "app.conf").read_text() == "level=info\n"


async def test_it_passes_a_bastion_and_tries_its_keys_in_order(sshd, place):
    needs_sudo()
    other = sshd.folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(other)], check=True, timeout=60)
    bastion = f"{sshd.user}@127.0.0.1:{sshd.port}"
    host = msgspec.structs.replace(sshd.host, jump=bastion, key_files=(str(other), *sshd.host.key_files))
    finding = await run(FabricAction(task="log-level", args={"level": "warn"}), Desk(), place, host)
    assert finding.outcome is Outcome.SUCCEEDED, finding.detail
    assert (sshd.folder / "log").read_text().count("Accepted publickey") == 2


async def test_a_cut_link_is_in_doubt(sshd, place):
    desk = Desk()
    running = asyncio.create_task(run(FabricAction(task="fragile"), desk, place, sshd.host))
    async with asyncio.timeout(30):
        while not desk.page.out.endswith(b"\n"):
            await asyncio.sleep(0.05)
    sshd.cut()
    finding = await asyncio.wait_for(running, 30)
    assert (finding.outcome, finding.detail) == (
        Outcome.IN_DOUBT,
        "sent, and no answer came: the link was lost (fabfile.py:17)",
    )
    kill(int(desk.page.out))  # What was sent goes on: that is why it is in doubt.
