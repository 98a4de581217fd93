"""Keys behind a passphrase: asked for once, before anything runs, and only where nothing else would do."""

from __future__ import annotations

import subprocess
import tempfile
from base64 import b64decode
from pathlib import Path

import pytest

from runbook.transport.ssh.locked import is_locked, public_half
from runbook.transport.ssh.unlocking import unlocked
from tests.real.agent import Agent, made_key
from tests.real.openssh import RealServer
from tests.real.terminal import typed

pytestmark = [pytest.mark.real, pytest.mark.slow]

PASSPHRASE = "open 'sesame' ü"
QUESTION = "(Enter goes on without it): "
BOOK = """\
version: 1
kind: operation
name: look
title: Look
inventory: here
sections:
  - name: S
    on: all
    steps:
      - {name: d, command: 'id -un; env; cat /proc/$PPID/cmdline', timeout: 40s}
"""


@pytest.fixture
async def server(tmp_path_factory):
    made = RealServer(tmp_path_factory.mktemp("sshd"), address="0.0.0.0")
    await made.start()
    key = (made.folder / "host_key.pub").read_text()
    (made.folder / "known_hosts").write_text(f"[127.0.0.1]:{made.port},[127.0.0.2]:{made.port} {key}")
    yield made
    await made.stop()


@pytest.fixture
async def agent():
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    made = await Agent(folder / "agent").start()
    yield made
    await made.stop()


@pytest.fixture
def place(tmp_path, server, monkeypatch):
    """A workspace with two hosts that let one locked key in, and a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    key = made_key(tmp_path / "locked", "-N", PASSPHRASE)
    (server.folder / "authorized").write_text(key.with_suffix(".pub").read_text())
    reach = f"-F none -o UserKnownHostsFile={server.folder / 'known_hosts'}"
    common = f'{{ansible_port: {server.port}, ansible_user: {server.user}, ansible_ssh_common_args: "{reach}"'
    write(
        tmp_path,
        "inventories/here/hosts.yaml",
        f"all: {{vars: {common}, ansible_ssh_private_key_file: {key}}}, "
        "hosts: {a: {ansible_host: 127.0.0.1}, b: {ansible_host: 127.0.0.2}}}\n",
    )
    write(tmp_path, "inventories/here/environment.yaml", "name: here\nconfirm: none\nauto: all\n")
    write(tmp_path, "drills/look.yaml", BOOK)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def test_it_is_asked_for_once_for_all_hosts_and_the_run_has_the_key(place):
    status, said = await typed(place, "run", "look", "--line", "--auto", answers=((QUESTION, PASSPHRASE),))
    assert status == 0, said
    assert said.count(QUESTION) == 1
    assert f"passphrase of {place}/locked, for a, b " in said
    kept = b"".join(path.read_bytes() for path in (place / "recordings").rglob("*") if path.is_file())
    assert [word for word in (PASSPHRASE, "PRIVATE KEY") if word.encode() in kept] == []


async def test_a_wrong_one_is_asked_for_again_and_enter_goes_on_without_the_key(place):
    answers = ((QUESTION, "wrong"), (QUESTION, PASSPHRASE))
    status, said = await typed(place, "preflight", "look", answers=answers)
    assert (status, said.count("That is not its passphrase.")) == (0, 1), said
    status, said = await typed(place, "preflight", "look", answers=((QUESTION, ""),))
    assert (status, f"ssh-add {place}/locked" in said) == (3, True), said


async def test_where_nobody_can_be_asked_the_command_for_the_agent_is_told(place):
    status, said = await typed(place, "preflight", "look")
    assert (status, QUESTION in said, f"ssh-add {place}/locked" in said) == (3, False, True), said


@pytest.mark.parametrize("with_public_half", [True, False])
async def test_nobody_is_asked_about_a_key_that_the_agent_holds(place, agent, with_public_half):
    # Into the agent by way of a copy without a passphrase, as ssh-add needs a terminal for one.
    subprocess.run(["cp", "-p", place / "locked", place / "open"], check=True)
    words = ["ssh-keygen", "-q", "-p", "-P", PASSPHRASE, "-N", "", "-f", str(place / "open")]
    subprocess.run(words, check=True, timeout=20)
    agent.add(place / "open")
    (place / "open").unlink()
    if not with_public_half:
        (place / "locked.pub").unlink()
    status, said = await typed(place, "preflight", "look", answers=(), SSH_AUTH_SOCK=str(agent.socket))
    assert (status, QUESTION in said) == (0, False), said


async def test_nobody_is_asked_about_a_default_key_where_another_opens_the_host(place, server):
    home = place / "home" / ".ssh"
    made_key(home / "id_rsa", "-t", "rsa", "-N", "another")
    made_key(home / "id_ed25519")
    (server.folder / "authorized").write_text((home / "id_ed25519.pub").read_text())
    hosts = place / "inventories/here/hosts.yaml"
    hosts.write_text(hosts.read_text().replace(f", ansible_ssh_private_key_file: {place}/locked", ""))
    status, said = await typed(place, "preflight", "look", answers=())
    assert (status, QUESTION in said) == (0, False), said
    (home / "id_ed25519").unlink()
    (server.folder / "authorized").write_text((home / "id_rsa.pub").read_text())
    status, said = await typed(place, "preflight", "look", answers=((QUESTION, "another"),))
    assert status == 0, said


@pytest.mark.parametrize(
    "form", [("-t", "ed25519"), ("-t", "rsa"), ("-t", "rsa", "-m", "PEM"), ("-t", "ecdsa", "-m", "PKCS8")]
)
def test_a_key_is_known_to_be_locked_in_every_form_and_opened_in_memory(tmp_path, form):
    key = made_key(tmp_path / "key", *form, "-N", PASSPHRASE)
    plain = made_key(tmp_path / "plain", *form)
    assert (is_locked(str(key)), is_locked(str(plain)), is_locked(f"{key}.pub")) == (True, False, False)
    assert unlocked(str(key), "wrong") == ""
    text = unlocked(str(key), PASSPHRASE)
    assert text.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    (tmp_path / "opened").write_text(text)
    (tmp_path / "opened").chmod(0o600)
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", tmp_path / "opened"], capture_output=True, check=True, timeout=20
    )
    assert shown.stdout.split()[:2] == key.with_suffix(".pub").read_bytes().split()[:2]
    assert is_locked(str(tmp_path / "opened")) is False


def test_the_public_half_stands_in_front_of_the_lock(tmp_path):
    key = made_key(tmp_path / "key", "-N", PASSPHRASE)
    assert public_half(str(key)) == b64decode(key.with_suffix(".pub").read_text().split()[1])
