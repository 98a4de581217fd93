"""Durable jobs on real OpenSSH, under every `/bin/sh` and login shell, and on hosts that lack what others take for granted.

Each host here is a private view of this machine: a mount namespace behind `ForceCommand`, entered by root before anything of
the login runs. What is mounted there ends with its last process.
"""

import asyncio
import os
import shutil
import subprocess
import time
import uuid

import pytest

from runbook.core.outcome import Exited, Expired, Grade, Lost, NeverSent
from runbook.transport.session import Job
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.openssh import RealServer, skip_or_fail
from tests.transport.contract import is_alive
from tests.transport.recorder import Recorder, sh

pytestmark = pytest.mark.real

SHELLS = {"dash": "dash", "bash": "bash", "ash": "busybox", "mksh": "mksh"}
HOSTS = {
    "as it is": (":", Grade.SESSION),
    "home cannot be written": ("mount -t tmpfs -o ro none $HOME", Grade.SESSION),
    "tmp executes nothing": ("mount --bind /tmp /tmp && mount -o remount,bind,noexec /tmp", Grade.SESSION),
    "home is full": ("mount -t tmpfs -o size=16k none $HOME; dd if=/dev/zero of=$HOME/x 2>/dev/null", Grade.SESSION),
    "no setsid": ("true >none; mount --bind none $(readlink -f $(command -v setsid))", Grade.FILES),
    "no proc": ("mount -t tmpfs none /proc", Grade.SESSION),
    "nowhere to write": (
        "for d in $HOME /var/tmp /tmp /dev/shm; do mount -t tmpfs -o ro none $d; done",
        Grade.ATTACHED,
    ),
}


def job(name="", **parts) -> Job:
    return Job(id=f"run/{name}/{uuid.uuid4()}", **{"grace": 0.5, **parts})


class Host:
    """A server whose every login runs in a prepared mount namespace."""

    def __init__(self, folder, setup: str, sh_path: str = "", login: str = "/bin/sh"):
        if os.getuid() != 0 or not shutil.which("unshare"):
            skip_or_fail("needs root and unshare")
        home = folder / "home"
        home.mkdir()
        entry = folder / "entry"
        lines = ["#!/bin/bash", f"export HOME={home}; unset XDG_STATE_HOME; cd; hash -r"]
        if sh_path:
            lines.append(f"mount --bind {sh_path} $(readlink -f /bin/sh)")
        lines += [setup, f'exec {login} -c "$SSH_ORIGINAL_COMMAND"']
        entry.write_text("\n".join(lines) + "\n")
        entry.chmod(0o755)
        self.server = RealServer(folder, extra=f"ForceCommand unshare -m {entry}")
        self.home = home
        self.connector = SshConnector(SshOptions(wall=time.time, agent=""))

    async def __aenter__(self):
        await self.server.start()
        return await self.connector.connect(self.server.host)

    async def __aexit__(self, *_):
        await self.connector.close()
        await self.server.stop()


async def keeps_its_word(session, grade: Grade):
    """A quick job, a long one with output on both streams, one that is ended, and one that is followed again."""
    quick = Recorder()
    assert await session.run(sh("printf 'a\\0b'; echo e >&2; exit 3", env=(("X", "1 '2'"),)), job(), quick) == Exited(3)
    assert (quick.out, quick.err, quick.grades) == (b"a\0b", b"e\n", [grade])
    long = Recorder()
    text = "for i in 1 2 3; do echo $i; sleep 0.5; done; cat"
    assert await session.run(sh(text, stdin=b"in\0put"), job(), long) == Exited(0)
    assert long.out == b"1\n2\n3\nin\0put"
    for is_durable in (True, False):
        tree = Recorder()
        text = "(sleep 600 & echo $!; wait) & wait"
        assert await session.run(sh(text), job(limit=1.0, durable=is_durable), tree) == Expired(1.0)
        assert not is_alive(int(tree.out))
    if grade is not Grade.ATTACHED:
        again = job(out_offset=1)
        await session.run(sh("echo abc; exit 4"), Job(id=again.id), Recorder())
        sink = Recorder()
        assert (await session.reattach(sh("x"), again, sink), sink.out) == (Exited(4), b"bc\n")


