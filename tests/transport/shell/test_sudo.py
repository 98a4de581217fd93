"""Becoming somebody else: -n first, a password only at the prompt, and one wrong try for the whole fleet.

`sudo` is a stand-in here (`sudos.py`), so that each kind of prompt can be had; the real one is in tests/real.
"""

import asyncio
import contextlib
import os
import time

import msgspec
import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, NeverSent
from runbook.core.planned.command import Secret
from runbook.transport.local.channel import LocalDialer
from runbook.transport.local.connector import LocalConnector
from runbook.transport.shell.attached import Words, run_attached
from runbook.transport.shell.channel import ChannelRefused
from runbook.transport.shell.quoting import fresh_nonce
from runbook.transport.shell.sudo import Becoming, Password, Sudos
from runbook.transport.shell.sudo_words import Said, refusal
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.transport import server
from tests.transport.recorder import Recorder, attached, ran
from tests.transport.shell.sudo_contract import GIVE, ROOT, SudoContract, asks
from tests.transport.shell.sudos import KINDS, PASSWORD, Tool


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """Install one by its kind."""

    def install(kind="sudo"):
        tool = Tool(tmp_path / "tools", kind)
        monkeypatch.setenv("PATH", f"{tool.folder}:{os.environ['PATH']}")
        return tool

    return install


@contextlib.asynccontextmanager
async def opened(password=None):
    sudos = Sudos({"": Secret("sudo password", password)} if password else {})
    session = await LocalConnector(wall=time.time, sudos=sudos).connect(Host(name="here", connection="local"))
    yield session
    await session.close()


class _Place:
    password = PASSWORD
    opened = staticmethod(opened)

    def __init__(self, tool: Tool) -> None:
        self._tool = tool

    def unruled(self, password):
        self._tool.now("norule")
        return opened(password)

    async def wrong(self):
        return self._tool.wrong()


@pytest.mark.parametrize("kind", KINDS)
class TestStandIns(SudoContract):
    @pytest.fixture
    def place(self, sudo, kind):
        return _Place(sudo(kind))


async def test_a_rule_without_password_needs_none_even_if_there_is_one(sudo):
    tool = sudo().now("nopasswd")
    async with opened(PASSWORD) as session:
        assert await ran(session, asks("cat; echo $X", stdin=b"in ", env=(("X", "a 'b'"),))) == (
            Exited(0),
            b"in a 'b'\n",
            b"",
        )
    assert [call.split()[:2] for call in tool.calls()] == [["-k", "-n"]]


async def test_one_shell_serves_every_step_as_that_user(sudo):
    tool = sudo().now("nopasswd")
    async with opened() as session:
        for i in range(5):
            assert (await ran(session, asks(f"echo {i}"), name=str(i)))[0] == Exited(0)
    assert len(tool.calls()) == 1


async def test_no_ticket_is_relied_on_and_no_argument_holds_the_password(sudo):
    tool = sudo()
    async with opened(PASSWORD) as session:
        assert await ran(session, asks("echo in")) == (Exited(0), b"in\n", b"")
    assert all(call.startswith("-k ") for call in tool.calls())
    assert PASSWORD not in " ".join(tool.calls())


async def test_a_command_on_a_channel_of_its_own_becomes_with_the_password_too(sudo):
    sudo()
    dialer = Becoming(LocalDialer(), ROOT, Sudos({"": Secret("sudo password", PASSWORD)}).on("here"))
    sink = Recorder()
    ending = await run_attached(dialer, asks("cat", stdin=b"much"), attached(), sink, Words(fresh_nonce()))
    assert (ending, sink.out) == (Exited(0), b"much")


async def test_a_wrong_password_is_tried_once_in_a_whole_fleet(sudo, tmp_path):
    tool = sudo()
    running = await server.start(tmp_path)
    sudos = Sudos({"": Secret("sudo", "wrong one")})
    connector = SshConnector(SshOptions(wall=time.time, agent="", sudos=sudos))
    hosts = [msgspec.structs.replace(running.host, name=f"web{n}") for n in range(5)]
    fleet = [await connector.connect(host) for host in hosts]
    endings = [ending for ending, _, _ in await asyncio.gather(*(ran(one, asks("echo in")) for one in fleet))]
    assert {type(ending) for ending in endings} == {NeverSent}
    told = [ending for ending in endings if "is tried on no other host" in ending.reason]
    assert (len(told), tool.wrong()) == (4, 1)
    for session in fleet:
        await session.close()
    await connector.close()
    await running.stop()


