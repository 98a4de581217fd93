"""Becoming somebody else: -n first, a password only at the prompt, and one try for the whole fleet.

`sudo` is a script here, so that each kind of prompt can be had; the real one is in tests/real.
"""

import os
import time

import pytest

from runbook.core.command import Become, Command, Secret
from runbook.core.host import Host
from runbook.core.outcome import Exited, NeverSent
from runbook.transport.local.connector import LocalConnector
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.transport import server
from tests.transport.recorder import ran

# What it understands of the real one: -n, -k, -S, -H, -p PROMPT, -u USER, --.
SUDO = """\
#!/bin/sh
echo "$*" >>{log}
ask=yes
while [ "$1" != -- ]; do
  case $1 in -n) ask=no ;; -p) prompt=$2; shift ;; -u) shift ;; esac
  shift
done
shift
if [ -f {log}.nopasswd ]; then exec "$@"; fi
if [ $ask = no ]; then echo "sudo: a password is required" >&2; exit 1; fi
try=0
while [ $try -lt 3 ]; do
  {say}
  read -r password || exit 1
  echo "tried" >>{log}
  if [ "$password" = 'right one' ]; then exec "$@"; fi
  echo "Sorry, try again." >&2
  try=$((try + 1))
done
exit 1
"""
PROMPTS = {
    "sudo": 'printf "%s" "$prompt" >&2',
    "sudo-rs": 'printf "[sudo: %s] Password: " "$prompt" >&2',
    "with a lecture": 'printf "We trust you have received the usual lecture.\\n\\n%s" "$prompt" >&2',
}
ROOT = Become(user="root")


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """Install one by its prompt; returns what it was called with."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "log"
    log.write_text("")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    def install(kind="sudo", *, nopasswd=False):
        (tools / "sudo").write_text(SUDO.format(log=log, say=PROMPTS[kind]))
        (tools / "sudo").chmod(0o755)
        if nopasswd:
            (tmp_path / "log.nopasswd").write_text("")
        return lambda: log.read_text().splitlines()

    return install


async def opened(password=None):
    secret = Secret("sudo", password) if password else None
    connector = LocalConnector(wall=time.time, sudo_password=secret)
    return await connector.connect(Host(name="here", connection="local"))


def asks(text: str, **parts) -> Command:
    return Command(shell=text, become=ROOT, **parts)


async def test_a_rule_without_password_needs_none_even_if_there_is_one(sudo):
    calls = sudo(nopasswd=True)
    session = await opened("right one")
    assert await ran(session, asks("cat; echo $X", stdin=b"in ", env=(("X", "a 'b'"),))) == (
        Exited(0),
        b"in a 'b'\n",
        b"",
    )
    assert [call.split()[0] for call in calls()] == ["-n"]
    await session.close()


async def test_one_shell_serves_every_step_as_that_user(sudo):
    calls = sudo(nopasswd=True)
    session = await opened()
    for i in range(5):
        assert (await ran(session, asks(f"echo {i}"), name=str(i)))[0] == Exited(0)
    assert len(calls()) == 1
    await session.close()


@pytest.mark.parametrize("kind", PROMPTS)
async def test_a_password_is_given_when_the_prompt_was_seen(sudo, kind):
    calls = sudo(kind)
    session = await opened("right one")
    assert await ran(session, asks("echo in")) == (Exited(0), b"in\n", b"")
    assert [call for call in calls() if call == "tried"] == ["tried"]
    assert "right one" not in "".join(calls())
    await session.close()


async def test_without_a_password_it_is_said_what_is_missing(sudo):
    calls = sudo()
    session = await opened()
    ending, out, _ = await ran(session, asks("echo in"))
    assert (ending, out) == (NeverSent("sudo to root is refused: sudo: a password is required"), b"")
    assert len(calls()) == 1
    await session.close()


async def test_a_wrong_password_is_tried_once_in_a_whole_fleet(sudo, tmp_path):
    calls = sudo()
    running = await server.start(tmp_path)
    connector = SshConnector(SshOptions(wall=time.time, agent="", sudo_passwords={"": Secret("sudo", "wrong one")}))
    fleet = [await connector.connect(running.host) for _ in range(3)]
    endings = [(await ran(session, asks("echo in")))[0] for session in fleet]
    assert endings[0] == NeverSent("sudo to root is refused: the password is wrong")
    assert {type(ending) for ending in endings} == {NeverSent}
    assert "not tried again" in endings[1].reason
    assert calls().count("tried") == 1
    for session in fleet:
        await session.close()
    await connector.close()
    await running.stop()