@pytest.mark.parametrize("shell", SHELLS)
async def test_every_sh_keeps_its_word(tmp_path_factory, shell):
    path = shutil.which(SHELLS[shell]) or skip_or_fail(f"{shell} is not installed")
    async with Host(tmp_path_factory.mktemp("host"), ":", sh_path=path) as session:
        await keeps_its_word(session, Grade.SESSION)


@pytest.mark.parametrize("login", ["fish", "csh", "bash"])
async def test_every_login_shell_keeps_its_word(tmp_path_factory, login):
    path = shutil.which(login) or skip_or_fail(f"{login} is not installed")
    noise = "echo Welcome to this host; echo and to its errors >&2"
    async with Host(tmp_path_factory.mktemp("host"), noise, login=path) as session:
        await keeps_its_word(session, Grade.SESSION)


@pytest.mark.parametrize("kind", HOSTS)
async def test_poor_hosts_keep_their_word_in_the_grade_that_they_name(tmp_path_factory, kind):
    setup, grade = HOSTS[kind]
    async with Host(tmp_path_factory.mktemp("host"), setup) as session:
        await keeps_its_word(session, grade)


async def test_a_disk_that_the_command_fills_does_not_lose_its_exit_code(tmp_path_factory):
    setup = "mount -t tmpfs -o size=256k none $HOME"
    async with Host(tmp_path_factory.mktemp("host"), setup) as session:
        sink = Recorder()
        text = "dd if=/dev/zero of=$HOME/full bs=1k 2>/dev/null; exit 6"
        assert await session.run(sh(text), job(), sink) == Exited(6)
        assert sink.grades == [Grade.SESSION]


async def test_a_full_disk_refuses_the_next_start_and_runs_nothing(tmp_path_factory):
    host = Host(tmp_path_factory.mktemp("host"), "mount -t tmpfs -o size=256k none $HOME")
    async with host as session:
        await session.run(sh("dd if=/dev/zero of=$HOME/full bs=1k 2>/dev/null"), job(), Recorder())
        ending = await session.run(sh(f"touch {host.home}.effect; echo effect"), job(), Recorder())
        assert isinstance(ending, NeverSent)
        assert not host.home.with_suffix(".effect").exists()


async def test_a_link_that_is_cut_in_the_middle_costs_nothing(tmp_path_factory):
    """The command goes on; the next runner gets the rest, byte for byte."""
    folder = tmp_path_factory.mktemp("host")
    host = Host(folder, ":")
    async with host as session:
        this = job()
        sink = Recorder(wanted=b"500\n")
        text = (
            f"i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo $i; sleep 0.002; done; echo x >> {folder}/effect; exit 5"
        )
        running = asyncio.create_task(session.run(sh(text), this, sink))
        await asyncio.wait_for(sink.seen.wait(), 20)
        host.server.cut()
        assert isinstance(await running, Lost)
        second = await host.connector.connect(host.server.host)
        rest = Job(id=this.id, out_offset=len(sink.out))
        assert await second.reattach(sh(text), rest, sink) == Exited(5)
        assert sink.out == b"".join(b"%d\n" % i for i in range(1, 1001))
        assert (folder / "effect").read_text() == "x\n"
        await second.close()


def test_the_shell_files_are_clean_for_every_shell_that_is_here():
    for name in ("tree.sh", "place.sh", "ready.sh", "durable.sh", "follow.sh", "unit.sh"):
        for shell in ("dash", "bash", "mksh"):
            if path := shutil.which(shell):
                subprocess.run([path, "-n", f"runbook/transport/shell/{name}"], check=True, timeout=20)