# --- one password in a fleet -----------------------------------------------------------------------------------------


async def asked(password: Password, host: str, *, urgent: bool = False) -> str:
    """Empty when the host may be asked, and why not otherwise."""
    try:
        async with password.turn(host, urgent=urgent):
            return ""
    except ChannelRefused as refused:
        return refused.reason


async def test_one_host_is_asked_first_and_two_at_a_time_once_it_has_taken_it():
    password = Password(Secret("sudo", "x"))
    asking, most, release = 0, [], asyncio.Event()

    async def one(host):
        nonlocal asking
        async with password.turn(host, urgent=False):
            asking += 1
            most.append(asking)
            await release.wait()
            password.taken_by(host)
            await asyncio.sleep(0)
            asking -= 1

    tasks = [asyncio.create_task(one(f"web{n}")) for n in range(6)]
    await asyncio.sleep(0)
    assert most == [1]
    release.set()
    await asyncio.gather(*tasks)
    assert max(most) == 2


async def test_after_a_refusal_only_hosts_that_have_taken_it_go_on():
    password = Password(Secret("sudo", "x"))
    password.taken_by("web1")
    password.refused_by("web2")
    assert await asked(password, "web1") == ""
    assert "refused on web2, and is tried on no other host" in await asked(password, "web3")
    assert "refused on web2" in await asked(password, "web2")


async def test_a_password_that_was_right_and_is_not_any_more_is_tried_nowhere():
    password = Password(Secret("sudo", "x"))
    password.taken_by("web1")
    password.taken_by("web2")
    password.refused_by("web1")
    assert "refused on web1" in await asked(password, "web2")


async def test_what_has_to_be_ended_waits_for_no_other_host():
    password = Password(Secret("sudo", "x"))
    password.taken_by("web1")
    async with password.turn("web2", urgent=False), password.turn("web3", urgent=False):
        assert await asyncio.wait_for(asked(password, "web1", urgent=True), 5) == ""


async def test_hosts_with_other_passwords_do_not_share_a_refusal():
    sudos = Sudos({"web1": Secret("sudo", "one"), "web2": Secret("sudo", "two"), "": Secret("sudo", "one")})
    one, two, other = (sudos.on(host)._password for host in ("web1", "web2", "web3"))
    assert (one is other, one is two) == (True, False)


EXPIRED = "Account or password is expired, reset your password and try again"
LOCKED = "The account is locked due to 3 failed logins"


# --- sudo's words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ("sudo: sorry, you must have a tty to run sudo",),
            "sudo: sorry, you must have a tty to run sudo; add to sudoers: Defaults:deploy !requiretty",
        ),
        (
            (f"sudo: {EXPIRED}", "Current password:"),
            f"sudo: {EXPIRED}; log in there and set a new one with passwd",
        ),
        (
            (f"{LOCKED}.", "sudo: 1 incorrect password attempt"),
            f"sudo: {LOCKED}; let somebody with another account unlock it there (faillock --user deploy --reset)",
        ),
        (("sudo: unknown user dba",), "sudo: unknown user dba; correct become_user or ansible_become_user"),
        (("/bin/sh: 1: exec: sudo: not found",), "sudo: /bin/sh: 1: exec: sudo: not found; install sudo there"),
        (("sudo: error in plugin",), "sudo: error in plugin"),
        ((), "sudo: it ended without a word"),
    ],
)
def test_a_refusal_is_told_in_sudos_words_and_with_what_helps(lines, reason):
    assert refusal(Said(lines), "dba", "deploy") == reason


def test_it_is_said_whose_password_was_wanted():
    said = Said(("Sorry, try again.",), whose="root", asker="deploy")
    assert refusal(said, "root", "deploy") == (
        "sudo: it asked for the password of root and not of deploy (rootpw, targetpw or runaspw in sudoers), "
        f"and refused the one given: Sorry, try again; give the right one {GIVE}"
    )
